"""--shuffle: the orders of the epochs against those that numpy draws from the same streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import philox
from traces import run

ROWS, EPOCHS = 40, 3


def losses(folder: Path, *options: object) -> np.ndarray:
    """The loss of every row in every epoch, at weights that a step so small leaves as they are."""
    trace = run(
        folder, "--objective", "mlp", "--method", "sgd", "--rows", ROWS, "--features", 16,
        "--hidden", "8,8,8", "--microbatch-size", 1, "--epochs", EPOCHS, "--learning-rate", 1e-30,
        "--evaluate-updates", 4 * ROWS, *options,
    )  # fmt: skip
    return trace.loss.sort_values("microbatch")["loss"].to_numpy().reshape(EPOCHS, ROWS)


@pytest.mark.parametrize("seed", [0, 2**40 + 5])
def test_the_orders_of_the_epochs(seed: int, tmp_path: Path) -> None:
    in_order = losses(tmp_path / "in order", "--seed", seed)
    shuffled = losses(tmp_path / "shuffled", "--seed", seed, "--shuffle")
    for epoch in range(EPOCHS):
        order = philox.shuffled(ROWS, seed, epoch)
        assert np.array_equal(shuffled[epoch], in_order[epoch][order])
