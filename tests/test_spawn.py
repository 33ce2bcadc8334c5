"""A child is a fresh process in a fixed environment; whatever it does, it ends, and says how."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from leakbench import spawn
from leakbench.launch import exact_heap_environ
from leakbench.spawn import Child, Crew, Limits, Order, clean_environ, run, site_folders

from tests.commands import open_descriptors, write_scenario


def job(file: Path, probe: str = "rss", **more: Any) -> dict[str, Any]:
    """What a child is told, for a scenario of one's own."""
    return {
        "probe": probe, "path": [], "module": "leakbench_own", "file": str(file), "mitigation": "none",
        "seed": 0, "scale": 64, "warmup": 16, "params": {}, **more,
    }  # fmt: skip


def child(file: Path, *, limits: Limits = Limits(), environ: dict[str, str] | None = None) -> Child:  # noqa: B008  # frozen
    (ended,) = run([Order(job(file), environ or clean_environ(), limits=limits)])
    return ended


def last(ended: Child, kind: str) -> dict[str, Any]:
    return next(record for record in reversed(ended.records) if record["record"] == kind)


def answer(folder: Path, expression: str, *, head: str = "", **how: Any) -> Any:
    """The value that an expression has inside a step."""
    step = f"self.answer = {expression}; self.counts = lambda: {{'answer': self.answer}}"
    ended = child(write_scenario(folder, "asks", step, head=head), **how)
    assert ended.ending is not None
    assert ended.ending.kind == "done", ended.ending
    return last(ended, "rss")["counts"]["answer"]


def test_a_child_speaks_in_the_order_of_its_work_and_ends_done(tmp_path: Path) -> None:
    ended = child(write_scenario(tmp_path, "fine"))
    assert [record["record"] for record in ended.records] == ["ready", "rss", "left", "done"]
    assert ended.ending is not None
    assert (ended.ending.kind, ended.ending.detail, ended.ending.traceback) == ("done", "", ())


def test_the_environment_is_fixed_whatever_the_parents_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "PYTHONPATH",
        "PYTHONMALLOC",
        "PYTHONHASHSEED",
        "LD_PRELOAD_NOT",
        "MALLOC_ARENA_MAX",
        "LC_ALL",
    ):
        monkeypatch.setenv(name, "1")
    names = set(answer(tmp_path, "sorted(os.environ)"))
    assert names == {"PATH", "HOME", "LANG", "TZ", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"}
    assert answer(tmp_path, "os.environ['PYTHONHASHSEED']") == "0"


def test_the_hash_of_a_string_is_the_same_in_every_child(tmp_path: Path) -> None:
    assert answer(tmp_path, "hash('session')") == answer(tmp_path, "hash('session')")


@pytest.mark.skipif(sys.platform != "linux", reason="platform: personality(2) is Linux's")
def test_addresses_are_where_they_were(tmp_path: Path) -> None:
    """The stack's place is drawn anew for each process unless ASLR is off."""
    stack = "[line.split('-')[0] for line in open('/proc/self/maps') if '[stack]' in line][0]"
    assert len({answer(tmp_path, stack) for _ in range(3)}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="platform: transparent huge pages are Linux's")
def test_no_child_has_transparent_huge_pages(tmp_path: Path) -> None:
    said = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('THP_enabled')]"
    assert answer(tmp_path, said) in (["0"], [])  # []: before Linux 5.0


def test_a_child_keeps_none_of_its_parents_descriptors_but_the_two_pipes(tmp_path: Path) -> None:
    """0, 1, 2, orders, records; what the rss probe itself opened; and the one that lists them."""
    extra = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    for descriptor in extra:
        os.set_inheritable(descriptor, True)  # noqa: FBT003  # positional only
    try:
        with_extra = answer(tmp_path, "len(os.listdir('/proc/self/fd'))")
    finally:
        for descriptor in extra:
            os.close(descriptor)
    assert with_extra == answer(tmp_path, "len(os.listdir('/proc/self/fd'))")


def test_what_a_child_starts_does_not_inherit_its_pipes(tmp_path: Path) -> None:
    """A daemon of the workload's that held them would keep the parent waiting for their end."""
    lists = "subprocess.run(['ls', '/proc/self/fd'], stdout=-1, close_fds=False).stdout.split()"
    inherited = answer(tmp_path, f"len({lists})", head="import subprocess")
    assert inherited == 4  # 0, 1, 2, and the one that lists them


def test_a_child_imports_next_to_nothing_before_its_scenario(tmp_path: Path) -> None:
    """Law 3: what it loads is memory that is not the workload's."""
    heavy = "[m for m in ('typing', 'json', 'pathlib', 'dataclasses', 'psutil', 're') if m in sys.modules]"
    assert answer(tmp_path, heavy) == []


@pytest.mark.skipif(sys.platform != "linux", reason="platform: the thread cache is glibc's")
@pytest.mark.parametrize(
    ("without", "least_bytes", "most_bytes"),
    [
        # bytes(40) asks for 73, with glibc's 8 and rounded up to 16: 96 a step. A chunk or two may have 16
        # more, too few for a chunk of their own, at one of the readings.
        (None, 96 * 256 - 32, 96 * 256 + 32),
        # What was freed stays counted in its cache: up to 7 of each size, up to 1,032.
        ("GLIBC_TUNABLES", 96 * 256 + 1_000, 96 * 256 + 7 * 32 * 1_040),
        ("PYTHONMALLOC", 0, 1_000),  # small objects lie in arenas that glibc knows nothing of
    ],
)
def test_each_variable_of_the_ledgers_environment_is_needed_for_an_exact_heap(
    tmp_path: Path, without: str | None, least_bytes: int, most_bytes: int
) -> None:
    """An object a step is kept, and ever more sizes come and go, from 256 steps to 512."""
    step = "kept[i] = bytes(40); [bytes(size) for size in range(0, 2 * i, 16)]"
    file = write_scenario(tmp_path, "keeps", step, head="kept = [None] * 1024")
    environ = {name: value for name, value in exact_heap_environ().items() if name != without}
    climbs = job(file, "ledger", octaves=[[256, 512]], growth_cap_bytes=1 << 30, more=False)
    (ended,) = run([Order(climbs, clean_environ(**environ))])
    heap_bytes = {rec["steps"]: rec["heap_bytes"] for rec in ended.records if rec["record"] == "rung"}
    assert least_bytes <= heap_bytes[512] - heap_bytes[256] <= most_bytes


def test_the_heaps_count_does_not_depend_on_the_numbers_of_the_pipes(tmp_path: Path) -> None:
    """They are on the child's command line: 9 and 10 are not of one length."""
    file = write_scenario(tmp_path, "keeps", "self.kept.append(bytes(i))")
    climbs = job(file, "ledger", octaves=[[8, 16, 32, 64, 128]], growth_cap_bytes=1 << 30, more=False)
    ladders = []
    for more_descriptors in (0, 1, 10, 100):
        extra = [os.open(os.devnull, os.O_RDONLY) for _ in range(more_descriptors)]
        (ended,) = run([Order(climbs, clean_environ(**exact_heap_environ()))])
        ladders.append([record["heap_bytes"] for record in ended.records if record["record"] == "rung"])
        for descriptor in extra:
            os.close(descriptor)
    assert ladders == [ladders[0]] * 4


def test_the_parents_own_peak_does_not_show_in_the_child(tmp_path: Path) -> None:
    """ru_maxrss would carry these 200 MiB across exec; VmHWM does not."""
    ballast = bytearray(b"x") * (200 << 20)
    ended = child(write_scenario(tmp_path, "fine"))
    del ballast
    assert last(ended, "rss")["peak_rss_bytes"] < 64 << 20


@pytest.mark.parametrize(
    ("step", "kind", "detail"),
    [
        ("sys.exit(3)", "raised", "SystemExit: 3"),
        ("os._exit(3)", "exited", "exited with status 3 before it was done"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "killed", "was killed by SIGTERM"),
        ("os.kill(os.getpid(), 35)", "killed", "was killed by"),
        ("1 / 0", "raised", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_end_before_its_time_is_said(tmp_path: Path, step: str, kind: str, detail: str) -> None:
    ending = child(write_scenario(tmp_path, "bad", step)).ending
    assert ending is not None
    assert ending.kind == kind
    assert ending.detail.startswith(detail)


def test_what_a_dying_child_wrote_to_standard_error_is_kept(tmp_path: Path) -> None:
    ending = child(write_scenario(tmp_path, "bad", 'os.write(2, b"last words\\n"); os._exit(1)')).ending
    assert ending is not None
    assert ending.traceback == ("last words",)


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", ["signal.pause()", "os.kill(os.getpid(), signal.SIGSTOP)", "while True: pass"]
)
def test_a_deadline_ends_a_child_that_waits_is_stopped_or_spins(tmp_path: Path, step: str) -> None:
    ending = child(write_scenario(tmp_path, "bad", step), limits=Limits(deadline_seconds=0.3)).ending
    assert ending is not None
    assert (ending.kind, ending.detail) == ("deadline", "did not end within 0.3 s")


def test_a_memory_cap_is_held_and_what_was_seen_is_kept(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "bad", "self.kept.append(bytearray(b'x') * (1 << 20))", steps=1 << 20)
    order = Order(job(file, scale=1 << 20), clean_environ(), limits=Limits(memory_bytes=100 << 20))
    (ended,) = run([order])
    assert ended.ending is not None
    assert (ended.ending.kind, ended.ending.detail) == ("memory cap", "grew past its memory cap of 100 MiB")
    assert ended.peak_seen_bytes > 100 << 20
    assert [record["record"] for record in ended.records] == ["ready"]


def test_what_a_child_started_goes_with_it(tmp_path: Path) -> None:
    """The grandchild holds a pipe open: its end is the end of file."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    step = (
        f"if i == 20 and os.fork() == 0: os.write(os.open({str(fifo)!r}, os.O_WRONLY), b'x'); signal.pause()"
    )
    ended = child(write_scenario(tmp_path / "own", "parent", step))
    assert ended.ending is not None
    assert ended.ending.kind == "done"
    os.set_blocking(reading, True)
    said = b""
    while received := os.read(reading, 16):
        said += received
    assert said in (b"x", b"")  # b"": it was ended before it came to open the pipe
    os.close(reading)


def test_a_crew_that_is_ended_leaves_no_child_running(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "bad", "signal.pause()")
    crew = Crew()
    children = [crew.start(Order(job(file), clean_environ())) for _ in range(2)]
    ended = crew.kill()
    assert set(ended) == set(children)
    assert [each.ending.kind for each in children if each.ending] == ["interrupted"] * 2
    for each in children:
        with pytest.raises(ProcessLookupError):
            os.kill(each.pid, 0)


@pytest.mark.parametrize("threads", [0, 1])
def test_an_interruption_waits_until_what_it_came_into_is_done(threads: int) -> None:
    """The kernel gives a signal to any thread that does not hold it back."""
    over = threading.Event()
    others = [threading.Thread(target=over.wait, args=(30,)) for _ in range(threads)]
    for other in others:
        other.start()
    done = []

    def work() -> None:
        with spawn._Undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            done.append("all")
        done.append("and more")

    with pytest.raises(KeyboardInterrupt):
        work()
    over.set()
    for other in others:
        other.join()
    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_elsewhere_than_in_the_main_thread_nothing_is_changed() -> None:
    seen = []

    def work() -> None:
        with spawn._Undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert seen == [signal.default_int_handler]


def test_a_process_that_is_halted_starts_no_other(tmp_path: Path) -> None:
    beaten = tmp_path / "beaten"
    file = write_scenario(tmp_path, "beats", f"open({str(beaten)!r}, 'a').write('.')")
    endless = job(file, "ledger", octaves=[[1 << 40]], growth_cap_bytes=1 << 30, more=False)
    crew = Crew()
    child = crew.start(Order(endless, clean_environ()))
    while not beaten.exists():
        crew.listen()
    spawn._halt(child.pid)
    size = beaten.stat().st_size
    time.sleep(0.05)
    assert beaten.stat().st_size == size
    assert [each.ending.kind for each in crew.kill() if each.ending is not None] == ["interrupted"]


def test_a_crew_leaves_no_descriptor_open(tmp_path: Path) -> None:
    file = write_scenario(tmp_path, "fine")
    child(file)  # what the first one imports is loaded now
    before = open_descriptors()
    for _ in range(3):
        child(file)
    assert open_descriptors() == before


def test_children_are_returned_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    slow = write_scenario(tmp_path, "slow", "sum(range(20_000))")
    fast = write_scenario(tmp_path, "fast")
    children = run([Order(job(file), clean_environ()) for file in (slow, fast)])
    assert [each.job["file"] for each in children] == [str(slow), str(fast)]


def test_a_child_that_waits_for_a_word_goes_on_where_nobody_will_say_one(tmp_path: Path) -> None:
    """A ladder that may be climbed on asks whether to; the second octave is not climbed."""
    file = write_scenario(tmp_path, "asks")
    asking = job(file, "ledger", octaves=[[8, 16], [32]], growth_cap_bytes=1 << 30, more=True)
    (ended,) = run([Order(asking, clean_environ(**exact_heap_environ()), limits=Limits(10.0))])
    assert ended.ending is not None
    assert ended.ending.kind == "done", ended.ending
    assert last(ended, "rung")["steps"] == 16


def test_an_interpreter_that_is_not_there_is_an_error_and_leaks_no_pipe() -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        Child(Order({"probe": "rss"}, clean_environ(), python="/no/such/python"))
    assert open_descriptors() == before


def test_a_job_that_names_no_probe_is_an_end_with_its_reason(tmp_path: Path) -> None:
    (ended,) = run([Order(job(tmp_path, probe="none"), clean_environ())])
    assert ended.ending is not None
    assert ended.ending.detail == "ValueError: no probe 'none'"


def test_installed_packages_are_found_without_site() -> None:
    import cachetools

    assert any(cachetools.__file__.startswith(folder) for folder in site_folders())


def test_installed_packages_are_found_where_leakbench_is_installed_among_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import cachetools

    among = str(Path(cachetools.__file__).parent.parent)
    monkeypatch.setattr(spawn, "package_folder", lambda: among)
    assert among in site_folders()


def test_a_checkout_of_leakbench_is_nothing_that_a_case_imports_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert str(tmp_path) in site_folders()
    monkeypatch.setattr(spawn, "package_folder", lambda: str(tmp_path))
    assert str(tmp_path) not in site_folders()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_is_killed_has_still_said_what_it_saw(tmp_path: Path, number: signal.Signals) -> None:
    file = write_scenario(tmp_path, "bad", f"if i == 60: os.kill(os.getpid(), {int(number)})")
    order = Order(
        job(file, "ledger", octaves=[[8, 16, 32, 64]], growth_cap_bytes=1 << 30, more=False),
        clean_environ(**exact_heap_environ()),
    )
    (ended,) = run([order])
    assert ended.ending is not None
    assert ended.ending.detail == f"was killed by {number.name}"
    assert [record["steps"] for record in ended.records if record["record"] == "rung"] == [0, 0, 8, 16, 32]
