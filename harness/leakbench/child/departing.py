"""Threads as memory sees them: what Python has done with and the kernel has not is live until it ends.

And glibc keeps the stacks of ended threads, five of 8 MiB, each with 288 bytes of the heap for as long.
"""

import _thread
import time

from leakbench.child.gauges import stray_thread_count, thread_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LOOK_SECONDS = 0.0005
# In so many looks none of them has gone: those left are there to stay. A library starts a few; hundreds are
# threads that a busy machine has not let end. Looks and not seconds: a machine that stood still for a while
# has given none of them time to end.
_PATIENCE_LOOKS, _PATIENCE_LOOKS_A_THREAD, _MOST_PATIENCE_LOOKS = 100, 4, 2_000
_KEPT_STACKS = 6  # one more than glibc keeps of the usual size
_END_SECONDS = 1.0


class Departing:
    """The threads of this process that Python does not count, and which of them are there to stay.

    On a busy machine hundreds of joined threads may be on their way out. What C code starts may stay: it is
    waited for once. Who stays is known by thread and not by number, or one that took long to go once would be
    let off for ever.
    """

    def __init__(
        self,
        strays: "Callable[[], int]" = stray_thread_count,
        ids: "Callable[[], Iterable[str]]" = thread_ids,
        sleep: "Callable[[float], None]" = time.sleep,
    ) -> None:
        self._strays = strays
        self._ids = ids
        self._sleep = sleep
        self._stayed = 0
        self._seen: frozenset[str] = frozenset()  # all threads there were when they were taken to stay

    def wait(self) -> None:
        """Return once all have gone but those that stay."""
        before = strays = self._strays()
        looks = 0
        while strays > self._staying():
            if strays < before:
                before, looks = strays, 0
            elif looks > _patience_looks(strays):
                self._stayed, self._seen = strays, frozenset(self._ids())
                return
            looks += 1
            self._sleep(_LOOK_SECONDS)  # there is nothing to wait on: a detached thread's end tells nobody
            strays = self._strays()

    def _staying(self) -> int:
        """At least so many of those that once outlasted all patience are there still."""
        if not self._stayed:
            return 0
        return self._stayed - len(self._seen.difference(self._ids()))


def _patience_looks(threads: int) -> int:
    return min(_PATIENCE_LOOKS + threads * _PATIENCE_LOOKS_A_THREAD, _MOST_PATIENCE_LOOKS)


def fill_stack_cache() -> None:
    """Have glibc keep as many stacks of the usual size as it will, before anything is read.

    Else it comes to keep another whenever a thread starts before the last has ended, which a busy machine
    decides: by one at step 8,192, a step that starts and joins a thread seemed to grow.
    """
    gate = _thread.allocate_lock()
    ends = []
    with gate:  # all are there at once: a stack is taken where a thread is started
        try:
            for _ in range(_KEPT_STACKS):
                end = _thread.allocate_lock()
                end.acquire()
                _thread.start_new_thread(_pass, (gate, end))
                ends.append(end)
        except RuntimeError:  # no more threads are allowed here
            pass
    for end in ends:
        end.acquire(timeout=_END_SECONDS)


def _pass(gate: "_thread.LockType", end: "_thread.LockType") -> None:
    with gate:
        end.release()
