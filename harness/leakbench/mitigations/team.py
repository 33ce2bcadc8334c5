"""Threads that work in rounds: all at once, then all at rest."""

import threading
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Job = Callable[[], None]


class Team:
    """`size` threads that stay between rounds, so that a round costs no thread's start.

    `run` gives each thread its job and returns when all are done; an exception in a job is raised there, the
    first in the team's order. Between rounds no thread holds a job: what the jobs belong to may die, and the
    team with it. Its threads end when it is closed or collected.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a team needs a thread at least, not {size}")
        self._workers = [_Worker() for _ in range(size)]
        threads = [threading.Thread(target=worker.run, daemon=True) for worker in self._workers]
        self._end = weakref.finalize(self, _end, self._workers, threads)
        self._end.atexit = False
        for thread in threads:
            thread.start()

    def run(self, jobs: "Sequence[Job]") -> None:
        """One round; there must be no more jobs than threads."""
        if len(jobs) > len(self._workers):
            raise ValueError(f"{len(jobs)} jobs for {len(self._workers)} threads")
        workers = self._workers[: len(jobs)]
        for worker, job in zip(workers, jobs, strict=True):
            worker.job = job
            worker.go.release()
        for worker in workers:
            worker.done.acquire()
        errors = [worker.error for worker in workers if worker.error is not None]
        for worker in workers:
            worker.error = None
        if errors:
            raise errors[0]

    def close(self) -> None:
        """End the threads and wait for them."""
        self._end()


class _Worker:
    """What a thread and its team share; the two locks are handed to and fro like a baton."""

    __slots__ = ("done", "error", "go", "job")

    def __init__(self) -> None:
        self.go = threading.Lock()
        self.done = threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.job: Job | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        while True:
            self.go.acquire()
            job, self.job = self.job, None
            if job is None:
                return
            try:
                job()
            except BaseException as error:  # noqa: BLE001  # raised again where the round was started
                self.error = error
            del job
            self.done.release()


def _end(workers: "list[_Worker]", threads: "list[threading.Thread]") -> None:
    for worker in workers:
        worker.go.release()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()
