"""Reads what asv has measured over a repository's commits, by asv's own readers."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leakbench.errors import LeakbenchError
from leakbench.judge_history import QUANTITIES, Commit, Span

if TYPE_CHECKING:
    from collections.abc import Mapping


class HistoryUnreadableError(LeakbenchError):
    """No configuration, no results, results of another schema, or a clone without its history."""


class Series(NamedTuple):
    """One machine's and environment's figures over one branch, oldest commit first."""

    machine: str
    environment: str
    branch: str
    commits: tuple[Commit, ...]  # from the first measured one on; one that was not has no figures
    unmeasured: int  # how many of them have no result
    absent: int  # measured commits that this clone does not hold, of whatever branch

    @property
    def place(self) -> str:
        """Machine, kind of environment and branch; an environment's name tells all that is installed, too."""
        return f"{self.machine}, {self.environment.partition('-pip+')[0]}, {self.branch}"

    @property
    def told(self) -> str:
        """How much of the branch the figures are."""
        measured = len(self.commits) - self.unmeasured
        said = f"{measured} commit{'s' if measured != 1 else ''} measured"
        if self.unmeasured:
            said += f", {self.unmeasured} since the first of them not"
        if self.absent:
            said += (
                f"; {self.absent} more are not in this clone (`git fetch --unshallow` where it is shallow)"
            )
        return said


def read(folder: Path) -> list[Series]:
    """Every machine, environment and branch that asv has results of. Raises HistoryUnreadableError.

    A branch that the clone does not have is left out.
    """
    conf, measured = _load(folder)
    repository = folder if "://" in conf.repo else folder / conf.repo
    names = [branch or "HEAD" for branch in conf.branches]
    branches = {name: _commits(repository, name) for name in names if _known(repository, [name])}
    if not branches:
        raise HistoryUnreadableError(
            f"{repository} has none of the branches {', '.join(names)}: `git fetch` them, or name others"
            " under branches in asv.conf.json"
        )
    found = []
    for (machine, environment), by_hash in sorted(measured.items()):
        absent = len(by_hash) - len(_known(repository, list(by_hash)))
        for branch, commits in branches.items():
            places = [place for place, (name, _) in enumerate(commits) if name in by_hash]
            if not places:
                continue
            since = commits[places[0] :]
            told = tuple(Commit(name, subject, by_hash.get(name, {})) for name, subject in since)
            unmeasured = len(since) - len(places)
            found.append(Series(machine, environment, branch, told, unmeasured, absent))
    return found


def read_commits(folder: Path) -> dict[str, dict[str, Commit]]:
    """What was measured, by environment and hash, without a history; of one machine."""
    _, measured = _load(folder)
    return {
        environment: {name: Commit(name, "", figures) for name, figures in by_hash.items()}
        for (_, environment), by_hash in sorted(measured.items())
    }


_Figures = dict[tuple[str, str], Span]


def _load(folder: Path) -> tuple[Any, dict[tuple[str, str], dict[str, _Figures]]]:
    """The configuration, and the figures by (machine, environment) and hash."""
    try:
        from asv import results
        from asv.benchmarks import Benchmarks
        from asv.config import Config
        from asv.util import UserError
    except ImportError:
        raise HistoryUnreadableError("asv is not installed; `python -m pip install asv`") from None
    home = Path.cwd()
    try:
        os.chdir(folder)  # asv's own paths are relative to its configuration
        conf = Config.load()
        benchmarks = Benchmarks.load(conf)
        found = list(results.iter_results(conf.results_dir))
    except (UserError, OSError) as error:
        raise HistoryUnreadableError(
            f"{folder} has no readable asv history: {error}; `asv run` measures one"
        ) from error
    finally:
        os.chdir(home)
    measured: dict[tuple[str, str], dict[str, _Figures]] = {}
    for result in found:
        key = (result.params["machine"], result.env_name)
        measured.setdefault(key, {})[result.commit_hash] = figures(result, benchmarks)
    return conf, measured


def figures(result: Any, benchmarks: Mapping[str, Any]) -> _Figures:
    """What one commit's result says of the judged quantities, by (case, quantity); finite figures alone.

    A case is `scenario:mitigation`.
    """
    seen: _Figures = {}
    for quantity, name in QUANTITIES.items():
        for key in result.get_result_keys(benchmarks):
            params = benchmarks[key]["params"]
            if not key.endswith(f".track_{name}") or len(params) != len(("scenario", "mitigation")):
                continue
            values = result.get_result_value(key, params)
            stats = result.get_result_stats(key, params)
            for (scenario, mitigation), value, spread in zip(
                itertools.product(*params), values, stats, strict=True
            ):
                span = _span(value, spread)
                if span is not None:
                    seen[f"{scenario.strip(_QUOTES)}:{mitigation.strip(_QUOTES)}", quantity] = span
    return seen


_QUOTES = "'\""


def _span(value: Any, spread: Mapping[str, Any] | None) -> Span | None:
    """None where it failed (None) or does not apply (NaN)."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    low, high = ((spread or {}).get(name, value) for name in ("ci_99_a", "ci_99_b"))
    if not all(isinstance(end, int | float) and math.isfinite(end) for end in (low, high)):
        low, high = value, value  # asv writes infinity for too few samples
    return Span(float(value), float(low), float(high), repeated=bool(spread))


def _commits(repository: Path, branch: str) -> list[tuple[str, str]]:
    """Hash and subject of a branch's commits, oldest first, as asv orders them: by first parent."""
    told = _git(repository, "log", "--first-parent", "--reverse", "--format=%H %s", branch, "--")
    rows = (line.partition(" ") for line in told.splitlines())
    return [(name, subject) for name, _, subject in rows]


def _known(repository: Path, revisions: list[str]) -> list[str]:
    """Those of the revisions that the clone holds."""
    asked = "".join(f"{revision}^{{commit}}\n" for revision in revisions)
    answers = _git(repository, "cat-file", "--batch-check", given=asked).splitlines()
    return [one for one, answer in zip(revisions, answers, strict=True) if not answer.endswith("missing")]


def _git(repository: Path, *words: str, given: str = "") -> str:
    command = ["git", "-C", str(repository), *words]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HistoryUnreadableError(f"{repository}: {done.stderr.strip()}")
    return done.stdout
