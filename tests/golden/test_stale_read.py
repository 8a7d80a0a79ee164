"""The stale read's power of S, where theory has it (experiments.md §4): gradients that never change, and pure
noise, each with the norms of the blocks' gradients fixed and with the norm of the whole gradient fixed.

In PipeDream's steady state stage i is updated n_i = S-1-floor(i/2) times between a read and its use at stage 0. So
gradients g_i that never change make a sample gamma^2 sum n_i^2 |g_i|^2, and noise of variance sigma^2 in d_i
coordinates makes one of mean gamma^2 sigma^2 sum n_i d_i.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from agreement import STALE_READ
from quartic_analysis import Run
from stale_read import updates_between
from traces import run

ALL_STAGES = (2, 4, 8, 16, 32, 64)
COORDINATES = {"blocks": 256, "whole": 4096}
"""Of every block where the blocks' norms are fixed, else of the whole model: many, so that noise has its mean."""
RATE = 2.0**-10
SIGMA = 0.5


def block_sizes(stages: int, fixed: str) -> np.ndarray:
    """Every coordinate has a gradient alike, so a block's size is the square of its gradient's norm."""
    return np.full(stages, COORDINATES[fixed] // (stages if fixed == "whole" else 1))


def train(folder: Path, stages: int, fixed: str, target: float, *options: object) -> Run:
    """PipeDream on one row: ones with a target so far away that no step towards it counts, which is a
    gradient of ones; or zeros, which is none."""
    features = int(block_sizes(stages, fixed).sum())
    path = folder / f"{stages}.h5"
    with h5py.File(path, "w") as file:
        file["X"] = np.full((1, features), 1 / target if target else 0.0)
        file["y"] = np.array([-target])
    return run(
        folder / str(stages), "--data", path, "--method", "pipedream", "--stages", stages,
        "--microbatch-size", 1, "--microbatches", 12 * stages, "--learning-rate", RATE,
        "--evaluate-updates", 0, "--trace-stale-read", 1, *options,
    )  # fmt: skip


def steady(trace: Run) -> np.ndarray:
    samples, window = trace.stale_read, trace.steady_window()
    return samples["value"][samples["microbatch"].isin(window)].to_numpy()


def power_of_stages(values: list[float], first: int) -> float:
    """The slope of log value in log S, S = 2^first, …, 64."""
    return np.polyfit(np.log(ALL_STAGES[first - 1 :]), np.log(values[first - 1 :]), 1)[0]


@pytest.mark.parametrize(
    ("fixed", "power", "from_8"), [("blocks", 3.21, 3.07), ("whole", 2.21, 2.07)]
)
def test_constant_gradients(tmp_path: Path, fixed: str, power: float, from_8: float) -> None:
    means = []
    for stages in ALL_STAGES:
        values = steady(train(tmp_path, stages, fixed, target=2.0**60))
        n, sizes = updates_between(stages), block_sizes(stages, fixed)
        np.testing.assert_allclose(values, RATE**2 * np.sum(n**2 * sizes), rtol=STALE_READ)
        means.append(values.mean())
    assert power_of_stages(means, 1) == pytest.approx(power, abs=0.03)
    assert power_of_stages(means, 3) == pytest.approx(from_8, abs=0.03)


@pytest.mark.parametrize(
    ("fixed", "power", "from_8"), [("blocks", 2.10, 2.04), ("whole", 1.10, 1.04)]
)
def test_noise(tmp_path: Path, fixed: str, power: float, from_8: float) -> None:
    means = []
    for stages in ALL_STAGES:
        values = steady(train(tmp_path, stages, fixed, 0.0, "--gradient-noise", SIGMA))
        n, sizes = updates_between(stages), block_sizes(stages, fixed)
        expected = RATE**2 * SIGMA**2 * np.sum(n * sizes)
        assert values.mean() == pytest.approx(expected, rel=0.1)
        means.append(values.mean())
    assert power_of_stages(means, 1) == pytest.approx(power, abs=0.03)
    assert power_of_stages(means, 3) == pytest.approx(from_8, abs=0.03)
