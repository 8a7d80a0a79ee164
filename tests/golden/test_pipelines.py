"""Several pipelines that are averaged, against numpy (methods.md §5, last point)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agreement import DOUBLE, same_stale_reads, same_training
from bent_weights import annealed, corrected, predicted
from philox import GRADIENT_NOISE, normals
from planned import planned_steps
from problems import BATCH, Problem
from quartic_analysis import Run
from reference import Model, rows_of
from retrain import Arithmetic, Average, retrain
from stale_read import sampled_by
from traces import run
from update_rules import Momentum, Nadam


def train(
    folder: Path, problem: Problem, pipelines: int, every: int, microbatches: int, *options: object
) -> Run:
    return run(
        folder, "--pipelines", pipelines, "--synchronize-every", every, *problem.options,
        "--microbatch-size", BATCH, "--microbatches", microbatches,
        "--learning-rate", problem.learning_rate, *options, "--trace-events",
    )  # fmt: skip


def classical_local_sgd(
    model: Model, workers: int, local_steps: int, steps: int, rate: float, noise: float = 0
) -> tuple[np.ndarray, float]:
    """Losses [workers, steps], and f at the mean of the workers' models. Worker p's j-th microbatch
    is the data's (j workers + p)-th, which draws its own noise; a partial last round is not
    averaged."""
    (block,) = model.blocks
    weights = np.tile(block.initial_weights(), (workers, 1))
    losses = np.empty((workers, steps))
    for j in range(steps):
        for p in range(workers):
            rows = rows_of(model, BATCH, j * workers + p)
            losses[p, j], kept = block.forward(rows, weights[p], 0.0)
            gradient = block.backward(rows, weights[p], kept, None)[1]
            drawn = normals(0, GRADIENT_NOISE, 0, gradient.size, j * workers + p)
            weights[p] -= rate * (gradient + noise * drawn)
        if (j + 1) % local_steps == 0:
            weights[:] = weights.mean(axis=0)
    return losses, model.value([weights.mean(axis=0)])


@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
def test_sgd_of_one_stage_is_classical_local_sgd(
    tmp_path: Path, problems: dict[str, Problem], name: str
) -> None:
    problem = problems[name]
    trace = train(tmp_path, problem, 3, 4, 22, "--method", "sgd", "--stages", 1)
    losses, value = classical_local_sgd(problem.model(1), 3, 4, 22, problem.learning_rate)
    found = trace.loss.pivot(index="pipeline", columns="microbatch", values="loss")
    np.testing.assert_allclose(found, losses, rtol=DOUBLE)
    assert trace.objective["value"].iloc[-1] == pytest.approx(value, rel=DOUBLE)


def test_every_pipeline_draws_its_own_gradient_noise(
    tmp_path: Path, problems: dict[str, Problem]
) -> None:
    problem = problems["quadratic"]
    options = ("--method", "sgd", "--stages", 1, "--gradient-noise", 0.3)
    trace = train(tmp_path, problem, 3, 4, 22, *options)
    losses, value = classical_local_sgd(problem.model(1), 3, 4, 22, problem.learning_rate, 0.3)
    found = trace.loss.pivot(index="pipeline", columns="microbatch", values="loss")
    np.testing.assert_allclose(found, losses, rtol=DOUBLE)
    assert trace.objective["value"].iloc[-1] == pytest.approx(value, rel=DOUBLE)


@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
def test_replicas_of_all_pipelines_are_workers_of_one_local_sgd(
    tmp_path: Path, problems: dict[str, Problem], name: str
) -> None:
    """Averages over pipelines that fall on the ends of rounds: replica r of pipeline p is worker
    r P + p, and a round ends equal everywhere."""
    problem, replicas, pipelines, steps = problems[name], 2, 3, 10
    trace = train(
        tmp_path, problem, pipelines, 4, steps * replicas, "--method", "local-sgd",
        "--replicas", replicas, "--local-steps", 4, "--stages", 1,
    )  # fmt: skip
    losses, value = classical_local_sgd(
        problem.model(1), replicas * pipelines, 4, steps, problem.learning_rate
    )
    for (pipeline, replica), rows in trace.loss.groupby(["pipeline", "replica"]):
        worker = replica * pipelines + pipeline
        np.testing.assert_allclose(rows["loss"], losses[worker], rtol=DOUBLE)
    assert trace.objective["value"].iloc[-1] == pytest.approx(value, rel=DOUBLE)


def check(
    folder: Path, problem: Problem, computed: Arithmetic, shape: tuple[int, int], *options: object
) -> None:
    """`shape`: stages and pipelines. 23 updates leave a partial round at the end."""
    stages, pipelines = shape
    assert computed.over_pipelines is not None
    trace = train(
        folder, problem, pipelines, computed.over_pipelines.every, 23 * computed.accumulate,
        "--stages", stages, "--accumulate", computed.accumulate, "--trace-stale-read", 2, *options,
    )  # fmt: skip
    assert set(trace.steps["pipeline"]) == set(range(pipelines))
    steps = planned_steps(trace)
    training = retrain(problem.model(stages), steps, BATCH, computed)
    same_training(trace, training)
    same_stale_reads(trace, sampled_by(training, steps, computed, 2))


def averaged(problem: Problem, accumulate: int, average: Average, **others: object) -> Arithmetic:
    plain = Arithmetic(lambda step: problem.learning_rate, accumulate, over_pipelines=average)
    return replace(plain, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
def test_pipedream_in_two_pipelines(
    tmp_path: Path, problems: dict[str, Problem], name: str
) -> None:
    problem = problems[name]
    check(tmp_path, problem, averaged(problem, 1, Average(3)), (3, 2), "--method", "pipedream")


@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
@pytest.mark.parametrize(("method", "accumulate"), [("sgd", 1), ("pipedream", 1), ("paci", 2)])
@pytest.mark.parametrize(("rate", "momentum"), [(0.7, 0.9), (1.0, 0.5), (0.6, 0.0)])
def test_the_outer_nesterov_step(
    tmp_path: Path,
    problems: dict[str, Problem],
    name: str,
    method: str,
    accumulate: int,
    rate: float,
    momentum: float,
) -> None:
    problem = problems[name]
    arithmetic = averaged(problem, accumulate, Average(3, rate, momentum))
    options = ("--method", method, "--outer-rate", rate, "--outer-momentum", momentum)
    check(tmp_path, problem, arithmetic, (3, 2), *options)


def test_diloco(tmp_path: Path, problems: dict[str, Problem]) -> None:
    """An inner optimizer with a memory of its own, which is not averaged."""
    problem = problems["mlp"]
    arithmetic = averaged(problem, 2, Average(4, 0.7, 0.9), rule=Nadam, rate=lambda step: 0.01)
    check(
        tmp_path, replace(problem, learning_rate=0.01), arithmetic, (2, 3), "--method", "sgd",
        "--optimizer", "nadam", "--outer-rate", 0.7, "--outer-momentum", 0.9,
    )  # fmt: skip


def test_pipemare_corrects_averages_by_their_own_updates(
    tmp_path: Path, problems: dict[str, Problem]
) -> None:
    """An average is no update: the mean update is that of the pipeline's own steps (ours)."""
    problem = problems["mlp"]
    rates = annealed(problem.learning_rate, 3, 1, 0, 6)
    arithmetic = averaged(problem, 1, Average(3), backward=corrected(0.1, 3, 1), rate=rates)
    check(tmp_path, problem, arithmetic, (3, 2), "--method", "pipemare", "--annealing", 6 / 23)


def test_spectrain_predicts_from_the_average(tmp_path: Path, problems: dict[str, Problem]) -> None:
    problem = problems["mlp"]
    rate = problem.learning_rate
    arithmetic = averaged(problem, 1, Average(3), forward=predicted(rate), rule=Momentum)
    check(tmp_path, problem, arithmetic, (3, 2), "--method", "spectrain")
