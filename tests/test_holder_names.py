"""A holder that was found is the known one where its path is that, or ends in it."""

from __future__ import annotations

import pytest
from leakbench.holder_names import NATIVE, is_known


@pytest.mark.parametrize(
    ("found", "known", "is_it"),
    [
        ("babel.dates._pattern_cache", "babel.dates._pattern_cache", True),
        ("step.<locals> cell 'jar'._cookies", "jar._cookies", True),
        ("my_step.step.babel.dates._pattern_cache", "babel.dates._pattern_cache", True),
        ("dates._another_pattern_cache", "_pattern_cache", False),
        ("babel.dates", "babel.dates._pattern_cache", False),
        (None, NATIVE, True),
        (None, "babel.dates._pattern_cache", False),
        ("babel.dates._pattern_cache", NATIVE, False),
    ],
)
def test_a_path_is_known_by_its_end(found: str | None, known: str, is_it: bool) -> None:  # noqa: FBT001
    assert is_known(found, known) is is_it
