"""What `leakbench init` writes into a person's own repository, so that asv tracks their step."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.asv_beside import REJOIN
from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_WORKLOAD = '''"""One step of {package}, for asv and `leakbench run --scenarios` alike."""

from leakbench.contract import Scenario


class Requests:
    """Each step is one operation that leaves the program as it found it: a request, a message, a login."""

    def step(self, i):
        import {package}  # replace this by what your service does all day

        return {package}.__name__


SCENARIO = Scenario("{package}", lambda make, run: make(), title="What {package} does all day")


@SCENARIO.mitigation("requests", verdict="steady", summary="a request a step")
def requests():
    return Requests()
'''
_BENCHMARKS = '''"""What asv tracks of {package}, by leakbench. Another case is another name in `params`."""

from pathlib import Path

from leakbench.tracking import Source, Tracked, measure, within

WORKLOAD = str(Path(__file__).with_name("workload.py"))
SOURCE = Source(packages=("{package}",), scenarios=WORKLOAD)


class Service(Tracked):
    version = "1"
    params = (("{package}",), ("requests",))

    @within(seconds=300)
    def setup_cache(self):
        return measure("{package}", version=1, source=SOURCE)
'''


class Begun(NamedTuple):
    """Paths, relative to the repository."""

    written: tuple[str, ...]
    kept: tuple[str, ...]  # were there already


def begin(folder: Path, package: str) -> Begun:
    """Write what is not there yet. Raises LeakbenchError where `package` is no name of a package."""
    if not package.isidentifier():
        raise LeakbenchError(
            f"{package!r} is no importable name; give the package that your project installs"
        )
    written, kept = [], []
    for name, text in files(package).items():
        path = folder / name
        if path.exists():
            kept.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(name)
    return Begun(tuple(written), tuple(kept))


def files(package: str) -> Mapping[str, str]:
    return {
        ".asv/.gitignore": "*\n",  # environments, pages and results are the machine's own
        "asv.conf.json": json.dumps(_configuration(package), indent=4) + "\n",
        "benchmarks/__init__.py": REJOIN,
        "benchmarks/workload.py": _WORKLOAD.format(package=package),
        "benchmarks/bench_service.py": _BENCHMARKS.format(package=package),
    }


def _configuration(package: str) -> dict[str, Any]:
    """asv.conf.json for a project that pip installs with its dependencies; asv's branches are HEAD's.

    Pip installs a folder whatever version of it is there, and of what it needs only what is not there yet.
    """
    return {
        "version": 1,
        "project": package,
        "repo": ".",
        "branches": ["HEAD"],
        "benchmark_dir": "benchmarks",
        "env_dir": ".asv/env",
        "html_dir": ".asv/html",
        "results_dir": ".asv/results",
        "environment_type": "virtualenv",
        "pythons": [f"{sys.version_info.major}.{sys.version_info.minor}"],
        "matrix": {"req": {"pip+memray": ""}},
        "build_command": [],
        "uninstall_command": [],
        "install_command": ["in-dir={env_dir} python -m pip install --quiet {build_dir}"],
        "launch_method": "forkserver",
        "plugins": [".leakbench.asv_beside", ".leakbench.asv_plugin"],
        "regressions_thresholds": {".*track_.*": 0.01},
        "regressions_first_commits": {".*track_(ns_per_op|peak_rss|settled_rss).*": None},
    }
