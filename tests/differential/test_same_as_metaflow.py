"""Every flow leaves the same here as on Metaflow, and our client answers about it what Metaflow's does."""

from __future__ import annotations

import pytest

from tests.differential import case
from tests.differential.case import Case
from tests.differential.comparison import compared


@pytest.mark.parametrize("name", case.in_bank())
def test_flow_of_the_bank_leaves_the_same(name: str) -> None:
    _compare(case.of_bank(name))


def _compare(flow: Case, engine: str = "process") -> None:
    comparison = compared(flow, engine)
    if not comparison.same:
        pytest.fail(str(comparison), pytrace=False)
