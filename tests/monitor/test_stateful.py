"""hypothesis drives a MonitoredMap and a dict through the same life: they must agree on every answer."""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import cachetools
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from leakbench.monitor import MonitoredMap

KEYS = st.integers(0, 5)
VALUES = st.integers()
PAIRS = st.lists(st.tuples(KEYS, VALUES), max_size=4)
KINDS: dict[str, Callable[[], Any]] = {
    "dict": dict,
    "OrderedDict": OrderedDict,
    "guarded": lambda: cachetools.Cache(100),
}


def outcome(action: Any) -> object:
    """What an action returns, or the kind of exception that it raises."""
    try:
        return action()
    except KeyError as error:
        return type(error)


class LikeADict(RuleBasedStateMachine):
    """The model counts by looking: len before and after, and `in` before each write."""

    @initialize(kind=st.sampled_from(sorted(KINDS)), pairs=PAIRS)
    def start(self, kind: str, pairs: list[tuple[int, int]]) -> None:
        wrapped: Any = KINDS[kind]()
        wrapped.update(pairs)
        self.model = dict(pairs)
        self.watched: MonitoredMap[int, int] = MonitoredMap(wrapped)
        self._begin()

    def _begin(self) -> None:
        self.insertions = len(self.model)
        self.overwrites = self.deletions = self.hits = self.misses = 0

    def _write(self, key: int) -> None:
        if key in self.model:
            self.overwrites += 1
        else:
            self.insertions += 1

    def _look_up(self, key: int) -> None:
        if key in self.model:
            self.hits += 1
        else:
            self.misses += 1

    @rule(key=KEYS, value=VALUES)
    def set(self, key: int, value: int) -> None:
        self._write(key)
        self.model[key] = self.watched[key] = value

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        self._look_up(key)
        assert outcome(lambda: self.watched[key]) == outcome(lambda: self.model[key])
        self._look_up(key)
        assert self.watched.get(key, "none") == self.model.get(key, "none")
        assert (key in self.watched) == (key in self.model)

    @rule(key=KEYS)
    def delete(self, key: int) -> None:
        self.deletions += key in self.model
        assert outcome(lambda: self.watched.__delitem__(key)) == outcome(lambda: self.model.__delitem__(key))

    @rule(key=KEYS)
    def pop(self, key: int) -> None:
        self.deletions += key in self.model
        assert outcome(lambda: self.watched.pop(key)) == outcome(lambda: self.model.pop(key))

    @rule(key=KEYS)
    def pop_with_default(self, key: int) -> None:
        self.deletions += key in self.model
        assert self.watched.pop(key, None) == self.model.pop(key, None)

    @rule()
    def popitem(self) -> None:
        self.deletions += bool(self.model)
        popped = outcome(self.watched.popitem)
        if popped is KeyError:
            assert not self.model
        else:
            assert isinstance(popped, tuple)
            assert self.model.pop(popped[0]) == popped[1]

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key: int, value: int) -> None:
        self._look_up(key)
        self.insertions += key not in self.model
        assert self.watched.setdefault(key, value) == self.model.setdefault(key, value)

    @rule(pairs=PAIRS, how=st.sampled_from(["mapping", "pairs", "iterator", "|=", "|= pairs"]))
    def update(self, pairs: list[tuple[int, int]], how: str) -> None:
        seen = dict(pairs).items() if how in ("mapping", "|=") else pairs
        for key, value in seen:
            self._write(key)
            self.model[key] = value
        if how == "|=":
            self.watched |= dict(pairs)
        elif how == "|= pairs":
            self.watched |= pairs
        else:
            self.watched.update({"mapping": dict, "pairs": list, "iterator": iter}[how](pairs))  # type: ignore[operator]

    @rule()
    def clear(self) -> None:
        self.deletions += len(self.model)
        self.model.clear()
        self.watched.clear()

    @rule(pairs=PAIRS)
    def unite(self, pairs: list[tuple[int, int]]) -> None:
        assert dict((self.watched | dict(pairs)).items()) == self.model | dict(pairs)
        assert dict((dict(pairs) | self.watched).items()) == dict(pairs) | self.model

    @rule(how=st.sampled_from(["copy", "pickle"]))
    def go_on_with_a_copy(self, how: str) -> None:
        self.watched = self.watched.copy() if how == "copy" else pickle.loads(pickle.dumps(self.watched))  # noqa: S301
        self._begin()

    @invariant()
    def they_agree(self) -> None:
        assert self.watched == self.model
        assert len(self.watched) == len(self.model)
        assert sorted(self.watched) == sorted(self.watched.keys()) == sorted(self.model)
        assert sorted(self.watched.values()) == sorted(self.model.values())
        assert set(self.watched.items()) == set(self.model.items())
        assert bool(self.watched) == bool(self.model)

    @invariant()
    def the_counts_are_those_of_the_model(self) -> None:
        reading = self.watched.reading()
        assert reading.entries == len(self.model)
        assert (reading.insertions, reading.overwrites, reading.deletions) == (
            self.insertions,
            self.overwrites,
            self.deletions,
        )
        assert (reading.hits, reading.misses) == (self.hits, self.misses)


TestLikeADict = LikeADict.TestCase
TestLikeADict.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
