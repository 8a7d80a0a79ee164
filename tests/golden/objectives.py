"""The objectives in numpy, double precision, as a chain of stages.

A model is a list of blocks, one a stage. A block's pass of one microbatch is
  forward(rows, weights, message)             -> (message to the next stage, what to keep)
  backward(rows, weights, kept, message)      -> (message to the stage before, gradient)
with flat weights. The last block's forward message is the mean loss of the rows, and its backward
ignores its message. `rows` is a slice of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import erf, expit, log_softmax

import philox


def even_parts(count: int, parts: int) -> list[slice]:
    """`count` things in contiguous parts whose sizes differ by at most one, the longer first."""
    size, longer = divmod(count, parts)
    ends = np.cumsum([size + (part < longer) for part in range(parts)])
    return [slice(int(end - size - (part < longer)), int(end)) for part, end in enumerate(ends)]


class Block(Protocol):
    def initial_weights(self) -> np.ndarray: ...

    def decays(self) -> np.ndarray:
        """1 where weight decay is for that element, 0 where not: biases."""

    def forward(self, rows: slice, weights: np.ndarray, message: Any) -> tuple[Any, Any]: ...

    def backward(
        self, rows: slice, weights: np.ndarray, kept: Any, message: Any
    ) -> tuple[Any, np.ndarray]: ...


@dataclass(frozen=True)
class Loss:
    """A loss of the linear predictions z [rows] and its derivative by z, both a row."""

    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray, np.ndarray], np.ndarray]


LOSSES = {
    "quadratic": Loss(lambda z, y: (z - y) ** 2 / 2, lambda z, y: z - y),
    "logistic": Loss(lambda z, y: np.logaddexp(0, z) - y * z, lambda z, y: expit(z) - y),
}


@dataclass(frozen=True)
class LinearBlock:
    """One coordinate slice of a linear objective. Forward message: the running sum of X_i w_i;
    backward message: the derivative of the mean loss by the predictions (experiments.md §1)."""

    x: np.ndarray
    y: np.ndarray
    loss: Loss
    l2: float
    is_last: bool

    def initial_weights(self) -> np.ndarray:
        return np.zeros(self.x.shape[1])

    def decays(self) -> np.ndarray:
        return np.ones(self.x.shape[1])

    def forward(self, rows: slice, weights: np.ndarray, message: Any) -> tuple[Any, Any]:
        z = message + self.x[rows] @ weights
        if not self.is_last:
            return z, None
        y = self.y[rows]
        return np.mean(self.loss.value(z, y)), self.loss.derivative(z, y) / len(y)

    def backward(
        self, rows: slice, weights: np.ndarray, kept: Any, message: Any
    ) -> tuple[Any, np.ndarray]:
        residual = kept if self.is_last else message
        return residual, self.x[rows].T @ residual + self.l2 * weights


@dataclass(frozen=True)
class LinearModel:
    """f(w) = mean loss(Xw, y) + (l2/2) |w|^2, cut into coordinate slices; starts at w = 0."""

    objective: str
    x: np.ndarray
    y: np.ndarray
    stages: int
    l2: float = 0.0

    @property
    def blocks(self) -> list[Block]:
        return [
            LinearBlock(
                self.x[:, part], self.y, LOSSES[self.objective], self.l2, stage == self.stages - 1
            )
            for stage, part in enumerate(even_parts(self.x.shape[1], self.stages))
        ]

    def value(self, weights: list[np.ndarray]) -> float:
        """f at the blocks' weights, on the whole data."""
        w = np.concatenate(weights)
        return float(
            np.mean(LOSSES[self.objective].value(self.x @ w, self.y)) + self.l2 / 2 * (w @ w)
        )


@dataclass(frozen=True)
class Activation:
    """A function of x and its derivative."""

    value: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    return (1 + erf(x / np.sqrt(2))) / 2


ACTIVATIONS = {
    "relu": Activation(lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(np.float64)),
    "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "gelu": Activation(
        lambda x: x * _normal_cdf(x),
        lambda x: _normal_cdf(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    ),
}


@dataclass(frozen=True)
class DenseUnit:
    """y = activation(x W^T + b); W [outputs, inputs] then b [outputs] in the flat weights. `number`
    is that of W among the parameters of the whole model."""

    inputs: int
    outputs: int
    number: int
    activation: Activation | None

    @property
    def size(self) -> int:
        return (self.inputs + 1) * self.outputs

    def initial_weights(self, seed: int) -> np.ndarray:
        """Weight and bias uniform in +-1/sqrt(inputs) (the rule of PyTorch's Linear), each from
        the stream of its number."""
        sizes = (self.inputs * self.outputs, self.outputs)
        drawn = [
            philox.uniforms(seed, philox.INITIAL_WEIGHTS, self.number + place, size)
            for place, size in enumerate(sizes)
        ]
        return (2 * np.concatenate(drawn) - 1) / np.sqrt(self.inputs)

    def matrix(self, weights: np.ndarray) -> np.ndarray:
        return weights[: -self.outputs].reshape(self.outputs, self.inputs)

    def forward(self, weights: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, Any]:
        before = x @ self.matrix(weights).T + weights[-self.outputs :]
        return self.activation.value(before) if self.activation else before, (x, before)

    def backward(
        self, weights: np.ndarray, kept: Any, dy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        x, before = kept
        if self.activation:
            dy = dy * self.activation.derivative(before)
        gradient = np.concatenate([(dy.T @ x).reshape(-1), dy.sum(axis=0)])
        return dy @ self.matrix(weights), gradient


@dataclass(frozen=True)
class DenseBlock:
    """Consecutive dense units; the first block reads the images, the last ends in the mean softmax
    cross-entropy of the labels."""

    units: list[DenseUnit]
    images: np.ndarray
    labels: np.ndarray
    seed: int
    is_first: bool
    is_last: bool

    def initial_weights(self) -> np.ndarray:
        return np.concatenate([unit.initial_weights(self.seed) for unit in self.units])

    def decays(self) -> np.ndarray:
        sizes = [(unit.inputs * unit.outputs, unit.outputs) for unit in self.units]
        return np.concatenate([np.repeat([1.0, 0.0], size) for size in sizes])

    def split(self, weights: np.ndarray) -> list[np.ndarray]:
        return np.split(weights, np.cumsum([unit.size for unit in self.units])[:-1])

    def forward(self, rows: slice, weights: np.ndarray, message: Any) -> tuple[Any, Any]:
        x = self.images[rows] if self.is_first else message
        kept = []
        for unit, own in zip(self.units, self.split(weights)):
            x, keep = unit.forward(own, x)
            kept.append(keep)
        if not self.is_last:
            return x, kept
        log_probability = log_softmax(x, axis=1)
        of_labels = (np.arange(len(x)), self.labels[rows])
        dx = np.exp(log_probability)
        dx[of_labels] -= 1
        return -np.mean(log_probability[of_labels]), (kept, dx / len(x))

    def backward(
        self, rows: slice, weights: np.ndarray, kept: Any, message: Any
    ) -> tuple[Any, np.ndarray]:
        if self.is_last:
            kept, message = kept
        gradients = []
        own = self.split(weights)
        for unit, w, keep in zip(self.units[::-1], own[::-1], kept[::-1]):
            message, gradient = unit.backward(w, keep, message)
            gradients.append(gradient)
        return message, np.concatenate(gradients[::-1])


@dataclass(frozen=True)
class MlpModel:
    """Dense units of widths features, hidden…, classes, cut evenly into stages (longer first)."""

    images: np.ndarray
    labels: np.ndarray
    hidden: tuple[int, ...]
    classes: int
    activation: str
    stages: int
    seed: int = 0

    @property
    def blocks(self) -> list[Block]:
        widths = [self.images.shape[1], *self.hidden, self.classes]
        last = len(widths) - 2
        units = [
            DenseUnit(
                widths[u],
                widths[u + 1],
                2 * u,
                ACTIVATIONS[self.activation] if u < last else None,
            )
            for u in range(last + 1)
        ]
        return [
            DenseBlock(
                units[part],
                self.images,
                self.labels,
                self.seed,
                stage == 0,
                stage == self.stages - 1,
            )
            for stage, part in enumerate(even_parts(len(units), self.stages))
        ]

    def value(self, weights: list[np.ndarray]) -> float:
        """Mean loss on the whole data."""
        message: Any = None
        for block, own in zip(self.blocks, weights):
            message, _ = block.forward(slice(None), own, message)
        return float(message)
