"""Law 9 end to end: a cache filling up to its declared bound is no leak, and hides nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leakbench import checking

if TYPE_CHECKING:
    from pathlib import Path

    from leakbench.verdict import Verdict

pytestmark = pytest.mark.slow
BOUND = 2_000_000
CACHES = {
    "functools": f"import functools\nput = functools.lru_cache(maxsize={BOUND})(lambda i, value: value)",
    "deque": f"import collections\nC = collections.deque(maxlen={BOUND})\ndef put(i, value): C.append(value)",
    "cachetools": f"import cachetools\nput = cachetools.LRUCache({BOUND}).__setitem__",
    "cachetools-ttl": f"import cachetools\nput = cachetools.TTLCache({BOUND}, 3_600).__setitem__",
    "cachebox": f"import cachebox\nput = cachebox.LRUCache({BOUND}).insert",
    "theine": f"import theine\nput = theine.Cache({BOUND}).set",
    "moka": f"import moka_py\nput = moka_py.Moka({BOUND}).set",
}
FILLS = "\ndef step(i): put(i, bytes(100))\n"
STEPS = 32_768


def _check(folder: Path, text: str, steps: int = STEPS) -> Verdict:
    file = folder / "service.py"
    file.write_text(text, encoding="utf-8")
    return checking.examine(checking.Wish(f"{file}::step", only_verdict=True, steps=steps))


@pytest.mark.parametrize("library", CACHES)
def test_a_cache_below_its_declared_bound_is_filling_with_a_ceiling_in_bytes(
    library: str, tmp_path: Path
) -> None:
    """bytes(100) takes 133 bytes in a chunk of 144 under malloc, its int key 48: no library needs less."""
    verdict = _check(tmp_path, CACHES[library] + FILLS)
    assert verdict.verdict == "filling", verdict.evidence
    assert verdict.holder is not None
    assert verdict.holder["bound"] == BOUND
    assert 144 <= verdict.holder["ceiling_bytes"] / BOUND <= 1_000
    assert not verdict.leaks


def test_a_cache_that_a_program_has_frozen_is_seen(tmp_path: Path) -> None:
    """As services do before they fork: the collector lists no such object."""
    text = CACHES["cachetools"] + FILLS + "import gc\ngc.freeze()\n"
    verdict = _check(tmp_path, text)
    assert verdict.verdict == "filling", verdict.evidence


LAZY = """
import {module}
made = []
def step(i):
    if not made:
        made.append({make})
    made[0]{put}
"""


@pytest.mark.parametrize(
    "text",
    [
        LAZY.format(
            module="functools",
            make=f"functools.lru_cache({BOUND})(lambda key: bytes(100))",
            put="(i)",
        ),
        LAZY.format(
            module="collections", make=f"collections.deque(maxlen={BOUND})", put=".append(bytes(100))"
        ),
        LAZY.format(module="moka_py", make=f"moka_py.Moka({BOUND})", put=".set(i, bytes(100))"),
        # Another cache comes in with a module that the first step imports: it is no new one of a kind.
        CACHES["functools"] + "\ndef step(i):\n    import fnmatch\n    put(i, bytes(100))\n",
    ],
    ids=["lru_cache", "deque", "moka", "import"],
)
def test_a_cache_that_the_first_step_makes_is_followed(text: str, tmp_path: Path) -> None:
    verdict = _check(tmp_path, text)
    assert verdict.verdict == "filling", verdict.evidence


@pytest.mark.parametrize("library", CACHES)
def test_a_list_that_grows_beside_a_filling_cache_is_a_leak(library: str, tmp_path: Path) -> None:
    text = CACHES[library] + "\nROWS = []\ndef step(i): put(i, bytes(100)); ROWS.append(bytes(60))\n"
    verdict = _check(tmp_path, text)
    assert verdict.verdict == "leak", verdict.evidence


def test_a_list_that_a_cache_of_one_entry_hands_out_is_no_part_of_another_caches_filling(
    tmp_path: Path,
) -> None:
    """Cleared with the one that fills, it would be as long at each filling."""
    text = (
        CACHES["functools"]
        + "\nregistry = functools.lru_cache(maxsize=1)(lambda: [])"
        + "\ndef step(i): put(i, bytes(100)); registry().append(object())\n"
    )
    assert _check(tmp_path, text).verdict == "leak"


@pytest.mark.parametrize("library", ["functools", "cachetools", "theine"])
def test_entries_that_are_larger_in_the_second_filling_are_no_leak(library: str, tmp_path: Path) -> None:
    """Names get longer with their number: 10,000 of the first filling's have a digit less, here 8 bytes."""
    text = CACHES[library] + "\ndef step(i): put(i, bytes(2_000 + 8 * len(str(i))))\n"
    assert _check(tmp_path, text).verdict == "filling"


@pytest.mark.parametrize("library", ["cachetools", "theine"])
def test_eight_bytes_a_step_beside_a_filling_cache_are_a_leak(library: str, tmp_path: Path) -> None:
    text = CACHES[library] + "\nROWS = []\ndef step(i): put(i, bytes(100)); ROWS.append(None)\n"
    assert _check(tmp_path, text).verdict == "leak"


def test_a_small_leak_beside_a_cache_of_large_entries_is_a_leak_at_its_own_rate(tmp_path: Path) -> None:
    """bytes(40) takes 73 bytes in a chunk of 96, a list's slot eight or nine."""
    text = CACHES["functools"] + "\nROWS = []\ndef step(i): put(i, bytes(16_000)); ROWS.append(bytes(40))\n"
    verdict = _check(tmp_path, text, steps=4_096)
    assert verdict.verdict == "leak", verdict.evidence
    low, high = verdict.interval
    assert low < verdict.leak_bytes_per_op < high
    assert verdict.leak_bytes_per_op == pytest.approx(105, abs=8)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "import logging, logging.handlers\nH = logging.handlers.MemoryHandler(capacity=10)\n"
            "def step(i): H.emit(logging.LogRecord('n', 10, 'p', 1, 'm', None, None))\n",
            id="a memory handler without a target",
        ),
        pytest.param(
            "import queue\nQ = queue.Queue(maxsize=0)\ndef step(i): Q.put(bytes(60))\n",
            id="a queue without a bound",
        ),
        pytest.param(
            "import cachetools\nALL = []\n"
            "def step(i):\n    C = cachetools.LRUCache(1_000)\n    C[i] = i\n    ALL.append(C)\n",
            id="ever more caches",
        ),
        pytest.param(
            "import cachetools\nC = cachetools.LRUCache(10)\n"
            "def step(i): C.setdefault(i % 10, []).append(bytes(60))\n",
            id="values that grow in a full cache",
        ),
    ],
)
def test_a_bound_that_does_not_hold_the_growth_is_no_excuse(text: str, tmp_path: Path) -> None:
    assert _check(tmp_path, text, steps=8_192).verdict == "leak"
