"""What a monitored map says about itself when it is asked: one record, the same for every kind of thing."""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """One map at one moment. None: this kind of thing cannot tell, which is not the same as 0.

    The counts never fall while the thing lives (except where its owner resets them, as
    ``lru_cache.cache_clear`` does), and where all three are known
    ``insertions - deletions - evictions == entries`` holds, entries that were there at the start included.
    """

    entries: int
    peak_entries: int | None = None  # largest size met before a deletion or by a reading
    insertions: int | None = None  # keys that were new
    overwrites: int | None = None  # writes to a key that was there
    deletions: int | None = None  # entries removed by the map's user
    evictions: int | None = (
        None  # entries that left by themselves: bound, expiry, death of a weak value; a dict has none
    )
    hits: int | None = None  # look-ups by [], get and setdefault that found the key
    misses: int | None = None
    oldest_age_seconds: float | None = None  # at least so old is the oldest entry; a lower bound by a sample
    size_bytes: float | None = None  # estimate of table, keys and values
    size_error_bytes: float | None = None  # half width of the estimate's 95 % interval
    bound_entries: int | None = None  # declared; None where there is none or it does not count entries
    fill_ratio: float | None = None  # 0 to 1, in the unit of the bound (entries or the cache's own weights)
    sample_failures: int = 0  # readings whose sample raised: in an estimator, or in a key's __eq__

    @property
    def mutations(self) -> int | None:
        """All changes so far; its rate is the article's mutation rate (section 3.3)."""
        parts = (self.insertions, self.overwrites, self.deletions, self.evictions)
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


def mutations_per_second(earlier: Reading, later: Reading, seconds: float) -> float | None:
    """Mean rate of change between two readings `seconds` apart (above 0); None where nothing is counted."""
    if earlier.mutations is None or later.mutations is None:
        return None
    return (later.mutations - earlier.mutations) / seconds
