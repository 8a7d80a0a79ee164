"""The update rules in numpy, from their published formulas. A rule belongs to one block and keeps
what it needs from update to update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from objectives import Block


class UpdateRule(Protocol):
    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        """The next version of the weights."""


MakeRule = Callable[[], UpdateRule]


def for_block(rule: UpdateRule, block: Block) -> UpdateRule:
    """The rule with its weight decay only where the block has any."""
    if hasattr(rule, "weight_decay"):
        rule.weight_decay = rule.weight_decay * block.decays()
    return rule


@dataclass
class Sgd:
    """w <- w - rate (g + decay w)."""

    weight_decay: float = 0.0

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        return weights - rate * (gradient + self.weight_decay * weights)


@dataclass
class Momentum:
    """v <- mu v + g + decay w; w <- w - rate v, or with Nesterov's look-ahead w - rate (g + decay w +
    mu v). `velocities[k]` is v after k updates."""

    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False
    velocities: list[np.ndarray | float] = field(default_factory=lambda: [0.0])

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        moved = gradient + self.weight_decay * weights
        velocity = self.momentum * self.velocities[-1] + moved
        self.velocities.append(velocity)
        return weights - rate * (moved + self.momentum * velocity if self.nesterov else velocity)


@dataclass
class Clipped:
    """A rule whose gradient is shortened to a norm first."""

    rule: UpdateRule
    norm: float

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        factor = min(1.0, self.norm / np.linalg.norm(gradient))
        return self.rule.step(weights, factor * gradient, rate)


@dataclass
class Adamw:
    """AdamW (Loshchilov and Hutter 2019): weight decay apart from the gradient."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    first: np.ndarray | float = 0.0
    second: np.ndarray | float = 0.0
    steps: int = 0
    velocities: list[np.ndarray | float] = field(default_factory=lambda: [0.0])
    """m/(sqrt(v) + epsilon), both corrected for their start, after each number of updates."""

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        self.steps += 1
        self.first = self.beta1 * self.first + (1 - self.beta1) * gradient
        self.second = self.beta2 * self.second + (1 - self.beta2) * gradient**2
        along = self.first / (1 - self.beta1**self.steps)
        size = np.sqrt(self.second / (1 - self.beta2**self.steps)) + self.epsilon
        self.velocities.append(along / size)
        return (1 - rate * self.weight_decay) * weights - rate * along / size


@dataclass
class Nadam:
    """NAdam (Dozat 2016) as PyTorch documents it, weight decay apart from the gradient:
    mu_t = beta1 (1 - 0.96^(0.004 t) / 2), and the step is along
    mu_{t+1} m / (1 - mu_1 … mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 … mu_t)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    first: np.ndarray | float = 0.0
    second: np.ndarray | float = 0.0
    steps: int = 0

    def schedule(self) -> np.ndarray:
        """mu_1 … mu_{t+1}."""
        t = np.arange(1, self.steps + 2)
        return self.beta1 * (1 - 0.5 * 0.96 ** (0.004 * t))

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        self.steps += 1
        self.first = self.beta1 * self.first + (1 - self.beta1) * gradient
        self.second = self.beta2 * self.second + (1 - self.beta2) * gradient**2
        mu = self.schedule()
        along = mu[-1] * self.first / (1 - np.prod(mu))
        along = along + (1 - mu[-2]) * gradient / (1 - np.prod(mu[:-1]))
        size = np.sqrt(self.second / (1 - self.beta2**self.steps)) + self.epsilon
        return (1 - rate * self.weight_decay) * weights - rate * along / size
