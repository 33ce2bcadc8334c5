"""Tells the set-ups of a commit which scenarios asv has chosen, for the first of them to measure all.

asv tells a set-up its own benchmark alone. What it is about to run in one environment it knows when it calls
`run_benchmarks`, which the plugin wraps. See `tracking.together` for what the set-ups make of it.

What would only say that it was not asked for is left out: a quarter of a second for each scenario. Of all
this only leakbench's own catalogue is meant: a workload of another repository is measured for itself.
"""

from __future__ import annotations

import functools
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

from asv.console import log

from leakbench.tracking.measuring import ASKED, is_asked_for
from leakbench.tracking.together import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from asv.benchmarks import Benchmarks

_TIMEOUT = "setup_cache_timeout"
_ASKED_FOR = "bench_wild."  # the module whose benchmarks are measured where they are asked for
_CATALOGUE = ("bench_scenarios.", _ASKED_FOR)


def announcing(run_benchmarks: Callable[..., Any]) -> Callable[..., Any]:
    """Asv's `run_benchmarks`, with the environment variable set and each set-up given the time of all."""

    @functools.wraps(run_benchmarks)
    def announced(benchmarks: Benchmarks, *words: Any, **named: Any) -> Any:
        unasked = set() if is_asked_for() else {name for name in benchmarks if name.startswith(_ASKED_FOR)}
        if unasked:
            log.info(f"Leaving out {_ASKED_FOR}*: {ASKED}=1 installs published packages and measures them")
            benchmarks = benchmarks.filter_out(unasked)
        tracked = [each for name, each in benchmarks.items() if name.startswith(_CATALOGUE)]
        own_seconds = [each[_TIMEOUT] for each in tracked]
        all_seconds = sum({each["setup_cache_key"]: each[_TIMEOUT] for each in tracked}.values())
        for each in tracked:
            each[_TIMEOUT] = all_seconds
        os.environ[VARIABLE] = json.dumps({"occasion": uuid.uuid4().hex, "scenarios": chosen(tracked)})
        try:
            return run_benchmarks(benchmarks, *words, **named)
        finally:
            os.environ.pop(VARIABLE, None)
            for each, seconds in zip(tracked, own_seconds, strict=True):
                each[_TIMEOUT] = seconds

    return announced


def chosen(tracked: list[dict[str, Any]]) -> dict[str, str]:
    """The scenarios of these benchmarks, each with the version that its class means, in asv's order."""
    versions = {}
    for benchmark in sorted(tracked, key=lambda each: str(each["name"])):
        for scenario in benchmark["params"][0]:  # as asv has them: each the source of a literal
            versions[scenario.strip("'")] = benchmark["version"]
    return versions
