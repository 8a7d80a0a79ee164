"""The published digits of experiments.md §3, from the executable. The problems are `reference`'s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quartic_analysis import Run, recipes, theory
from randomized import Draws
from reference import E1, E2, Experiment
from traces import run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the problems, by recipe."""
    folder = tmp_path_factory.mktemp("published")
    paths = {experiment.recipe: folder / f"{experiment.recipe}.h5" for experiment in (E1, E2)}
    for experiment in (E1, E2):
        rows, features = experiment.rows, experiment.features
        recipes.write(paths[experiment.recipe], experiment.recipe, rows, features)
    return paths


def train(
    folder: Path, data: dict[str, Path], experiment: Experiment, method: str, *options: object
) -> Run:
    return run(
        folder, "--method", method, "--stages", experiment.stages, "--objective", "quadratic",
        "--data", data[experiment.recipe], "--microbatch-size", experiment.batch, *options,
    )  # fmt: skip


def pipedream(folder: Path, data: dict[str, Path], experiment: Experiment) -> Run:
    return train(
        folder, data, experiment, "pipedream", "--epochs", experiment.epochs,
        "--learning-rate", experiment.learning_rate,
    )  # fmt: skip


def test_e1_by_pipedream(tmp_path: Path, data: dict[str, Path]) -> None:
    trace = pipedream(tmp_path, data, E1)
    assert f"{trace.objective['value'].iloc[-1]:.2e}" == "2.38e-07"
    assert trace.objective["block_updates"].iloc[-1] == 3200


def published_draws(delta: int) -> Draws:
    """K = S N iterations, by iteration: the stage, the microbatch, the delays."""
    rng = np.random.default_rng(0)
    stages, microbatches, an_epoch = E1.stages, E1.microbatches, E1.rows // E1.batch
    draws = [
        (
            rng.integers(0, stages),
            rng.integers(0, microbatches) % an_epoch,
            rng.integers(0, min(delta, k) + 1, size=stages),
        )
        for k in range(stages * microbatches)
    ]
    return Draws(*map(np.array, zip(*draws)))


@pytest.mark.parametrize(
    ("delta", "learning_rate", "digits", "published"),
    [
        (8, 2**-3, 6, "1.199891e-11"),
        (60, 2**-3, 6, "7.466453e-08"),
        (60, 2**-4, 3, "2.303e-06"),
    ],
)
def test_e1_by_rpd(
    tmp_path: Path,
    data: dict[str, Path],
    delta: int,
    learning_rate: float,
    digits: int,
    published: str,
) -> None:
    path = published_draws(delta).write(tmp_path / "draws.h5")
    trace = train(
        tmp_path, data, E1, "rpd", "--delays", f"replay:{path}", "--microbatches", 3200,
        "--learning-rate", learning_rate, "--evaluate-updates", 3200,
    )  # fmt: skip
    assert f"{trace.objective['value'].iloc[-1]:.{digits}e}" == published
    assert trace.objective["block_updates"].iloc[-1] == 3200


def test_e2_by_pipedream(tmp_path: Path, data: dict[str, Path]) -> None:
    trace = pipedream(tmp_path, data, E2)
    value = trace.objective.set_index("plan_time")["value"]
    assert f"{value[0]:.2f}" == "471.16"
    assert f"{value[1229]:.6f}" == "2.731247"
    assert f"{value[1230]:.7f}" == "2.7315207"
    assert value.index[-1] == 1230
    assert trace.steady()["delay_own"].max() == theory.largest_delay(16) == 248


@pytest.mark.parametrize(
    ("local_steps", "published", "makespan"), [(2, "19.51762", 1770), (5, "22.50372", 1440)]
)
def test_e2_by_local_sgd(
    tmp_path: Path, data: dict[str, Path], local_steps: int, published: str, makespan: int
) -> None:
    """f at the mean model when PipeDream's timeline is about to end."""
    trace = train(
        tmp_path, data, E2, "local-sgd", "--local-steps", local_steps, "--epochs", E2.epochs,
        "--learning-rate", 2**-5,
    )  # fmt: skip
    value = trace.objective.set_index("plan_time")["value"]
    assert f"{value[0]:.2f}" == "471.16"
    assert f"{value[1229]:.5f}" == published
    assert value.index[-1] == makespan
