"""The bars of a run on a terminal: the case, the probe, the time left."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from leakbench.model import Failure, Outcome
from leakbench.terminal import alarm, console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from leakbench.plan import Task
    from leakbench.wheelhouse import Wheels


def _progress() -> Progress:
    return Progress(
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}", markup=False),
        console=console(stderr=True),
        transient=True,
    )


@contextmanager
def drawing(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what is to be told how many of how many are drawn."""
    with _progress() as progress:
        bar = progress.add_task(what, total=None)
        yield lambda drawn, due: progress.update(bar, completed=drawn, total=due)


class Bar:
    """Tells what is being measured; failures stay on the screen above the bar."""

    def __init__(self, total: int) -> None:
        self._progress = _progress()
        self._bar = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def installing(self, wheels: Wheels) -> None:
        self._progress.update(self._bar, description=f"installing {wheels.name}")

    def started(self, task: Task) -> None:
        self._progress.update(self._bar, description=f"{task.case.id} {task.probe}")

    def ended(self, task: Task, outcome: Outcome) -> None:
        self._progress.advance(self._bar)
        if isinstance(outcome, Failure):
            self._progress.console.print(alarm("failed", f"{task.case.id} {task.probe}: {outcome.reason}"))
