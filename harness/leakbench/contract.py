"""What a scenario and a mitigation declare: the whole contract of a competitor, on one screen.

Plain classes and no imports, because the measured child loads this module too: `typing` alone would
add 1.9 MiB to its resident memory, `dataclasses` 2.9 MiB.

A scenario file defines ``SCENARIO = Scenario(...)`` and adds its mitigations with
``@SCENARIO.mitigation(...)``. A mitigation that serves scenarios defined elsewhere is one file in
`leakbench.mitigations`, declared with ``@mitigation(mends=("session-map",), ...)``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol, TypeVar

    class Workload(Protocol):
        """One running case.

        It may also have ``counts() -> Mapping[str, int | float]`` (live_entries, retained_entries,
        lost_entries, stale_answers, hit_ratio: exact) and ``close()``, which lets go of what outlives the
        object: threads, servers, files. Tests call it, which go on in their process; a measured child does
        not, but counts what is left once the workload is dropped, and ends.
        """

        def step(self, i: int) -> object:
            """Do operation number `i` (0, 1, 2, …) and leave the program where it was found."""

    Make = TypeVar("Make", bound="Callable[..., Any]")

VERDICTS = ("leak", "filling", "bounded", "steady", "unreturned", "inconclusive")
KINDS = ("scenario", "control", "pattern", "wild")


_DEFAULT_STEPS = {"quick": 8_192, "full": 131_072}


def _check_name(what: str, name: str) -> None:
    """A name is part of a case's id, of globs and of file names."""
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ValueError(f"{what} {name!r}: a name holds letters, digits, '-', '_' and '.', and nothing else")


class Run:
    """What a workload is told: `seed`, `scale` (steps to come) and its parameters by name."""

    __slots__ = ("params", "scale", "seed")

    def __init__(self, seed: int, scale: int, params: "Mapping[str, int]") -> None:
        self.seed = seed
        self.scale = scale
        self.params = params


class Parameter:
    """An integer that a run may set; `minimum` and `maximum` are inclusive."""

    __slots__ = ("default", "maximum", "meaning", "minimum")

    def __init__(self, default: int, minimum: int, maximum: int, meaning: str) -> None:
        self.default = default
        self.minimum = minimum
        self.maximum = maximum
        self.meaning = meaning


class Mitigation:
    """One way to mend a scenario, and the truth about it as its author knows it.

    verdict        what a right measurement says (one of VERDICTS); `leaks` follows from it
    deterministic  one thread, no clock of its own, no server: its figures repeat to the last digit
    holder         who retains, as Python would write it; None where nothing is retained
    cost           the price in words: entries lost, stale answers, threads, a scan
    requires       importable names beyond the standard library; a case without them is not run
    requires_files absolute paths, each with the command that installs it; a case without them is not run
    packages       requirements pinned to a version ("babel==2.11.0"), installed on demand into a folder of
                   their own (`leakbench.wheelhouse`); then the case imports from there alone, `requires` too
    environ        environment variables that are the mitigation itself (MALLOC_ARENA_MAX=1, …)
    """

    __slots__ = (
        "cost", "deterministic", "environ", "holder", "make", "mends", "name", "packages", "requires",
        "requires_files", "summary", "verdict",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        make: "Callable[..., Any]",
        *,
        verdict: str,
        summary: str,
        cost: str = "",
        holder: "str | None" = None,
        deterministic: bool = True,
        requires: "Sequence[str]" = (),
        requires_files: "Mapping[str, str] | None" = None,
        packages: "Sequence[str]" = (),
        environ: "Mapping[str, str] | None" = None,
        mends: "Sequence[str]" = (),
    ) -> None:
        _check_name("mitigation", name)
        if verdict not in VERDICTS:
            raise ValueError(f"mitigation {name!r}: verdict {verdict!r} is none of {', '.join(VERDICTS)}")
        self.name = name
        self.make = make
        self.verdict = verdict
        self.summary = summary
        self.cost = cost
        self.holder = holder
        self.deterministic = deterministic
        self.requires = tuple(requires)
        self.requires_files = dict(requires_files or {})
        self.packages = tuple(packages)
        self.environ = dict(environ or {})
        self.mends = tuple(mends)

    @property
    def leaks(self) -> bool:
        return self.verdict == "leak"


class Scenario:
    """A scripted workload in which something may stay reachable longer than it should.

    workload  called as ``workload(make, run)`` with the mitigation's `make` and a `Run`
    steps     steps measured after the warm-up, by profile
    warmup    steps before the baseline: enough to fill the live set
    version   raised whenever the meaning of its figures changes; unlike versions are not compared
    waits_seconds  real time that a step takes, most of it waiting; 0 where it waits for nothing. What waits
              is measured beside the others and never timed; for minutes, once, in the full profile alone
    """

    __slots__ = (
        "kind", "mitigations", "name", "params", "section", "steps", "title", "version", "waits_seconds",
        "warmup", "workload",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        workload: "Callable[[Callable[..., Any], Run], Workload]",
        *,
        kind: str = "scenario",
        title: str,
        section: "str | None" = None,
        version: int = 1,
        steps: "Mapping[str, int] | None" = None,
        warmup: int = 2_048,
        params: "Mapping[str, Parameter] | None" = None,
        waits_seconds: float = 0.0,
    ) -> None:
        _check_name("scenario", name)
        if kind not in KINDS:
            raise ValueError(f"scenario {name!r}: kind {kind!r} is none of {', '.join(KINDS)}")
        self.name = name
        self.workload = workload
        self.kind = kind
        self.title = title
        self.section = section
        self.version = version
        self.steps = {**_DEFAULT_STEPS, **(steps or {})}
        self.warmup = warmup
        self.params = dict(params or {})
        self.waits_seconds = waits_seconds
        self.mitigations: dict[str, Mitigation] = {}

    def mitigation(self, name: str, **truth: "Any") -> "Callable[[Make], Make]":
        """Add a mitigation to this scenario; the arguments are those of `Mitigation`."""

        def add(make: "Make") -> "Make":
            if name in self.mitigations:
                raise ValueError(f"scenario {self.name!r} names its mitigation {name!r} twice")
            self.mitigations[name] = Mitigation(name, make, **truth)
            return make

        return add


def mitigation(name: str, *, mends: "Sequence[str]", **truth: "Any") -> "Callable[[Make], Make]":
    """Declare a mitigation for the scenarios named in `mends`, in a file of its own."""

    def declare(make: "Make") -> "Make":
        declared = list(getattr(make, "__mitigations__", ()))
        declared.append(Mitigation(name, make, mends=mends, **truth))
        make.__mitigations__ = declared  # type: ignore[attr-defined]  # functions and classes take attributes
        return make

    return declare
