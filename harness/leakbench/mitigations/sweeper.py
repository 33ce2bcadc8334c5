"""A background sweeper that does not keep alive what it sweeps."""

import threading
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATIENCE_SECONDS = 10.0  # with a thread that has died there are no turns


class WeakSweeper:
    """Calls ``owner.sweep()`` every `period_seconds` from a daemon thread, for as long as `owner` lives.

    The thread holds its owner weakly between sweeps and waits on an event that the owner's death sets, so
    that a dropped owner is collected and the thread ends at once. A thread whose target is a bound method
    does neither: it is the article's own defect (section 4.3), where every dropped cache stays for ever.

    The event is a bare lock, released once. A threading.Event takes a lock of its own to be set, and the
    owner's death may be noticed by the collector while it runs in the very thread that holds that lock.
    """

    def __init__(self, owner: "Any", period_seconds: float) -> None:
        stop = threading.Lock()
        stop.acquire()
        self._end = weakref.finalize(owner, stop.release)
        self._end.atexit = False
        thread = threading.Thread(
            target=_sweep, args=(weakref.ref(owner), stop, period_seconds), name="sweeper", daemon=True
        )
        thread.start()
        self._thread = thread

    def close(self) -> None:
        """End the thread and wait for it."""
        self._end()
        if self._thread is not threading.current_thread():
            self._thread.join()


class Turns:
    """Lets a script wait, every `every_steps` steps, until a sweep has ended since it last did.

    On a busy machine the thread may have no turn while thousands of steps are done: the map then grows to
    what the scheduler decides, and falls as far. The sweep calls `over`, the script `wait`.
    """

    def __init__(self, every_steps: int) -> None:
        self._every_steps = every_steps
        self._swept = threading.Event()

    def over(self) -> None:
        self._swept.set()

    def wait(self, step: int) -> None:
        if step % self._every_steps == 0:
            self._swept.wait(_PATIENCE_SECONDS)
            self._swept.clear()


def _sweep(owner: "weakref.ref[Any]", stop: threading.Lock, period_seconds: float) -> None:
    while not stop.acquire(timeout=period_seconds):
        alive = owner()
        if alive is None:
            return
        alive.sweep()
        del alive
