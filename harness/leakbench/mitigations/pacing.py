"""Holds a script to a pace, so that a library's own clock and the script's steps can be compared."""

import time

STEP_SECONDS = 16e-6
"""About twice what a step takes in the slowest exact measurement, so that lost time is soon caught up."""
_EVERY_STEPS = 256


class Pace:
    """Called after each step: sleeps where the script is ahead of `STEP_SECONDS` a step.

    It looks at the clock every 256 steps alone, so that the steps between run at their own speed and only
    one in so many carries the wait. A script that fell behind by less than that catches up at full speed, as
    it should after each reading of the counters. More than that is lost for good: on a slow machine a script
    would run at full speed for ever, and put more into a time to live than it should.
    """

    __slots__ = ("_due_seconds",)

    def __init__(self) -> None:
        self._due_seconds = time.monotonic()

    def __call__(self, step: int) -> None:
        if step % _EVERY_STEPS:
            return
        early_seconds = self._due_seconds - time.monotonic()
        if early_seconds > 0:
            time.sleep(early_seconds)  # the pace itself: the library's clock is the real one
        self._due_seconds = max(self._due_seconds + STEP_SECONDS * _EVERY_STEPS, time.monotonic())


def seconds_for(steps: int) -> float:
    """Seconds that outlast so many steps, also where they begin a wait ahead and end a wait behind."""
    return STEP_SECONDS * (steps + 2 * _EVERY_STEPS)
