"""``python -m leakbench.monitor.demo.leash COMMAND…``: become COMMAND, and die when the parent does.

Prometheus does not watch its standard input, and a parent that is killed cannot end it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> None:
    """Keep the wish across exec; on systems other than Linux the command runs without a leash."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died in between
            return
    os.execvp(command[0], command)  # noqa: S606 - the command line that the parent made


if __name__ == "__main__":
    main(sys.argv[1:])
