"""The update rules in numpy, from their published formulas. A rule belongs to one block and keeps
what it needs from update to update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


class UpdateRule(Protocol):
    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        """The next version of the weights."""


MakeRule = Callable[[], UpdateRule]


@dataclass
class Sgd:
    """w <- w - rate (g + decay w)."""

    weight_decay: float = 0.0

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        return weights - rate * (gradient + self.weight_decay * weights)


@dataclass
class Momentum:
    """v <- mu v + g + decay w; w <- w - rate v. `velocities[k]` is v after k updates."""

    momentum: float = 0.9
    weight_decay: float = 0.0
    velocities: list[np.ndarray | float] = field(default_factory=lambda: [0.0])

    def step(self, weights: np.ndarray, gradient: np.ndarray, rate: float) -> np.ndarray:
        moved = gradient + self.weight_decay * weights
        self.velocities.append(self.momentum * self.velocities[-1] + moved)
        return weights - rate * self.velocities[-1]


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
