"""The maps for several threads, against a dict that does the same operations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leakbench.mitigations.copy_on_write import CopyOnWriteMap, persistent_map
from leakbench.mitigations.locks import LockedMap, ReadWriteLock
from leakbench.mitigations.shards import ShardedMap

if TYPE_CHECKING:
    from collections.abc import Callable


def read_write_locked() -> LockedMap:
    lock = ReadWriteLock()
    return LockedMap(lock.reading, lock.writing)


MAKES: dict[str, Callable[[], Any]] = {
    "locked": lambda: LockedMap(threading.Lock()),
    "read-write-locked": read_write_locked,
    "sharded": ShardedMap,
    "one shard": lambda: ShardedMap(1),
    "copy-on-write": CopyOnWriteMap,
    "persistent": persistent_map,
}
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "pop", "add", "get"]), st.integers(0, 30), st.integers(-9, 9)),
    max_size=100,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKES)
@given(operations=OPERATIONS)
def test_it_answers_as_a_dict_would(name: str, operations: list[tuple[str, int, int]]) -> None:
    shared, plain = MAKES[name](), {}  # type: Any, dict[int, int]
    for what, key, number in operations:
        if what == "put":
            shared[key] = plain[key] = number
        elif what == "pop":
            assert shared.pop(key) == plain.pop(key, None)
        elif what == "add":
            shared.add(key, number)
            plain[key] = plain.get(key, 0) + number
        else:
            assert shared.get(key, "none") == plain.get(key, "none")
        assert (len(shared), shared.total()) == (len(plain), sum(plain.values()))


@pytest.mark.parametrize("make", [CopyOnWriteMap, persistent_map])
def test_a_snapshot_stays_as_it_was(make: Callable[[], CopyOnWriteMap]) -> None:
    shared = make()
    shared["key"] = 1
    snapshot = shared.snapshot()
    shared["key"] = 2
    shared["other"] = 3
    shared.pop("key")
    assert dict(snapshot) == {"key": 1}
    assert (shared.get("key"), shared.get("other")) == (None, 3)


def test_a_map_without_shards_is_refused() -> None:
    with pytest.raises(ValueError, match="at least, not 0"):
        ShardedMap(0)
