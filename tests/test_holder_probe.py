"""Who holds a case's growth, found on the live heap of a fresh child, is who its author says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from leakbench import catalogue, plan
from leakbench.probes import Place, holder
from leakbench.spawn import Limits, run

if TYPE_CHECKING:
    from pathlib import Path


def _holder(case: str, folder: Path) -> dict[str, Any]:
    found = catalogue.discover()
    (task,) = plan.make_tasks(found, plan.select(found, [case]), probes=["holder"])
    (child,) = run([holder.order(task, Place(folder, Limits(), 1 << 30))])
    assert child.ending is not None
    assert child.ending.kind == "done", child.ending
    return holder.values(child)


@pytest.mark.parametrize(
    "case", ["session-map:none", "session-map:explicit-remove", "listener-registry:none"]
)
def test_the_holder_found_is_the_declared_one(case: str, tmp_path: Path) -> None:
    scenario, _, mitigation = case.partition(":")
    declared = catalogue.discover().entries[scenario].mitigations[mitigation].mitigation.holder
    assert declared is not None
    found = _holder(case, tmp_path)["holder"]
    assert found["path"].endswith(declared)
    assert found["chain"][0].startswith("module ")


def test_a_mended_case_has_no_holder(tmp_path: Path) -> None:
    assert _holder("session-map:remove-and-expire", tmp_path) == {}
