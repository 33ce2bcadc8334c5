"""The command line: `leakbench COMMAND …`, and `python -m leakbench`, which is the same.

Only what the command at hand needs is imported: a bare interpreter starts in 10 ms, and `leakbench check`
is measured against tools that take not much more.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from importlib import import_module

from leakbench.errors import LeakbenchError
from leakbench.launch import ahead

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = {
    "list": "scenarios, mitigations, their truth and the article's section",
    "run": "measure cases, and write a report",
    "report": "write a run's report anew",
    "compare": "compare two runs; exit 1 where the second is worse beyond noise",
    "init": "begin to track your own package over its commits, with asv",
    "history": "write a small git repository of known leaks and mends, to try asv on",
    "flamegraph": "a memray flamegraph of a case, or the difference of two",
    "check": "a verdict on a function of your own: does it leak, how fast, who holds it",
    "doctor": "what this machine can and cannot measure, and how to mend it",
}
WRONG_USAGE = 2
_INTERRUPTED = 130
_DEFECT = 70  # EX_SOFTWARE
_UNWRITABLE = (
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS,
)  # fmt: skip

_EXAMPLES = """examples:
  leakbench list --kind scenario
  leakbench run session-map                     every mitigation of one scenario
  leakbench run 'session-map:*' noop --jobs 2
  leakbench run session-map:none --scale 1000000 --param payload_bytes=16
  leakbench check service.py::handle_request
  leakbench flamegraph session-map:none --leaks --open

`leakbench COMMAND --help` says more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status; a user's mistake is one line on standard error and 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["check"]:
            ahead.begin(words[1:])
        return _main(words)
    except KeyboardInterrupt:  # before the command had begun, which says so itself
        sys.stderr.write("leakbench: interrupted\n")
        return _INTERRUPTED
    finally:
        ahead.end()


def console() -> int:
    """Be the program `leakbench`: of what is left at its end nothing is worth a last collection."""
    status = main()
    gc.freeze()
    return status


def _main(words: list[str]) -> int:
    import signal  # after the child has been started

    for ending in (signal.SIGTERM, signal.SIGHUP):  # a CI's timeout, a container's stop, a closed terminal
        if signal.getsignal(ending) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(ending, signal.default_int_handler)
    if sys.stdout is None:  # closed by who started us: the exit status is all they want
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # pathlib takes 9 ms; open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a sign that the terminal does not know is no reason to end
    if words and words[0] in COMMANDS:
        return _command(words[0], words[1:])
    parser = _overview()
    options = parser.parse_args(words)  # --help, --version, or a wrong word
    if options.version:
        from leakbench import __version__

        sys.stdout.write(f"leakbench {__version__}\n")
        return 0
    if options.command is None:
        parser.print_help()
        return WRONG_USAGE
    return _command(options.command, [])


def _overview() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="leakbench",
        description="Memory leaks in long-lived Python maps and caches, measured and mended.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def _command(name: str, words: Sequence[str]) -> int:
    import argparse

    command = import_module(f"leakbench.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=f"leakbench {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    options = parser.parse_args(words, argparse.Namespace(words=list(words)))
    try:
        status: int = command.run(options)
        sys.stdout.flush()
    except LeakbenchError as error:
        sys.stderr.write(f"leakbench {name}: {error}\n")
        return WRONG_USAGE
    except KeyboardInterrupt:
        sys.stderr.write(f"leakbench {name}: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001  # a defect of ours: Python's own status for it, 1, says `leak`
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            where = "the output" if error.filename is None else error.filename
            sys.stderr.write(f"leakbench {name}: {where} cannot be written: {error.strerror}\n")
            return WRONG_USAGE
        import traceback

        traceback.print_exc()
        sys.stderr.write(f"leakbench {name}: this is a defect of leakbench, and no answer\n")
        return _DEFECT
    return status
