"""One check from start to verdict: drives its children, one order after another.

Up to three, each a fresh process with an environment of its own: one climbs the ladder with exact heap
counters, one finds who holds what grows, one runs under memray for the allocation site. The second starts as
soon as something seems to grow, beside the first; for the verdict alone, once it is needed. What each may
conclude is in `policy`, `growth` and `verdict`; nothing is decided inside a measured process.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from leakbench import growth, policy, refill
from leakbench.checking import TargetFailedError, UnusableTargetError, side_seconds, start
from leakbench.endings import failure, patience_seconds
from leakbench.launch import exact_heap_environ
from leakbench.probes.ledger import samples
from leakbench.verdict import Beside, Found, Full, Seen, Verdict, conclude, explain

if TYPE_CHECKING:
    from leakbench.checking import Wish
    from leakbench.spawn import Child, Crew

_SUSPECT_STEPS = 2_048
_SUSPECT_SECONDS = 0.25
_SUSPECT_BYTES = 1_024  # in an octave; what grows more slowly is looked for once it is known to leak
_FIND_SECONDS = 1.0
_FIND_AGAIN_SECONDS = 3.0
_DORMANT_SECONDS = 0.25
_TRACE_SECONDS = 0.25
_RARE_TRACE_SECONDS = 2.0
_TRACE_SLOWDOWN = 12  # memray with Python's allocators traced, against the ladder's own speed
_TRACED_BYTES = 4_096  # a leak should show at least so many in its capture
_FEWEST_TRACED, _MOST_TRACED = 64, 32_768
_MOST_OF_A_SITE = 4.0
_UNSEEN = "memray saw no place that keeps a twentieth of it"
_SITE_SHARE = 0.05  # of the growth: a place that keeps less is not where it leaks
_HIDDEN_SHARE = 0.1  # of the last octave's growth: a leak's own garbage is far less
_HIDDEN_BYTES = 64 << 10  # less is what first calls leave
_SEEN_SHARE = 0.5  # of the leak's bytes, in the finder's own steps: then it has had it before its eyes
_NOTHING_DORMANT: dict[str, Any] = {
    "dormant": (), "woken": (), "steps": 0, "watched_to": 0, "kept_rate": 0.0, "rate_from_then": 0.0,
}  # fmt: skip
_STOPPED_SHARE = 0.25  # of the leak's rate: what grows on by less is no leak's growth
_MOST_REFILLS = 3
_NEVER = float(1 << 30)
_GROWING = ("leak", "inconclusive")
_MAY_GO_ON = ("enough", "growth cap")  # why a climb ended that a few steps more do no harm to
_TRACE_ANSWERS = ("traced", "untraced")


class Examination:
    """One check: its children, and what they have said."""

    def __init__(self, crew: Crew, wish: Wish, climber: Child, keep_capture: str | None) -> None:
        self.crew = crew
        self.wish = wish
        self.climber = climber
        self.keep_capture = keep_capture
        self.bounds = policy.Bounds(wish.budget_seconds, wish.steps, wish.growth_cap_bytes)
        self.finder: Child | None = None
        self.site_missing: str | None = None

    def verdict(self) -> Verdict:
        """Climb, look, and conclude. Raises UnusableTargetError and TargetFailedError."""
        climber = self.climber
        ready = self._answer(climber, "ready", 0)
        pace = policy.Pace(**{name: ready[name] for name in policy.Pace._fields})
        halted = self._climb(pace, freeze=True)
        grown = policy.judge(samples(climber.records))
        if grown.verdict in _GROWING and self._hid_garbage():
            self._dismiss(climber, has_teardown=ready["has_teardown"])
            climber = self.climber = start(self.crew, self.wish, exact_heap_environ())
            self._answer(climber, "ready", 0)
            halted = self._climb(pace)
            grown = policy.judge(samples(climber.records))
        weighed = self._weigh() if grown.verdict in _GROWING else None
        full, beside = self._explained(weighed) if weighed is not None else (None, None)
        found = Found()
        if (
            grown.verdict == "leak"
            and full is None
            and (not self.wish.only_verdict or self._may_shrink(halted))
        ):
            looked = self._found()
            found = self._in_doubt(looked, grown)
            if found.dormant and halted == "enough" and self.bounds.steps is None and weighed is None:
                # Something would remove entries and has not run yet: perhaps it does, further up.
                halted = self._climb(pace, to_the_end=True)
                grown = policy.judge(samples(climber.records))
                found = self._in_doubt(looked, grown)
        # What grows is not back: whether its pages are is no question.
        settled = {} if grown.verdict == "leak" else self._ask(climber, "settled", do="settle")
        site = None
        if not self.wish.only_verdict and (grown.verdict == "leak" or full is not None):
            found = self._look_closer(found, grown)
            if full is None and (grown.leak_bytes_per_step or beside is not None):
                site = self._site(grown, beside, found, pace)
        if ready["has_teardown"]:
            if self.finder is not None:
                self.finder.send({})
            self._ask(climber, "done")
            while len(self.crew):
                self.crew.wait()
        seen = Seen(climber.records, grown, full, beside, found, settled, site, halted, self.site_missing)
        return conclude(self.wish, seen)

    def _dismiss(self, child: Child, *, has_teardown: bool) -> None:
        """End a child that is not needed any more; its target is torn down first, if it wants to be."""
        if has_teardown:
            self._ask(child, "done")
        else:
            child.kill("dismissed")

    def _ask(self, child: Child, answer: str, **order: Any) -> dict[str, Any]:
        """Send an order and wait for the record that answers it."""
        mark = len(child.records)
        child.send(order)
        return self._answer(child, answer, mark)

    def _answer(self, child: Child, kind: str, mark: int) -> dict[str, Any]:
        """The first record of a kind since `mark`; raises where the child ended without it."""
        heard, heard_at = len(child.records), time.monotonic()
        while True:
            for record in child.records[mark:]:
                if record["record"] == kind:
                    return record
                if record["record"] == "unusable":
                    trace = "".join("\n  " + line for line in record["traceback"])
                    raise UnusableTargetError(record["reason"] + trace)
            if child.ending is not None:
                raise failure(self.wish, child)
            self.crew.listen()
            if len(child.records) > heard:
                heard, heard_at = len(child.records), time.monotonic()
            elif child is self.climber:  # of the others little depends, and their time is limited as a whole
                patience = patience_seconds(child.records, self.wish.deadline_seconds)
                if time.monotonic() - heard_at > patience:
                    child.kill("deadline")

    def _hid_garbage(self) -> bool:
        """Whether much of the growth is garbage that only the frozen objects of the start kept.

        A window of nodes, each in a cycle with itself and leading to the next, hangs on its frozen first one.
        """
        seen = samples(self.climber.records)
        half = min(seen, key=lambda sample: abs(sample.steps - seen[-1].steps // 2))
        thawed_bytes = self._ask(self.climber, "thawed", do="thaw")["heap_bytes"]
        if thawed_bytes is None:
            return False
        hidden_bytes: int = seen[-1].heap_bytes - thawed_bytes
        return hidden_bytes > max(_HIDDEN_BYTES, _HIDDEN_SHARE * (seen[-1].heap_bytes - half.heap_bytes))

    def _climb(self, pace: policy.Pace, *, to_the_end: bool = False, freeze: bool = False) -> str:
        """Climb until enough is known, or what is allowed is spent; returns why it ended."""
        climber = self.climber
        seen = samples(climber.records)
        stop_at = self.bounds.budget_seconds if self.bounds.steps is None else _NEVER
        top = self._ask(
            climber,
            "top",
            do="climb",
            octaves=policy.octaves(pace, self.bounds, above=seen[-1].steps if seen else 0),
            growth_cap_bytes=self.bounds.growth_cap_bytes,
            stop_at_seconds=stop_at,
            freeze=freeze,
        )
        while top["reason"] == "top":
            seen = samples(climber.records)
            seconds = climber.records[-2]["seconds"]
            self._suspect(seen, seconds)
            if policy.enough(seen, seconds, self.bounds, to_the_end=to_the_end):
                climber.say("enough")
                return "enough"
            mark = len(climber.records)
            climber.say("go")
            top = self._answer(climber, "top", mark)
        return str(top["reason"])

    def _suspect(self, seen: list[growth.Sample], seconds: float) -> None:
        """Start looking for the holder, beside the climb, as soon as something has grown for a while."""
        if self.wish.only_verdict:  # it may not be needed, and both are slower beside each other
            return
        late = seen[-1].steps >= _SUSPECT_STEPS or seconds > _SUSPECT_SECONDS
        half = min(seen, key=lambda sample: abs(sample.steps - seen[-1].steps // 2))
        if self.finder is None and late and seen[-1].heap_bytes - half.heap_bytes > _SUSPECT_BYTES:
            self.finder = self._start_finder()

    def _may_shrink(self, halted: str) -> bool:
        """Whether code that has not run yet may take out what grew, whoever holds it.

        The climber is asked where it may run a few steps more; else the finder is to look.
        """
        if halted not in _MAY_GO_ON or self.bounds.steps is not None:
            return True
        doubted = self._ask(self.climber, "doubted", do="doubt", budget_seconds=_DORMANT_SECONDS)
        return bool(doubted["may_remove"])

    def _in_doubt(self, found: Found, grown: growth.Growth) -> Found:
        """Which lines may yet end the growth, by what the climb has seen.

        A line that ran for the finder, further up than the climb, is one where it ended the growth: either
        nothing was left of what had grown, or nothing more came. One that waits for so many entries, or
        stores only so many, is none where there was time for twice as many.
        """
        top = samples(self.climber.records)[-1].steps
        least = _STOPPED_SHARE * grown.leak_bytes_per_step
        ended = found.kept_rate < least or abs(found.rate_from_then) < least
        woken = found.woken if found.watched_to > top and ended else ()
        rates = [each["entries_per_step"] for each in found.holders if each["entries_per_step"]]
        came = min([1.0, *rates]) * top  # entries; where no container is known to grow, one a step
        waiting = []
        for line in found.dormant:
            numbers = [line[each] for each in ("at_entries", "most_entries") if line.get(each) is not None]
            if not numbers or 2 * min(numbers) > came:
                waiting.append(line)
        return found._replace(dormant=(*waiting, *woken))

    def _weigh(self) -> tuple[list[growth.Sample], list[tuple[int, ...]], dict[str, Any]] | None:
        """What caches with a declared bound that grew cost an entry; clears them, which ends the climb.

        None where no such cache grew: nothing was cleared then.
        """
        climber = self.climber
        rungs = [record for record in climber.records if record["record"] == "rung"][1:]
        sizes = list(zip(*(rung["cache_entries"] for rung in rungs), strict=True))
        if not _grown(sizes):
            return None
        return samples(climber.records), sizes, self._empty(sizes)

    def _empty(self, sizes: list[tuple[int, ...]]) -> dict[str, Any]:
        """Clear the caches that grew; what each gave back."""
        return self._ask(self.climber, "weighed", do="weigh", positions=_grown(sizes))

    def _explained(
        self, weighed: tuple[list[growth.Sample], list[tuple[int, ...]], dict[str, Any]]
    ) -> tuple[Full | None, Beside | None]:
        """The caches that explain the growth, by filling them again, else by what clearing gave back.

        Or what the second filling shows to leak beside them.
        """
        seen, sizes, cleared = weighed
        caches = refill.growing_caches(sizes, cleared)
        if not caches:
            return None, None
        steps = refill.refill_steps(seen[-1].steps, sizes, caches)
        seconds = self.bounds.budget_seconds if self.bounds.steps is None else _NEVER
        refilled: list[dict[str, Any]] = []
        beside = None
        for _ in range(_MOST_REFILLS if refill.are_lazy(caches) else 1):
            if refilled:
                self._empty(sizes)
            again = self._ask(self.climber, "refilled", do="refill", steps=steps, seconds=seconds)
            if not refill.is_as_full(sizes, caches, again):
                break
            refilled.append(again)
            seen_again = refill.explain(self.climber.records, sizes, caches, *refilled)
            if isinstance(seen_again, Beside) and not refill.are_lazy(caches):
                left_bytes = self._empty(sizes)["left_bytes"] - cleared["left_bytes"]
                seen_again = refill.explain(
                    self.climber.records, sizes, caches, *refilled, left_bytes=left_bytes
                )
            if isinstance(seen_again, Full):
                return seen_again, None
            beside = seen_again
        return (None, beside) if refilled else (explain(*weighed), None)

    def _found(self) -> Found:
        """What the finder says; started only now where nothing made it start before."""
        if self.finder is None:
            self.finder = self._start_finder()
        return self._heard(self.finder, 0)

    def _start_finder(self) -> Child:
        """Start a child that looks for the holder as soon as it is ready."""

        def look(child: Child, record: dict[str, Any]) -> None:
            if record["record"] == "ready":
                child.send(self._look_for(_FIND_SECONDS, _DORMANT_SECONDS))

        return start(self.crew, self.wish, exact_heap_environ(), look, side_seconds(self.wish))

    def _look_for(self, budget_seconds: float, dormant_seconds: float, skip: int = 0) -> dict[str, Any]:
        return {
            "do": "holders",
            "skip": skip,
            "budget_seconds": budget_seconds,
            "dormant_seconds": dormant_seconds,
            "growth_cap_bytes": self.bounds.growth_cap_bytes,
        }

    def _heard(self, finder: Child, mark: int) -> Found:
        dormant = _NOTHING_DORMANT
        with contextlib.suppress(TargetFailedError, UnusableTargetError):  # the climb went well
            dormant = self._answer(finder, "dormant", mark)
        looked = next((each for each in finder.records[mark:] if each["record"] == "holders"), None)
        if looked is None:
            return Found()  # the verdict stands without a holder
        return Found(
            # What declares a bound comes last: beside a leak it is not what leaks.
            tuple(sorted(looked["holders"], key=lambda holder: bool(holder["allow_listed"]))),
            tuple(dormant["dormant"]),
            tuple(dormant["woken"]),
            dormant["steps"],
            dormant["watched_to"],
            dormant["kept_rate"],
            dormant["rate_from_then"],
            steps=looked["steps"],
            grown_bytes=looked["grown_bytes"],
            collects=looked["collects"],
            looked=True,
        )

    def _look_closer(self, found: Found, grown: growth.Growth) -> Found:
        """What was found, or what a second look finds where the first came too early or was too short."""
        if not found.looked:
            found = self._found()
        if found.holders or self.finder is None or growth.Resource.HEAP not in grown.leaking:
            return found
        if found.grown_bytes >= _SEEN_SHARE * grown.leak_bytes_per_step * found.steps > 0:
            return found  # it leaked before the finder's eyes, and no Python object grew
        late = grown.began_at_step or 0
        skip = late if late > found.steps else 0
        mark = len(self.finder.records)
        self.finder.send(self._look_for(_FIND_AGAIN_SECONDS, 0.0, skip))
        again = self._heard(self.finder, mark)
        return again._replace(dormant=found.dormant) if again.looked else found

    def _site(
        self, grown: growth.Growth, beside: Beside | None, found: Found, pace: policy.Pace
    ) -> dict[str, Any] | None:
        """Where most of what leaks is allocated, by memray; None where it does not see it."""
        import tempfile

        rate = beside.bytes_per_step if beside is not None else grown.leak_bytes_per_step
        with tempfile.TemporaryDirectory(prefix="leakbench-") as folder:
            capture = self.keep_capture or f"{folder}/capture.bin"
            return self._trace(capture, rate, found, pace, is_beside_cache=beside is not None)

    def _trace(
        self,
        capture: str,
        leak_bytes_per_step: float,
        found: Found,
        pace: policy.Pace,
        *,
        is_beside_cache: bool,
    ) -> dict[str, Any] | None:
        native = found.looked and not found.holders
        steps = traced_steps(pace.step_seconds, leak_bytes_per_step)
        tracer = start(self.crew, self.wish, {}, deadline_seconds=side_seconds(self.wish))
        try:
            self._answer(tracer, "ready", 0)
            mark = len(tracer.records)
            tracer.send({"do": "trace", "capture": capture, "steps": steps, "native": native})
            tracer.send({})
            while tracer.ending is None and not any(
                r["record"] in _TRACE_ANSWERS for r in tracer.records[mark:]
            ):
                self.crew.listen()
        except (TargetFailedError, UnusableTargetError):
            self.site_missing = "the step failed under memray"
            return None
        answers = {record["record"]: record for record in tracer.records[mark:]}
        self.site_missing = answers.get("untraced", {"reason": _UNSEEN})["reason"]
        site = answers["traced"]["site"] if "traced" in answers else None
        if site is None or not _is_place(site["file"]):
            return None
        leaked_bytes = steps * leak_bytes_per_step
        if site["retained_bytes"] < _SITE_SHARE * leaked_bytes:
            return None  # memray does not see what leaks, as when C code got malloc's address by dlsym
        if is_beside_cache and site["retained_bytes"] > _MOST_OF_A_SITE * leaked_bytes:
            return None  # what keeps most is the cache that fills
        return dict(site)


def _grown(sizes: list[tuple[int, ...]]) -> list[int]:
    """Which of the declared caches hold more at the last rung than at the first."""
    return [position for position, entries in enumerate(sizes) if entries[-1] > entries[0]]


def _is_place(file: str) -> bool:
    """Whether it says anything to a person: an unknown frame, or the one that makes a request, does not."""
    return file != "<unknown>" and "/leakbench/child/" not in file


def traced_steps(step_seconds: float, bytes_per_step: float) -> int:
    """Steps under memray: a quarter of a second's worth, more where the leak is rare, up to two seconds'."""
    slow = max(step_seconds, 1e-7) * _TRACE_SLOWDOWN
    common = min(_MOST_TRACED, max(_FEWEST_TRACED, int(_TRACE_SECONDS / slow)))
    rare = int(_TRACED_BYTES / bytes_per_step) if bytes_per_step > 0 else 0
    return max(common, min(rare, int(_RARE_TRACE_SECONDS / slow)))
