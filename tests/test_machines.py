"""On a machine that lacks something, `doctor` says what is measured how instead, and the records carry it.

Each lack is made for a whole process tree: a read-only /proc in a mount namespace, an interpreter whose C
library has no counters, a Python in which memray cannot be found.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from leakbench import doctor, environment

from tests.commands import clean_environ, leakbench, rows

pytestmark = pytest.mark.slow
NOT_ALL = 1
FAILED = 4


def findings(stdout: str) -> dict[str, dict[str, Any]]:
    document = json.loads(stdout)
    return {finding["what"]: finding for finding in document["findings"]}


def test_what_is_missing_says_what_then_and_what_is_there_says_nothing() -> None:
    for finding in findings(leakbench("doctor", "--json").stdout).values():
        assert finding["found"]
        assert finding["able"] or finding["instead"]
        assert not (finding["able"] and (finding["instead"] or finding["mend"]))


def under_read_only_proc(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line in a mount namespace whose /proc cannot be written, so that no mark can be reset."""
    unshare = shutil.which("unshare")
    if unshare is None or sys.platform != "linux":
        pytest.skip("platform: no namespaces here")
    mounted = 'mount -t proc -o ro proc /proc && exec "$@"'
    command = [unshare, "--mount", "--pid", "--fork", "sh", "-c", mounted, "sh"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("platform: this container allows no namespaces")
    return subprocess.run(
        [*command, sys.executable, "-m", "leakbench", *words],
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kernel_that_does_not_reset_its_mark_is_said_and_recorded(tmp_path: Path) -> None:
    done = under_read_only_proc("doctor", "--json")
    assert done.returncode == NOT_ALL
    found = findings(done.stdout)["reset of the peak mark"]
    assert not found["able"]
    assert found["instead"] == "peak_rss_bytes counts from exec, and records say peak_since: exec"
    out = tmp_path / "run"
    done = under_read_only_proc("run", "session-map:none", "--probe", "rss", "--no-report", "--out", str(out))
    assert done.returncode == 0, done.stderr
    (row,) = rows(out)
    assert row["values"]["peak_since"] == "exec"
    assert json.loads((out / "environment.json").read_text())["machine"]["peak_resets"] is False
    normal = tmp_path / "normal"
    leakbench("run", "session-map:none", "--probe", "rss", "--no-report", "--out", normal)
    (usual,) = rows(normal)
    assert usual["values"]["peak_since"] == "baseline"
    # The workload's own peak is far above that of its start, so both ways find the same growth.
    grown, expected = (
        each["values"]["peak_rss_bytes"] - each["values"]["baseline_rss_bytes"] for each in (row, usual)
    )
    assert grown == pytest.approx(expected, abs=64 * 1024)


WITHOUT_COUNTERS = """#!{python} -S
import ctypes, sys
class Without(ctypes.CDLL):
    def __getattr__(self, name):
        if name in ("mallinfo2", "mallinfo", "malloc_zone_statistics", "malloc_trim"):
            raise AttributeError(name)
        return super().__getattr__(name)
ctypes.CDLL = Without
at = sys.argv.index("-c")
boot = sys.argv[at + 1]
sys.argv = ["-c", *sys.argv[at + 2 :]]
exec(boot)
"""


@pytest.fixture
def without_counters(tmp_path: Path) -> str:
    """A line of Python after which children run in an interpreter whose C library counts nothing."""
    interpreter = tmp_path / "python"
    interpreter.write_text(WITHOUT_COUNTERS.format(python=sys.executable))
    interpreter.chmod(0o755)
    return f"import sys; sys.executable = {str(interpreter)!r}"


def test_a_libc_without_counters_is_said_and_growth_is_judged_on_resident_memory(
    tmp_path: Path, without_counters: str
) -> None:
    found = findings(leakbench("doctor", "--json", program=without_counters).stdout)["live heap counter"]
    assert not found["able"]
    assert (found["found"], found["instead"]) == (
        "none that counts what malloc gives out",
        "growth is judged on resident memory; small leaks need longer ladders",
    )
    out = tmp_path / "run"
    cases = ("session-map:none", "session-map:ideal", "noop")
    done = leakbench(
        "run",
        *cases,
        "--probe",
        "ledger",
        "--probe",
        "rss",
        "--no-report",
        "--out",
        out,
        program=without_counters,
    )
    assert done.returncode == 0, done.stderr
    ledgers = {row["case"]: row["values"] for row in rows(out) if row["probe"] == "ledger"}
    assert {values["heap_kind"] for values in ledgers.values()} == {"resident"}
    assert [case for case, values in ledgers.items() if values["leak_bytes_per_op"]] == ["session-map:none"]
    # Pages, not chunks: 8 x 2 MiB in the last octave of 8,192 steps.
    assert ledgers["noop:none"]["smallest_detectable_bytes_per_op"] == (16 << 20) / 4_096


NO_LINUX = """#!{python} -S
import sys
sys.platform = "freebsd14"
at = sys.argv.index("-c")
boot = sys.argv[at + 1]
sys.argv = ["-c", *sys.argv[at + 2 :]]
exec(boot)
"""


def test_where_only_a_high_water_mark_is_known_nothing_is_called_unreturned(tmp_path: Path) -> None:
    """A burst of 32 MiB that is given back: the mark stays up, and says nothing of what is resident."""
    interpreter = tmp_path / "python"
    interpreter.write_text(NO_LINUX.format(python=sys.executable))
    interpreter.chmod(0o755)
    out, cases = tmp_path / "run", ("unreturned-memory:none", "unreturned-memory:ideal", "session-map:none")
    program = f"import sys; sys.executable = {str(interpreter)!r}"
    done = leakbench("run", *cases, "--probe", "ledger", "--probe", "rss", "--out", out, program=program)
    assert done.returncode == NOT_ALL, done.stderr
    seen = {(row["case"], row["probe"]): row["values"] for row in rows(out)}
    assert seen["unreturned-memory:none", "ledger"]["verdict"] in ("bounded", "steady")
    assert seen["session-map:none", "ledger"]["leak_bytes_per_op"] > 0
    for case in ("unreturned-memory:none", "unreturned-memory:ideal"):
        rss = seen[case, "rss"]
        assert rss["peak_rss_bytes"] > 32 << 20
        assert not {name for name in rss if name.endswith("_rss_bytes")} - {"peak_rss_bytes"}
    assert (out / "report" / "index.html").is_file()


WITHOUT_MEMRAY = "import sys; sys.modules['memray'] = None"


def test_without_memray_the_heap_is_not_measured_and_everything_else_is(tmp_path: Path) -> None:
    found = findings(leakbench("doctor", "--json", program=WITHOUT_MEMRAY).stdout)["memray"]
    assert not found["able"]
    assert found["instead"] == "no heap probe, no allocation site, no flamegraphs"
    assert found["mend"].endswith("-m pip install memray (Linux, macOS)")
    out = tmp_path / "run"
    done = leakbench("run", "noop", "--out", out, program=WITHOUT_MEMRAY)
    assert done.returncode == FAILED
    by_probe = {row["probe"]: row for row in rows(out)}
    assert by_probe["heap"]["reason"] == ("not run: memray is not installed; `python -m pip install memray`")
    assert all(row["status"] == "measured" for probe, row in by_probe.items() if probe != "heap")
    assert (out / "report" / "index.html").is_file()


def test_addresses_that_cannot_be_fixed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "can_switch_aslr_off", lambda: False)
    found = doctor._aslr()
    assert not found.able
    assert found.instead == "resident growth repeats to 4 KiB instead of to the bit"


def test_huge_pages_that_cannot_be_switched_off_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "huge_pages", lambda: "always")
    monkeypatch.setattr(environment, "can_switch_huge_pages_off", lambda: False)
    found = doctor._huge_pages()
    assert (found.able, found.found) == (False, "always; prctl(PR_SET_THP_DISABLE) is refused")


@pytest.mark.parametrize(
    ("error_bytes", "able", "said"),
    [
        (0, True, "off by 0 B in here"),
        (262_144, False, "off by 256 KiB in here"),
        (None, False, "cannot be compared"),
    ],
)
def test_resident_memory_that_is_counted_roughly_is_said(
    monkeypatch: pytest.MonkeyPatch, error_bytes: int | None, *, able: bool, said: str
) -> None:
    monkeypatch.setattr(environment, "resident_error_bytes", lambda: error_bytes)
    found = doctor._resident()
    assert (found.able, bool(found.instead)) == (able, not able)
    assert found.found.endswith(said)


def test_children_that_the_kernel_does_not_list_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "lists_children", lambda: False)
    found = doctor._children()
    assert not found.able
    assert found.instead.startswith("processes_left is 0 whatever was left")


JEMALLOC = f"/usr/lib/{os.uname().machine}-linux-gnu/libjemalloc.so.2"  # where Debian puts it


def test_a_leak_under_another_malloc_is_found_in_resident_memory(tmp_path: Path) -> None:
    """The counter of glibc's own is there, and stands still."""
    if not Path(JEMALLOC).exists():
        pytest.skip(f"platform: {JEMALLOC} is not there")
    target = tmp_path / "leaking.py"
    target.write_text("KEPT = []\ndef step(i):\n    KEPT.append(bytes(300))\n")
    words = ("check", f"{target}::step", "--json", "--only-verdict", "--steps", "131072")
    document = json.loads(leakbench(*words, environ=clean_environ(LD_PRELOAD=JEMALLOC)).stdout)
    assert document["verdict"] == "leak"
    assert document["smallest_detectable_bytes_per_op"] == (16 << 20) / 65_536  # pages, not chunks
