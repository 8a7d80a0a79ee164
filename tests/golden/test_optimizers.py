"""The update rules, under sgd and under delays, against numpy; NAdam against PyTorch too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agreement import same_training
from planned import planned_steps
from problems import BATCH, Problem
from retrain import Arithmetic, retrain
from traces import run
from update_rules import Adamw, Clipped, MakeRule, Momentum, Nadam, Sgd

STAGES, ACCUMULATE = 3, 2


def check(
    folder: Path,
    problem: Problem,
    method: str,
    rate: float,
    rule: MakeRule,
    *options: object,
    share: Callable[[int], float] = lambda update: 1.0,
) -> None:
    """`share`: of the largest rate, by update."""
    trace = run(
        folder, "--method", method, "--stages", STAGES, *problem.options,
        "--microbatch-size", BATCH, "--microbatches", 48, "--accumulate", ACCUMULATE,
        "--learning-rate", rate, *options, "--trace-events",
    )  # fmt: skip
    computed = Arithmetic(lambda step: rate * share(step.version_applied), ACCUMULATE, rule)
    same_training(trace, retrain(problem.model(STAGES), planned_steps(trace), BATCH, computed))


@pytest.mark.parametrize("method", ["sgd", "1f1b-flush", "paci"])
@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
def test_momentum(tmp_path: Path, problems: dict[str, Problem], method: str, name: str) -> None:
    problem = problems[name]
    check(
        tmp_path, problem, method, problem.learning_rate / 4, lambda: Momentum(0.8, 0.1),
        "--optimizer", "momentum", "--momentum", 0.8, "--weight-decay", 0.1,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["sgd", "1f1b-flush", "paci"])
@pytest.mark.parametrize("name", ["quadratic", "logistic", "mlp"])
def test_nadam(tmp_path: Path, problems: dict[str, Problem], method: str, name: str) -> None:
    check(
        tmp_path, problems[name], method, 0.02, lambda: Nadam(0.85, 0.99, 1e-3, 0.1),
        "--optimizer", "nadam", "--beta1", 0.85, "--beta2", 0.99, "--epsilon", 1e-3,
        "--weight-decay", 0.1,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["sgd", "paci"])
@pytest.mark.parametrize("name", ["logistic", "mlp"])
def test_nesterov_momentum_and_adamw(
    tmp_path: Path, problems: dict[str, Problem], method: str, name: str
) -> None:
    problem = problems[name]
    check(
        tmp_path / "nesterov", problem, method, problem.learning_rate / 4,
        lambda: Momentum(0.8, 0.1, nesterov=True),
        "--optimizer", "nesterov-momentum", "--momentum", 0.8, "--weight-decay", 0.1,
    )  # fmt: skip
    check(
        tmp_path / "adamw", problem, method, 0.02, lambda: Adamw(0.85, 0.99, 1e-3, 0.1),
        "--optimizer", "adamw", "--beta1", 0.85, "--beta2", 0.99, "--epsilon", 1e-3,
        "--weight-decay", 0.1,
    )  # fmt: skip


@pytest.mark.parametrize("decay", ["constant", "linear", "cosine"])
def test_the_rate_climbs_and_falls(
    tmp_path: Path, problems: dict[str, Problem], decay: str
) -> None:
    """24 updates, 5 of them to warm up."""

    def share(update: int) -> float:
        if update < 5:
            return (update + 1) / 5
        done = (update - 5) / 19
        falls = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + np.cos(np.pi * done)) / 2}
        return float(falls[decay])

    check(
        tmp_path, problems["mlp"], "paci", 0.1, Momentum, "--optimizer", "momentum",
        "--warmup", 5, "--decay", decay, share=share,
    )  # fmt: skip


def test_clipping_by_the_norm_of_the_stage(tmp_path: Path, problems: dict[str, Problem]) -> None:
    problem = problems["mlp"]
    check(
        tmp_path, problem, "1f1b-flush", problem.learning_rate,
        lambda: Clipped(Momentum(), 0.2), "--optimizer", "momentum", "--clip", 0.2,
    )  # fmt: skip


def test_defaults(tmp_path: Path, problems: dict[str, Problem]) -> None:
    """Momentum 0.9; NAdam 0.9, 0.999, 1e-8; no weight decay."""
    for name, rule in [("momentum", Momentum), ("nadam", Nadam)]:
        folder = tmp_path / name
        check(folder, problems["logistic"], "sgd", 0.02, rule, "--optimizer", name)


def test_weight_decay_of_plain_sgd(tmp_path: Path, problems: dict[str, Problem]) -> None:
    check(
        tmp_path, problems["logistic"], "sgd", 0.05, lambda: Sgd(0.2), "--weight-decay", 0.2
    )  # fmt: skip


@pytest.fixture
def torch() -> Iterator[Any]:
    module = pytest.importorskip("torch", reason="PyTorch is not installed")
    before = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(before)


class TorchNadam:
    """torch.optim.NAdam on one block; `foreach`, because its loop over tensors counts one mu twice
    before version 2.0 (mended in its pull request 92699)."""

    def __init__(self, torch: Any, beta1: float) -> None:
        self.torch, self.beta1 = torch, beta1
        self.weights: Any = None

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        if self.weights is None:
            self.weights = self.torch.tensor(weights, requires_grad=True)
            self.rule = self.torch.optim.NAdam(
                [self.weights], rate, (self.beta1, 0.999), foreach=True
            )
        self.weights.grad = self.torch.tensor(gradient)
        self.rule.step()
        return self.weights.detach().numpy().copy()


def test_nadam_is_that_of_pytorch(tmp_path: Path, problems: dict[str, Problem], torch: Any) -> None:
    check(
        tmp_path, problems["mlp"], "sgd", 0.02, lambda: TorchNadam(torch, 0.95),
        "--optimizer", "nadam", "--beta1", 0.95,
    )  # fmt: skip
