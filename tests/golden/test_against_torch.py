"""Loss, gradients and statistics of every model are PyTorch's, at 1, 2 and 4 stages, in both precisions."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (Debian: python3-torch): nothing to compare with")

from against_torch import CASES, TOLERANCES, Case, compare  # noqa: E402


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_update(case: Case, precision: str) -> None:
    for stages, difference in compare(case, precision).items():
        assert difference.within(TOLERANCES[precision]), (stages, difference)
