"""Randomized PipeDream in numpy (methods.md §4): algorithm 1 of Ilin and Richtárik 2026, and which
run of it a pipelined run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from reference import Model, rows_of


@dataclass(frozen=True)
class Draws:
    """What the iterations k = 0, 1, … draw: the stage that is updated, the microbatch of the data,
    and how many block updates ago every block was read, [K, stages]."""

    stage: np.ndarray
    microbatch: np.ndarray
    delays: np.ndarray

    def write(self, path: Path) -> Path:
        """As --delays replay:FILE reads it."""
        with h5py.File(path, "w") as file:
            file["stage"] = self.stage
            file["microbatch"] = self.microbatch
            file["delays"] = self.delays
        return path


@dataclass
class Iterations:
    """The loss of every iteration, the squared norm of its block gradient, |w_k - z_k|^2, and f(w_k)
    for k = 0 … K."""

    losses: np.ndarray
    gradient_sq: np.ndarray
    stale_reads: np.ndarray
    objective: np.ndarray


def train(model: Model, draws: Draws, batch: int, learning_rate: float) -> Iterations:
    """Algorithm 1: a step on one block along its gradient at z_k, whose blocks are the iterates' as
    they were that many iterations ago."""
    blocks = model.blocks
    iterates = [[block.initial_weights() for block in blocks]]
    losses, gradient_sq, stale_reads = [], [], []
    for k, sampled in enumerate(draws.stage):
        z = [iterates[k - delay][i] for i, delay in enumerate(draws.delays[k])]
        loss, gradient = block_gradient(model, z, int(sampled), batch, int(draws.microbatch[k]))
        losses.append(loss)
        gradient_sq.append(gradient @ gradient)
        stale_reads.append(sum((w - read) @ (w - read) for w, read in zip(iterates[-1], z)))
        w = iterates[-1].copy()
        w[sampled] = w[sampled] - learning_rate * gradient
        iterates.append(w)
    objective = np.array([model.value(w) for w in iterates])
    return Iterations(np.array(losses), np.array(gradient_sq), np.array(stale_reads), objective)


def block_gradient(
    model: Model, z: list[np.ndarray], stage: int, batch: int, microbatch: int
) -> tuple[float, np.ndarray]:
    """The loss of a microbatch of the data at z, and its gradient by one block."""
    rows = rows_of(model, batch, microbatch)
    message, gradient, kept = 0.0, None, []
    for block, own in zip(model.blocks, z):
        message, keep = block.forward(rows, own, message)
        kept.append(keep)
    loss = message
    for i in reversed(range(stage, len(z))):
        message, gradient = model.blocks[i].backward(rows, z[i], kept[i], message)
    assert gradient is not None
    return float(loss), gradient


def as_iterations(forward_begin: np.ndarray, backward_begin: np.ndarray) -> Draws:
    """A run in which every backward updates its block, as iterations: updates in the global order
    (by start, then stage), and how many of them a block has seen since it was read. Arguments
    [stages, microbatches]. A forward reads at its start, after the updates that come before it in
    that order: so in one slot after those of stages below it."""
    stages = len(forward_begin)

    def place(times: np.ndarray) -> np.ndarray:
        return times * stages + np.arange(stages)[:, None]

    stage, microbatch = np.unravel_index(
        np.argsort(place(backward_begin), axis=None), backward_begin.shape
    )
    read = np.searchsorted(np.sort(place(backward_begin), axis=None), place(forward_begin))
    delays = np.arange(len(stage))[:, None] - read[:, microbatch].T
    return Draws(stage, microbatch, delays)
