"""The executable against the independent numpy reference.

One process hosts all stages. Double precision must agree to 1e-10 relative.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import reference
from data_files import write_idx, write_libsvm
from objectives import LinearModel, MlpModel
from quartic_analysis import Run, recipes
from traces import of_stages, run

DOUBLE = 1e-10
FLOAT = 2e-5


def same_schedule(run: Run, plan: list[reference.Action]) -> None:
    """Times, versions, staleness, delays and held copies are the reference's."""
    stages, microbatches = run.stages, run.microbatches
    counted = reference.delays(plan, stages, microbatches)
    begins = {kind: np.empty((stages, microbatches)) for kind in "FB"}
    for action in plan:
        begins[action.kind][action.stage, action.microbatch] = action.begin
    applied = np.tile(np.arange(microbatches), (stages, 1))
    expected = {
        "plan_forward": begins["F"],
        "plan_backward": begins["B"],
        "staleness": counted.staleness,
        "delay_own": counted.own,
        "delay_oldest": counted.oldest,
        "version_applied": applied,
        "version_forward": applied - counted.staleness,
        "version_backward": applied - counted.staleness,
        "drift": np.zeros_like(applied),
    }
    for column, values in expected.items():
        np.testing.assert_array_equal(of_stages(run.steps, column), values, err_msg=column)


def same_numbers(run: Run, training: reference.Training, tolerance: float) -> None:
    """The loss of every microbatch and the objective at every plan time."""
    losses = run.loss.sort_values("microbatch")["loss"]
    np.testing.assert_allclose(losses, training.losses, rtol=tolerance)
    times, values = run.objective["plan_time"], run.objective["value"]
    assert times.is_monotonic_increasing and times.iloc[0] == 0
    np.testing.assert_allclose(values, training.objectives(times), rtol=tolerance)


def same_gradients(run: Run, training: reference.Training, tolerance: float) -> None:
    np.testing.assert_allclose(
        of_stages(run.steps, "gradient_sq"), training.gradient_sq, rtol=tolerance
    )


@pytest.mark.parametrize("stages", [1, 3, 5, 8])
@pytest.mark.parametrize("recipe", ["quadratic", "tridiagonal"])
def test_pipedream_on_a_quadratic(tmp_path: Path, recipe: str, stages: int) -> None:
    """26 features make blocks of unequal size."""
    data, batch, epochs, step = tmp_path / "data.h5", 6, 5, 2.0**-6
    recipes.write(data, recipe, 60, 26)
    model = LinearModel("quadratic", *recipes.make(recipe, 60, 26), stages)
    plan = reference.pipeline_plan(stages, 50)
    training = reference.train(model, plan, batch, step)
    trace = run(
        tmp_path, "--method", "pipedream", "--stages", stages, "--objective", "quadratic",
        "--data", data, "--microbatch-size", batch, "--epochs", epochs, "--learning-rate", step,
    )  # fmt: skip
    same_schedule(trace, plan)
    same_numbers(trace, training, DOUBLE)
    same_gradients(trace, training, DOUBLE)
    assert trace.objective["plan_time"].iloc[-1] == reference.makespan(plan)
    assert trace.objective["block_updates"].iloc[-1] == 50 * stages


def test_copies_and_activations_in_the_steady_state(tmp_path: Path) -> None:
    stages = 5
    trace = run(
        tmp_path, "--stages", stages, "--rows", 40, "--features", 10, "--microbatch-size", 4,
        "--microbatches", 50, "--learning-rate", 0.01, "--data", "generate:quadratic",
    )  # fmt: skip
    for stage, rows in trace.steady().groupby("stage"):
        assert set(rows["weight_copies"]) == {stages - stage}
        assert set(rows["activations"]) == {stages - stage}


@pytest.mark.parametrize("file_format", ["hdf5", "libsvm"])
def test_pipedream_on_penalised_logistic_regression(tmp_path: Path, file_format: str) -> None:
    stages, batch, step, l2 = 4, 5, 2.0**-3, 0.03
    x, y = recipes.make("logistic", 40, 18)
    if file_format == "hdf5":
        data = tmp_path / "data.h5"
        recipes.write(data, "logistic", 40, 18)
    else:
        x = np.where(np.abs(x) > 1, x, 0.0)
        data = tmp_path / "data.txt"
        write_libsvm(data, x, y)
        assert np.any(x[:, -1] != 0), "a LIBSVM file has as many features as its largest index"
    model = LinearModel("logistic", x, y, stages, l2)
    plan = reference.pipeline_plan(stages, 24)
    training = reference.train(model, plan, batch, step)
    trace = run(
        tmp_path, "--method", "pipedream", "--stages", stages, "--objective", "logistic",
        "--data", data, "--microbatch-size", batch, "--epochs", 3, "--learning-rate", step,
        "--l2", l2,
    )  # fmt: skip
    same_schedule(trace, plan)
    same_numbers(trace, training, DOUBLE)
    same_gradients(trace, training, DOUBLE)


@pytest.mark.parametrize("method", ["sgd", "gpipe", "1f1b-flush"])
def test_flush_methods_are_serial_training(tmp_path: Path, method: str) -> None:
    """Several microbatches an update: losses, and the objective at the end."""
    stages, batch, accumulate, step = 3, 4, 5, 2.0**-4
    data = tmp_path / "data.h5"
    recipes.write(data, "logistic", 40, 18)
    model = LinearModel("logistic", *recipes.make("logistic", 40, 18), stages, 0.01)
    plan = reference.serial_plan(stages, 30)
    training = reference.train(model, plan, batch, step, accumulate)
    trace = run(
        tmp_path, "--method", method, "--stages", stages, "--objective", "logistic", "--data", data,
        "--microbatch-size", batch, "--epochs", 3, "--learning-rate", step, "--l2", 0.01,
        "--accumulate", accumulate,
    )  # fmt: skip
    losses = trace.loss.sort_values("microbatch")["loss"]
    np.testing.assert_allclose(losses, training.losses, rtol=DOUBLE)
    end = training.objective(reference.makespan(plan))
    assert trace.objective["value"].iloc[-1] == pytest.approx(end, rel=DOUBLE)


@pytest.fixture
def images(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """An IDX pair of 24 images with 6 x 5 pixels in 4 classes, and what it means."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, size=(24, 6, 5))
    labels = rng.integers(0, 4, size=24)
    labels[0] = 3
    path = write_idx(tmp_path, pixels, labels)
    return path, pixels.reshape(24, -1) / 255, labels


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize(("precision", "tolerance"), [("double", DOUBLE), ("float", FLOAT)])
def test_pipedream_on_an_mlp(
    tmp_path: Path,
    images: tuple[Path, np.ndarray, np.ndarray],
    activation: str,
    precision: str,
    tolerance: float,
) -> None:
    """First weights included: they come from the program's named streams. Four units on three
    stages make blocks of unequal length."""
    data, pixels, labels = images
    model = MlpModel(pixels, labels, (11, 9, 7), 4, activation, stages=3, seed=12345678901)
    plan = reference.pipeline_plan(3, 24)
    training = reference.train(model, plan, 4, 0.25)
    trace = run(
        tmp_path, "--method", "pipedream", "--stages", 3, "--objective", "mlp", "--data", data,
        "--hidden", "11,9,7", "--activation", activation, "--precision", precision,
        "--seed", 12345678901, "--microbatch-size", 4, "--epochs", 4, "--learning-rate", 0.25,
    )  # fmt: skip
    same_schedule(trace, plan)
    same_numbers(trace, training, tolerance)


def test_sgd_on_an_mlp_with_several_microbatches_an_update(
    tmp_path: Path, images: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    data, pixels, labels = images
    model = MlpModel(pixels, labels, (11,), 4, "relu", stages=2)
    plan = reference.serial_plan(2, 24)
    training = reference.train(model, plan, 4, 0.25, accumulate=3)
    trace = run(
        tmp_path, "--method", "sgd", "--stages", 2, "--objective", "mlp", "--data", data,
        "--hidden", 11, "--precision", "double", "--microbatch-size", 4, "--epochs", 4,
        "--learning-rate", 0.25, "--accumulate", 3,
    )  # fmt: skip
    same_numbers(trace, training, DOUBLE)
