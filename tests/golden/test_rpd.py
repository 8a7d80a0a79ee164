"""Randomized PipeDream: its arithmetic against numpy, and that it is PipeDream when it replays
PipeDream's own stages, microbatches and delays (methods.md §4)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import philox
import randomized
from agreement import DOUBLE, STALE_READ, same_stale_reads
from problems import BATCH, ROWS, Problem
from quartic_analysis import Run
from stale_read import StaleReads
from traces import of_stages, run

ITERATIONS = 72


def train(folder: Path, problem: Problem, stages: int, *options: object) -> Run:
    return run(
        folder, *problem.options, "--stages", stages, "--microbatch-size", BATCH,
        "--learning-rate", problem.learning_rate, *options, "--evaluate-updates", 1,
        "--trace-stale-read", 1,
    )  # fmt: skip


def by_iteration(table: pd.DataFrame, column: str) -> np.ndarray:
    """Iteration k is microbatch k; only the sampled stage has a step of it."""
    return table.sort_values("microbatch")[column].to_numpy()


def drawn_by_numpy(stages: int, most: int) -> randomized.Draws:
    rng = np.random.default_rng(7)
    k = np.arange(ITERATIONS)[:, None]
    return randomized.Draws(
        rng.integers(0, stages, ITERATIONS),
        rng.integers(0, 100, ITERATIONS),
        rng.integers(0, np.minimum(k, most) + 1, (ITERATIONS, stages)),
    )


def drawn_by_quartic(stages: int, most: int, seed: int, fixed: bool = False) -> randomized.Draws:
    """Stage, microbatch of the data and each delay from the named streams of iteration k."""

    def draw(n: int, name: int, index: int, k: int) -> int:
        return philox.below(n, seed, name, index, k)

    ks = range(ITERATIONS)
    delays = [
        [min(most, k) if fixed else draw(min(most, k) + 1, philox.DELAYS, i, k)
         for i in range(stages)]
        for k in ks
    ]  # fmt: skip
    return randomized.Draws(
        np.array([draw(stages, philox.SAMPLING, 0, k) for k in ks]),
        np.array([draw(ROWS // BATCH, philox.SAMPLING, 1, k) for k in ks]),
        np.array(delays),
    )


def same_iterations(trace: Run, draws: randomized.Draws, expected: randomized.Iterations) -> None:
    own = draws.delays[np.arange(len(draws.stage)), draws.stage]
    np.testing.assert_array_equal(by_iteration(trace.steps, "stage"), draws.stage)
    np.testing.assert_array_equal(by_iteration(trace.steps, "delay_own"), own)
    oldest = draws.delays.max(axis=1)
    np.testing.assert_array_equal(by_iteration(trace.steps, "delay_oldest"), oldest)
    for found, values in [
        (by_iteration(trace.loss, "loss"), expected.losses),
        (by_iteration(trace.steps, "gradient_sq"), expected.gradient_sq),
        (trace.objective["value"], expected.objective),
    ]:
        np.testing.assert_allclose(found, values, rtol=DOUBLE)
    iterations = np.arange(len(draws.stage))
    begins = by_iteration(trace.steps, "plan_backward")
    same_stale_reads(trace, StaleReads(iterations, begins, expected.stale_reads))


NAMES = ("quadratic", "logistic", "mlp")


@pytest.mark.parametrize("stages", [1, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_replayed_draws(
    tmp_path: Path, problems: dict[str, Problem], name: str, stages: int
) -> None:
    """Delays beyond floor(S^2 - S/2), and microbatches beyond the first pass over the data."""
    problem, draws = problems[name], drawn_by_numpy(stages, most=30)
    path = draws.write(tmp_path / "draws.h5")
    expected = randomized.train(problem.model(stages), draws, BATCH, problem.learning_rate)
    trace = train(
        tmp_path, problem, stages, "--method", "rpd", "--delays", f"replay:{path}",
        "--microbatches", ITERATIONS,
    )  # fmt: skip
    same_iterations(trace, draws, expected)


@pytest.mark.parametrize(
    ("options", "stages", "most", "fixed"),
    [
        ((), 1, 0, False),
        ((), 3, 7, False),
        ((), 5, 22, False),
        (("--delta", 9), 5, 9, False),
        (("--delays", "fixed:4"), 3, 4, True),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_own_draws(
    tmp_path: Path,
    problems: dict[str, Problem],
    name: str,
    options: tuple[object, ...],
    stages: int,
    most: int,
    fixed: bool,
) -> None:
    """Uniform up to min(delta, k), by default delta = floor(S^2 - S/2); or all min(D, k)."""
    problem, seed = problems[name], 5
    draws = drawn_by_quartic(stages, most, seed, fixed)
    expected = randomized.train(problem.model(stages), draws, BATCH, problem.learning_rate)
    trace = train(
        tmp_path, problem, stages, *(() if "--seed" in problem.options else ("--seed", seed)),
        "--method", "rpd", "--microbatches", ITERATIONS, *options,
    )  # fmt: skip
    same_iterations(trace, draws, expected)


EXACT = 1e-13
"""Relative, for two runs that do the same arithmetic."""


@pytest.mark.parametrize("name", ["quadratic", "logistic"])
@pytest.mark.parametrize("cost", ["slot", "real"])
@pytest.mark.parametrize("stages", [4, 8])
def test_replaying_pipedream_is_pipedream(
    tmp_path: Path, problems: dict[str, Problem], stages: int, cost: str, name: str
) -> None:
    """f after every block update, every block gradient, every loss, and the delays: PipeDream's are
    those that its plan times mean."""
    problem = problems[name]
    pipedream = train(
        tmp_path / "pipedream", problem, stages, "--method", "pipedream", "--microbatches", 48,
        "--cost", cost,
    )  # fmt: skip
    draws = randomized.as_iterations(
        of_stages(pipedream.steps, "plan_forward"), of_stages(pipedream.steps, "plan_backward")
    )
    path = draws.write(tmp_path / "draws.h5")
    rpd = train(
        tmp_path / "rpd", problem, stages, "--method", "rpd", "--delays", f"replay:{path}",
        "--microbatches", 48 * stages,
    )  # fmt: skip
    at = draws.stage, draws.microbatch
    for column in ("version_forward", "version_applied", "delay_own", "delay_oldest"):
        expected = of_stages(pipedream.steps, column)[at]
        np.testing.assert_array_equal(by_iteration(rpd.steps, column), expected, err_msg=column)
    if cost == "slot":  # where what has started before, in the global order, has ended too
        at_stage_0 = rpd.stale_read["value"][draws.stage == 0]
        np.testing.assert_allclose(pipedream.stale_read["value"], at_stage_0, rtol=STALE_READ)
    for found, expected in [
        (by_iteration(rpd.steps, "gradient_sq"), of_stages(pipedream.steps, "gradient_sq")[at]),
        (by_iteration(rpd.loss, "loss"), by_iteration(pipedream.loss, "loss")[draws.microbatch]),
        (rpd.objective["value"], pipedream.objective["value"]),
    ]:
        np.testing.assert_allclose(found, expected, rtol=EXACT)
