"""Many readers or one writer; shown with threads that hand each other the turn, without a sleep."""

from __future__ import annotations

import threading

import pytest
from leakbench.mitigations.locks import ReadWriteLock

PATIENCE_SECONDS = 30.0


def test_readers_are_in_at_the_same_time() -> None:
    lock = ReadWriteLock()
    together = threading.Barrier(4)

    def read() -> None:
        with lock.reading:
            together.wait(PATIENCE_SECONDS)  # would break if one kept the others out

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.broken


def test_a_writer_waits_for_the_reader_and_a_later_reader_for_the_writer() -> None:
    lock = ReadWriteLock()
    order: list[str] = []
    writer_is_waiting = threading.Event()

    def write() -> None:
        writer_is_waiting.set()
        with lock.writing:
            order.append("written")

    def read() -> None:
        with lock.reading:
            order.append("read after")

    with lock.reading:
        writer = threading.Thread(target=write)
        writer.start()
        assert writer_is_waiting.wait(PATIENCE_SECONDS)
        while not lock._turnstile.locked():  # the writer is on its way from its event to the turnstile
            pass
        reader = threading.Thread(target=read)
        reader.start()
        order.append("first read done")
    writer.join()
    reader.join()
    assert order == ["first read done", "written", "read after"]


def test_writers_are_alone() -> None:
    """Increments that give the turn away in their middle: each lost one would be missing at the end."""
    lock = ReadWriteLock()
    box = [0]

    def add() -> None:
        for _ in range(500):
            with lock.writing:
                seen = box[0]
                threading.Event().wait(0)  # lets another thread run
                box[0] = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box == [2_000]


def test_an_exception_inside_lets_go_of_the_lock() -> None:
    lock = ReadWriteLock()
    missing: dict[str, int] = {}
    for side in (lock.reading, lock.writing):
        with pytest.raises(KeyError), side:
            missing["key"]
    with lock.writing:
        pass
