"""The heap as memray sees it, Python's own allocator traced: peak, what stays, and where it was allocated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leakbench.holder_names import NATIVE
from leakbench.probes import Place, base_order, last, listen
from leakbench.spawn import site_folders

if TYPE_CHECKING:
    from leakbench.plan import Task
    from leakbench.spawn import Child, Order

follow = listen
REQUIRES = ("memray",)


def capture_path(folder: Path, task: Task) -> Path:
    """Where a case's capture lies in its run; that of a repeat is gone once it has been read."""
    again = f"@{task.repeat}" if task.repeat else ""
    return folder / "captures" / f"{task.case.scenario}@{task.case.mitigation}{again}.bin"


def order(task: Task, place: Place) -> Order:
    capture = capture_path(place.folder.resolve(), task)
    return base_order(
        "heap",
        task,
        place,
        {},
        capture=str(capture),
        own_file=task.entry.file,
        native=_is_native(task),
        peak_alone=task.repeat > 0,
        memray_path=site_folders(),
    )


def _is_native(task: Task) -> bool:
    """Whether C code is what leaks untreated: then its frames say more than the line that calls it.

    Of the mended too, lest the difference of two flamegraphs be one of frames.
    """
    untreated = task.entry.scenario.mitigations.get("none")
    return untreated is not None and untreated.holder == NATIVE


def values(child: Child) -> dict[str, Any]:
    """Bytes and counts since the baseline; `capture` is relative to the run's folder.

    Of a repeat the peak alone.
    """
    seen = last(child, "heap")
    if seen and not child.job["peak_alone"]:
        capture = Path(child.job["capture"])
        seen["capture"] = f"{capture.parent.name}/{capture.name}"
    return seen
