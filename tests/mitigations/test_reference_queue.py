"""A reference queue tells of every death once, in order, and keeps nothing alive."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from leakbench.mitigations.reference_queue import ReferenceQueue


class Thing:
    """Something that can be referred to weakly."""


def test_deaths_are_told_once_and_in_order() -> None:
    queue = ReferenceQueue()
    things = [Thing() for _ in range(3)]
    for label, thing in enumerate(things):
        queue.track(thing, label)
    del thing
    assert queue.drain() == []
    assert len(queue) == 3
    del things[1]
    del things[0]
    assert queue.drain() == [1, 0]
    assert queue.drain() == []
    assert len(queue) == 1


def test_it_does_not_keep_what_it_tracks() -> None:
    queue, thing = ReferenceQueue(), Thing()
    alive = weakref.ref(thing)
    queue.track(thing, "label")
    del thing
    assert alive() is None


def test_a_death_in_another_thread_is_told_to_whoever_waits() -> None:
    queue, things = ReferenceQueue(), [Thing()]
    queue.track(things[0], "label")
    thread = threading.Thread(target=things.clear)
    thread.start()
    assert queue.wait(timeout_seconds=30) == "label"
    thread.join()


def test_waiting_in_vain_ends_with_a_timeout() -> None:
    queue, thing = ReferenceQueue(), Thing()
    queue.track(thing, "label")
    with pytest.raises(TimeoutError, match="within 0 s"):
        queue.wait(0)
    assert len(queue) == 1


def test_a_dropped_queue_hears_nothing_and_harms_nothing() -> None:
    queue, thing = ReferenceQueue(), Thing()
    queue.track(thing, "label")
    gone = weakref.ref(queue)
    del queue
    gc.collect()
    assert gone() is None
    del thing


def test_what_cannot_be_referred_to_weakly_is_refused() -> None:
    with pytest.raises(TypeError, match="weak reference"):
        ReferenceQueue().track("a str", 0)
