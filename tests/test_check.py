"""`leakbench check` against steps whose truth is known, and against every kind of mistake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from leakbench import checking, wording
from leakbench.examination import Examination
from leakbench.model import matches_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakbench.spawn import Child
    from leakbench.verdict import Verdict

KNOWN = Path(__file__).parent / "subjects" / "known.py"
UNSURE = {
    "patterns_of_fnmatch": "its own cache fills after 32,768 patterns of 150 µs: the budget ends about there",
    "random_keys_of_500k": "the last of them come in 2 million steps, 1.5 s on a quiet machine",
}
"""Subjects whose answer may be `inconclusive` on a slow machine, with the reason; never a wrong one."""
LONG = {"hand_written_cache_of_900k": 30.0}
"""Budgets in seconds: its bound shows after 4 million steps, 3 s on a quiet machine, more on a busy one."""


def _truth() -> dict[str, str]:
    known: dict[str, Any] = {}
    exec(compile(KNOWN.read_text(encoding="utf-8"), str(KNOWN), "exec"), known)  # noqa: S102  # our own file
    truth: dict[str, str] = known["TRUTH"]
    return truth


TRUTH = _truth()
QUICK = ("nothing", "entry_a_step", "lru_small", "malloc_in_c")


def _check(*words: str, timeout_seconds: float = 90.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leakbench", "check", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False)


def _service(folder: Path, text: str) -> Path:
    """A person's own module."""
    file = folder / "service.py"
    file.write_text(text, encoding="utf-8")
    return file


def _examine(name: str, **wish: Any) -> Verdict:
    return checking.examine(checking.Wish(f"{KNOWN}::{name}", **wish))


@pytest.mark.parametrize("name", QUICK)
def test_the_clear_cases_are_right(name: str) -> None:
    assert matches_truth(TRUTH[name], _examine(name).verdict)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRUTH if name not in QUICK])
def test_every_subject_is_right(name: str) -> None:
    verdict = _examine(name, budget_seconds=LONG.get(name, 5.0))
    if name in UNSURE and verdict.verdict in ("inconclusive", "bounded"):
        return
    assert matches_truth(TRUTH[name], verdict.verdict), f"{verdict}"


@pytest.mark.slow
def test_a_leak_names_its_rate_its_site_and_its_holder() -> None:
    verdict = _examine("entry_a_step")
    # bytes(64) is 97 bytes in a chunk of 112, its int key 28 in one of 48; a dict slot 8 to 60 bytes
    assert 160 < verdict.leak_bytes_per_op < 240
    low, high = verdict.interval
    assert low <= verdict.leak_bytes_per_op <= high
    assert verdict.site is not None
    assert verdict.site["file"] == str(KNOWN)
    assert verdict.site["function"] == "entry_a_step"
    assert verdict.holder is not None
    assert verdict.holder["path"] == "known.MAP"
    assert verdict.holder["type"] == "dict"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("service.login", "known.service.rows"),
        ("closure", "known.closure.<locals> cell 'seen'"),
        ("linked_list", "known.head"),
        ("one_in_seven", "known.KEPT"),
    ],
)
def test_the_holder_is_named_as_python_would_write_it(name: str, path: str) -> None:
    verdict = _examine(name)
    assert verdict.holder is not None
    assert verdict.holder["path"] == path


@pytest.mark.slow
def test_several_leaks_share_the_bytes() -> None:
    found = {holder["path"]: holder["bytes_share"] for holder in _examine("two_leaks").holders}
    assert set(found) == {"known.service.rows", "known.Service.listeners"}
    assert 0.7 < sum(found.values()) <= 1.01


@pytest.mark.slow
def test_a_leak_in_c_says_that_no_python_object_grows() -> None:
    verdict = _examine("malloc_in_c")
    assert verdict.holder is not None
    assert verdict.holder["type"] == "native"
    assert verdict.leak_bytes_per_op == pytest.approx(80, abs=0.01)  # malloc(64) takes a chunk of 80


@pytest.mark.parametrize("teardown", ["", "def leakcheck_teardown(): pass\n"])
def test_a_second_child_that_cannot_load_the_target_costs_no_more_than_the_holder(
    teardown: str, tmp_path: Path
) -> None:
    """What is locked, or a port that is bound, is there once; who looks for the holder comes second."""
    file = tmp_path / "locked.py"
    file.write_text(
        f"import fcntl\nLOCK = open({str(tmp_path / 'lock')!r}, 'w')\n"
        "fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)\nROWS = []\n"
        f"def step(i): ROWS.append(bytes(100))\n{teardown}",
        encoding="utf-8",
    )
    verdict = checking.examine(checking.Wish(f"{file}::step", steps=8_192))
    assert verdict.verdict == "leak"
    assert verdict.holder is None


@pytest.mark.slow
def test_a_target_climbed_anew_is_torn_down_and_the_check_ends(tmp_path: Path) -> None:
    """A window whose nodes hang on a frozen first one: the climb is done again without freezing."""
    file = tmp_path / "window.py"
    file.write_text(
        "class Node: pass\nLAST = [None]\n"
        "def step(i):\n"
        "    node = Node(); node.me = node; node.pad = bytes(200)\n"
        "    if LAST[0] is not None: LAST[0].next = node\n"
        "    LAST[0] = node\n"
        f"def leakcheck_teardown(): open({str(tmp_path / 'torn')!r}, 'a').write('down\\n')\n",
        encoding="utf-8",
    )
    verdict = checking.examine(checking.Wish(f"{file}::step", only_verdict=True, steps=16_384))
    assert not verdict.leaks, verdict
    # Both that climbed, and the one that looks for a holder where it had been started.
    assert (tmp_path / "torn").read_text(encoding="utf-8").count("down") in (2, 3)


def test_descriptors_that_leak_are_found_within_the_usual_limit_of_1024(tmp_path: Path) -> None:
    """Half of them may be opened: from 8 steps to 512 are six octaves, from 256 on there would be one."""
    file = tmp_path / "sockets.py"
    file.write_text(
        "import resource, socket\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "OPEN = []\ndef step(i): OPEN.append(socket.socket())\n",
        encoding="utf-8",
    )
    verdict = checking.examine(checking.Wish(f"{file}::step", only_verdict=True))
    assert verdict.verdict == "leak", verdict
    assert verdict.resources["file descriptors"] == pytest.approx(1.0)


def test_a_file_beside_the_target_may_bear_a_standard_modules_name(tmp_path: Path) -> None:
    (tmp_path / "resource.py").write_text("class Resource: pass\n", encoding="utf-8")
    file = tmp_path / "service.py"
    file.write_text(
        "import resource\nKEPT = []\ndef step(i): KEPT.append(resource.Resource())\n", encoding="utf-8"
    )
    assert checking.examine(checking.Wish(f"{file}::step", steps=8_192)).verdict == "leak"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["token", "dis", "opcode", "ast", "linecache"])
def test_a_file_beside_the_target_is_not_taken_for_the_library(name: str, tmp_path: Path) -> None:
    """After the climb, too, when it is asked whether any code may remove what grew."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit(5)\n", encoding="utf-8")
    file = tmp_path / "service.py"
    file.write_text("rows = {}\ndef step(i): rows[i] = bytes(64)\n", encoding="utf-8")
    verdict = checking.examine(checking.Wish(f"{file}::step", only_verdict=True))
    assert verdict.verdict == "leak"


@pytest.mark.slow
def test_a_step_that_ends_with_the_steps_asked_for_is_asked_for_no_more(tmp_path: Path) -> None:
    """64 of the warm-up and 16,384 of the ladder."""
    file = tmp_path / "finite.py"
    text = "left = iter(range(64 + 16_384))\nrows = {}\ndef step(i): rows[next(left)] = bytes(64)\n"
    file.write_text(text, encoding="utf-8")
    verdict = checking.examine(checking.Wish(f"{file}::step", only_verdict=True, steps=16_384))
    assert (verdict.verdict, verdict.ops) == ("leak", 16_384)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["rows.append(bytes(64))", "pass"])
def test_a_teardown_that_hangs_is_told_from_a_step(step: str, tmp_path: Path) -> None:
    file = tmp_path / "service.py"
    text = "import time\nrows = []\ndef step(i): {}\ndef leakcheck_teardown(): time.sleep(60)\n"
    file.write_text(text.format(step), encoding="utf-8")
    wish = checking.Wish(f"{file}::step", only_verdict=True, steps=4_096, deadline_seconds=1.0)
    with pytest.raises(checking.TargetFailedError, match="the teardown did not return"):
        checking.examine(wish)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "searches"), [("entry_a_step", 0), ("nothing", 0), ("removes_but_not_all", 1)]
)
def test_for_the_verdict_alone_the_holder_is_searched_only_where_code_may_remove(
    name: str, searches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    finders = []
    start = Examination._start_finder

    def noted(self: Examination) -> Child:
        finders.append(self)
        return start(self)

    monkeypatch.setattr(Examination, "_start_finder", noted)
    assert matches_truth(TRUTH[name], _examine(name, only_verdict=True).verdict)
    assert len(finders) == searches


def test_only_verdict_leaves_out_site_and_holder() -> None:
    verdict = _examine("entry_a_step", only_verdict=True)
    assert verdict.verdict == "leak"
    assert verdict.site is None
    assert verdict.holder is None
    assert verdict.holders == ()


def test_no_growth_reads_exactly_zero() -> None:
    verdict = _examine("nothing")
    assert verdict.leak_bytes_per_op == 0.0
    assert verdict.noise_bytes <= 64  # a chunk or two, by what else the warm-up time allowed
    assert verdict.smallest_detectable_bytes_per_op <= 0.02
    assert verdict.smallest_detectable_outside_bytes_per_op <= 256


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="platform: threads are not listed here")
def test_a_joined_thread_that_has_not_ended_is_waited_for_at_each_reading() -> None:
    """Python is done with a thread before the system is; a reading in between finds its memory live."""
    verdict = _examine("thread_gone_long_after_its_join", only_verdict=True, steps=4_096)
    assert verdict.verdict == "steady", f"{verdict}"
    assert verdict.noise_bytes < 1_024  # without the wait, the memory of hundreds of threads


@pytest.mark.slow
def test_filling_gives_the_ceiling_and_heeds_the_limit() -> None:
    verdict = _examine("lru_vast", limit_bytes=1 << 40)
    assert verdict.verdict == "filling"
    assert verdict.holder is not None
    # an entry costs about 250 bytes; ten million of them 2.3 to 2.8 GB
    assert 2.0e9 < verdict.holder["ceiling_bytes"] < 3.2e9
    assert not verdict.leaks
    assert _check(f"{KNOWN}::lru_vast", "--limit", "1GiB", "--only-verdict").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "status"), [("nothing", 0), ("entry_a_step", 1), ("slow_leak", 3), ("raises_at_17", 4)]
)
def test_the_exit_status_says_the_verdict(name: str, status: int) -> None:
    words = ("--steps", "40") if name == "slow_leak" else ()
    assert _check(f"{KNOWN}::{name}", "--only-verdict", *words).returncode == status


def test_json_is_one_document_whatever_the_step_prints() -> None:
    done = _check(f"{KNOWN}::prints", "--json", "--steps", "4096")
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert document["verdict"] == "steady"
    assert set(document) >= {
        "target", "verdict", "leak_bytes_per_op", "interval", "smallest_detectable_bytes_per_op",
        "smallest_detectable_outside_bytes_per_op", "ops", "seconds", "noise_bytes", "retained", "site",
        "site_missing", "holder", "evidence",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.py::step", "no file nowhere.py"),
        (f"{KNOWN}::entry_a_stop", "did you mean 'entry_a_step'"),
        (f"{KNOWN}::wants_two", "wants 2 arguments (a, b)"),
        (f"{KNOWN}::NOT_CALLABLE", "is not callable: it is an int"),
        ("no_such_module:step", "no module 'no_such_module'"),
        ("neither", "is no target"),
        (f"{KNOWN}::", "names no function"),
        ("::step", "'::step' names no file"),
        (f"{KNOWN}::service::login", f"write {KNOWN}::service.login"),
    ],
)
def test_a_target_that_cannot_be_checked_is_said_plainly(target: str, said: str) -> None:
    done = _check(target)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_module_that_does_not_import_is_named_with_the_persons_own_lines(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import json\nanswer = 1 / 0\n", encoding="utf-8")
    done = _check(f"{broken}::step")
    assert done.returncode == 2
    assert "does not import: ZeroDivisionError: division by zero" in done.stderr
    assert "answer = 1 / 0" in done.stderr
    assert "leakbench/child" not in done.stderr
    assert "importlib" not in done.stderr


def test_a_module_that_is_no_python_is_told_by_its_line_alone(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def step(i)\n    pass\n", encoding="utf-8")
    done = _check(f"{broken}::step")
    assert done.returncode == 2
    assert f'File "{broken}", line 1' in done.stderr
    assert "importlib" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises_at_17", "at step 17: KeyError: 'seventeen'"),
        ("raises_late", "at step 5,000: KeyError: 'late'"),
        ("exits", "at step 300: SystemExit: 3"),
        ("exits_at_once", "exited with status 0 before it was done"),
        ("kills_itself", "was killed by SIGKILL"),
    ],
)
def test_a_step_that_fails_is_told_with_the_step_and_its_own_lines(name: str, said: str) -> None:
    done = _check(f"{KNOWN}::{name}", "--json")
    assert done.returncode == 4
    assert said in done.stderr
    assert "leakbench/child" not in done.stderr
    document = json.loads(done.stdout)
    assert document["verdict"] is None
    assert said in document["failure"]["message"]


@pytest.mark.slow
def test_a_step_that_never_returns_is_ended_at_its_deadline() -> None:
    done = _check(f"{KNOWN}::never_returns", "--deadline", "0.5")
    assert done.returncode == 4
    assert "did not return within its deadline of 0.5 s" in done.stderr


@pytest.mark.slow
def test_a_step_may_be_slower_than_its_budget(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ndef step(i):\n    time.sleep(0.2)\n", encoding="utf-8")
    wish = checking.Wish(f"{tmp_path / 'slow.py'}::step", budget_seconds=0.1, deadline_seconds=1.0)
    assert checking.examine(wish).verdict == "inconclusive"


LAZY = """
import asyncio

KEPT = []

async def keep(i):
    await asyncio.sleep(0)
    KEPT.append(bytes(100))

def returns_a_coroutine(i):
    return keep(i)

def from_the_second_on(i):
    return keep(i) if i else None

async def asynchronous(i):
    yield i
    KEPT.append(bytes(100))

def generates(i):
    yield i
    KEPT.append(bytes(100))

def generates_and_drops(i):
    yield bytes(100)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("returns_a_coroutine", "leak"),
        ("from_the_second_on", "leak"),
        ("asynchronous", "leak"),
        ("generates", "leak"),
        ("generates_and_drops", "steady"),
    ],
)
def test_what_has_not_run_when_a_step_returns_is_run_to_its_end(
    name: str, verdict: str, tmp_path: Path
) -> None:
    (tmp_path / "lazy.py").write_text(LAZY, encoding="utf-8")
    wish = checking.Wish(f"{tmp_path / 'lazy.py'}::{name}", steps=4_096, only_verdict=True)
    seen = checking.examine(wish)
    assert seen.verdict == verdict, seen


@pytest.mark.slow
def test_a_step_that_outgrows_the_memory_cap_says_how_it_was_growing() -> None:
    done = _check(f"{KNOWN}::mebibyte_a_step", "--memory-cap", "120MiB", "--steps", "4096")
    assert done.returncode == 4
    assert "grew past its memory cap of 120 MiB" in done.stderr
    assert "as a leak does" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--steps", "0"), "--steps 0 is out of its range"),
        (("--budget", "-1"), "--budget -1 is out of its range"),
        (("--limit", "lots"), "'lots' is no size"),
        (("--rate", "fast"), "'fast' is no rate"),
        (("--deadline", "nan"), "--deadline nan is out of its range"),
        (("--python", "/nowhere/python"), "/nowhere/python"),
        (("--python", "/bin/ls"), "/bin/ls is no Python that can run a check"),
    ],
)
def test_a_wrong_option_is_said_plainly(words: Sequence[str], said: str) -> None:
    done = _check(f"{KNOWN}::nothing", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fixed_length_is_exactly_so_long() -> None:
    assert _examine("nothing", steps=5_000).ops == 5_000


@pytest.mark.slow
@pytest.mark.parametrize("target", ["package.steps:step", "package/steps.py::step"])
def test_a_package_is_imported_as_its_interpreter_would(target: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "deep.py").write_text("ROWS = []\n", encoding="utf-8")
    (package / "steps.py").write_text(
        "from . import deep\n\ndef step(i):\n    deep.ROWS.append(i)\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "leakbench", "check", target, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=90, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["holder"]["path"] == "package.deep.ROWS"


def _interpreters() -> list[str]:
    """Other CPythons of this machine: on PATH, and beside one another where a version manager keeps them."""
    found = {}
    for version in ("3.9", "3.10", "3.12", "3.13", "3.14"):
        candidates = [shutil.which(f"python{version}"), *sorted(VERSIONS.glob(f"{version}.*/bin/python3"))]
        for candidate in filter(None, candidates):
            command = [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
            if said == version:
                found[version] = str(candidate)
    return list(found.values())


VERSIONS = Path.home() / ".pyenv" / "versions"
INTERPRETERS = _interpreters()


@pytest.mark.slow
@pytest.mark.skipif(not INTERPRETERS, reason="platform: no other CPython on this machine")
@pytest.mark.parametrize("name", ["entry_a_step", "nothing", "lru_vast", "hand_written_cache_of_900k"])
@pytest.mark.parametrize("python", INTERPRETERS)
def test_another_interpreter_needs_no_leakbench(python: str, name: str) -> None:
    verdict = _examine(name, python=python, only_verdict=True, budget_seconds=LONG.get(name, 5.0))
    assert matches_truth(TRUTH[name], verdict.verdict), verdict.evidence


def test_setup_and_teardown_are_called(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    service = _service(
        tmp_path,
        f"def leakcheck_setup():\n    open({str(marks)!r}, 'a').write('up ')\n"
        f"def leakcheck_teardown():\n    open({str(marks)!r}, 'a').write('down ')\n"
        "def step(i):\n    pass\n",
    )
    assert checking.examine(checking.Wish(f"{service}::step")).verdict == "steady"
    assert marks.read_text(encoding="utf-8").split() == ["up", "down"]


def test_setup_and_teardown_may_be_coroutines_on_the_loop_of_the_steps(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    service = _service(
        tmp_path,
        "import asyncio\n"
        "async def leakcheck_setup():\n    global loop\n    loop = asyncio.get_running_loop()\n"
        f"async def leakcheck_teardown():\n    open({str(marks)!r}, 'a').write('down')\n"
        "async def step(i):\n    assert asyncio.get_running_loop() is loop\n",
    )
    verdict = checking.examine(checking.Wish(f"{service}::step", steps=256))
    assert (verdict.ops, marks.read_text(encoding="utf-8")) == (256, "down")


def test_the_setup_of_a_web_application_is_on_its_loop(tmp_path: Path) -> None:
    service = _service(
        tmp_path,
        "import asyncio\n"
        "async def leakcheck_setup():\n    global loop\n    loop = asyncio.get_running_loop()\n"
        "async def app(scope, receive, send):\n"
        "    assert asyncio.get_running_loop() is loop\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b''})\n",
    )
    assert checking.examine(checking.Wish(f"{service}::app", steps=256)).ops == 256


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ConnectionError('no database')", "ConnectionError: no database"),
        ("SystemExit('no database')", "SystemExit: no database"),
    ],
)
def test_a_setup_that_raises_is_told_from_a_module_that_does_not_import(
    tmp_path: Path, raised: str, said: str
) -> None:
    service = _service(
        tmp_path,
        f"def leakcheck_setup():\n    raise {raised}\ndef step(i):\n    pass\n",
    )
    done = _check(f"{service}::step")
    assert done.returncode == 2
    assert f"{service}::step: leakcheck_setup raised {said}" in done.stderr
    assert "in leakcheck_setup" in done.stderr
    assert "leakbench/child" not in done.stderr


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("def leakcheck_setup(client):\n    pass", "leakcheck_setup wants client: it is called without"),
        ("leakcheck_teardown = 5", "leakcheck_teardown is not callable: it is an int"),
    ],
)
def test_a_setup_that_cannot_be_called_is_said_plainly(tmp_path: Path, hook: str, said: str) -> None:
    service = _service(tmp_path, f"{hook}\ndef step(i):\n    pass\n")
    done = _check(f"{service}::step")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 64 << 20])
def test_the_ceiling_of_a_filling_cache_is_its_bound_in_bytes(tmp_path: Path, limit: int | None) -> None:
    """The warm-up fills it too: 600 entries of 128 KiB are 75 MiB, whatever came before the baseline."""
    service = _service(
        tmp_path,
        "import functools\n@functools.lru_cache(maxsize=600)\n"
        "def cached(key):\n    return bytearray(128 << 10)\ndef step(i):\n    cached(i)\n",
    )
    wish = checking.Wish(f"{service}::step", growth_cap_bytes=30 << 20, limit_bytes=limit)
    verdict = checking.examine(wish)
    assert verdict.verdict == "filling"
    assert verdict.holder is not None
    assert verdict.holder["ceiling_bytes"] == pytest.approx(75 << 20, rel=0.01)
    assert verdict.leaks is (limit is not None)


@pytest.mark.slow
@pytest.mark.parametrize("only_verdict", [True, False])
def test_a_bound_in_units_of_its_own_is_no_proof_and_no_leak(tmp_path: Path, *, only_verdict: bool) -> None:
    service = _service(
        tmp_path,
        "import cachetools\nCACHE = cachetools.LRUCache(maxsize=600 << 20, getsizeof=len)\n"
        "def step(i):\n    CACHE[i] = bytearray(1 << 20)\n",
    )
    wish = checking.Wish(f"{service}::step", only_verdict=only_verdict, growth_cap_bytes=100 << 20)
    verdict = checking.examine(wish)
    assert verdict.verdict == "inconclusive"
    assert verdict.leak_bytes_per_op == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("only_verdict", [True, False])
def test_a_cache_that_the_growth_cap_keeps_from_its_bound_is_no_leak(*, only_verdict: bool) -> None:
    """200 entries of a MiB: the climb ends after 100, and who looks for the holder comes to the eviction."""
    verdict = _examine("mebibytes_in_a_cache", only_verdict=only_verdict, growth_cap_bytes=100 << 20)
    assert verdict.verdict == "inconclusive"
    assert "a larger --growth-cap would decide" in verdict.evidence
    assert verdict.wanted_ops is None
    if not only_verdict:
        assert verdict.holder is not None
        assert verdict.holder["path"] == "known.MAP"


@pytest.mark.slow
def test_a_leak_that_the_growth_cap_cut_short_says_so() -> None:
    verdict = _examine("mebibyte_a_step", only_verdict=True, growth_cap_bytes=100 << 20)
    assert verdict.verdict == "leak"
    assert verdict.evidence.endswith(", where the growth cap of 100 MiB ended the climb")


@pytest.mark.slow
def test_a_leak_beside_what_ends_is_a_leak(tmp_path: Path) -> None:
    """COUNTS takes 5,000 keys, more than who looks for the holder sees it take."""
    service = _service(
        tmp_path,
        "COUNTS, LOG = {}, []\n"
        "def step(i):\n    COUNTS[i % 5_000] = bytes(200)\n    LOG.append([i])\n"
        "def native(i):\n    COUNTS[i % 5_000] = bytes(200)\n    MALLOC(64)\n"
        "import ctypes\nMALLOC = ctypes.CDLL(None).malloc\n",
    )
    for name in ("step", "native"):
        for only_verdict in (True, False):
            wish = checking.Wish(f"{service}::{name}", only_verdict=only_verdict)
            assert checking.examine(wish).verdict == "leak"


@pytest.mark.slow
def test_a_step_that_cannot_be_watched_still_has_a_holder(tmp_path: Path) -> None:
    service = _service(
        tmp_path,
        "import sys\nLOG = []\n"
        "def step(i):\n    LOG.append([i])\n    if sys.gettrace():\n        raise RuntimeError\n"
        "    if len(LOG) > 10**7:\n        LOG.clear()\n",
    )
    verdict = checking.examine(checking.Wish(f"{service}::step"))
    assert verdict.verdict == "leak"
    assert verdict.holder is not None
    assert verdict.holder["path"] == "service.LOG"


@pytest.mark.slow
def test_what_twenty_maps_share_is_held_by_them(tmp_path: Path) -> None:
    maps = "".join(f"M{n} = {{}}\n" for n in range(24))
    stores = "".join(f"    M{n}[i] = [i]\n" for n in range(24))
    service = _service(tmp_path, f"{maps}def step(i):\n{stores}")
    verdict = checking.examine(checking.Wish(f"{service}::step"))
    assert verdict.verdict == "leak"
    assert verdict.holder is not None
    assert verdict.holder["path"].startswith("service.M")


@pytest.mark.slow
def test_cycles_of_a_program_that_collects_none_are_held_by_nobody(tmp_path: Path) -> None:
    service = _service(
        tmp_path,
        "import gc\ngc.disable()\nclass Node:\n    pass\n"
        "def step(i):\n    node = Node()\n    node.own = node\n",
    )
    verdict = checking.examine(checking.Wish(f"{service}::step"))
    assert verdict.verdict == "leak"
    assert verdict.holder is not None
    assert (verdict.holder["path"], verdict.holder["type"]) == (None, "cycles")
    assert any("gc.disable() leaves cycles uncollected" in line for line in wording.details(verdict))


WEB = """
ROWS = []

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    if scope["path"] == "/leak":
        ROWS.append(bytes(200))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/leak":
        ROWS.append(bytes(200))
    start_response("200 OK", [])
    return [b"ok"]

STATUSES = {
    "/": "301 Moved Permanently", "/moved": "301 Moved Permanently", "/none": "404 Not Found", "/down": "503"
}

def status(environ, start_response):
    ROWS.append(0)
    line = "500 Oops" if len(ROWS) > 500 and environ["PATH_INFO"] == "/late" else "200 OK"
    start_response(STATUSES.get(environ["PATH_INFO"], line), [])
    return []

async def asgi_status(scope, receive, send):
    if scope["type"] == "http":
        if scope["path"] == "/mute":
            return
        line = STATUSES[scope["path"]]
        await send({"type": "http.response.start", "status": int(line[:3]), "headers": []})
        await send({"type": "http.response.body", "body": b""})
"""


@pytest.mark.slow
@pytest.mark.parametrize("app", ["asgi", "wsgi"])
@pytest.mark.parametrize(("path", "verdict"), [("/leak", "leak"), ("/", "steady")])
def test_a_web_application_is_checked_by_its_requests(
    app: str, path: str, verdict: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(WEB, encoding="utf-8")
    wish = checking.Wish(f"{tmp_path / 'app.py'}::{app}", request=f"GET {path}", steps=8_192)
    seen = checking.examine(wish)
    assert seen.verdict == verdict, seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("app", "request_", "status", "said"),
    [
        ("status", None, 2, "GET / is answered 301 Moved Permanently: choose the request"),
        ("asgi_status", "GET /moved", 0, ""),
        ("status", "GET /none", 2, "where this answer is the one to check, by --request 'GET /none 404'"),
        ("asgi_status", "GET /none", 2, "GET /none is answered 404 Not Found"),
        ("asgi_status", "GET /none 404", 0, ""),
        ("status", "GET /well 404", 2, "GET /well is answered 200 OK, not 404 Not Found"),
        ("status", "GET /down", 4, "GET /down is answered 503 Service Unavailable"),
        ("status", "GET /late", 4, "at step 500: GET /late is answered 500 Internal Server Error"),
        ("asgi_status", "GET /mute", 4, "GET /mute: the application returned without an answer"),
    ],
)
def test_a_web_application_has_to_answer_well(
    app: str, request_: str | None, status: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(WEB, encoding="utf-8")
    words = () if request_ is None else ("--request", request_)
    done = _check(f"{tmp_path / 'app.py'}::{app}", "--steps", "1024", "--only-verdict", *words)
    assert done.returncode == status
    assert said in done.stderr
    assert "leakbench/child" not in done.stderr


def test_a_wrong_request_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(WEB, encoding="utf-8")
    done = _check(f"{tmp_path / 'app.py'}::wsgi", "--request", "leak")
    assert done.returncode == 2
    assert "write 'GET /path'" in done.stderr
