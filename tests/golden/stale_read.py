"""The stale read |w_k - z_k|^2 in numpy (experiments.md §4), and its closed forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrain import Arithmetic, Retraining, Step


@dataclass(frozen=True)
class StaleReads:
    """Samples by microbatch: when they are taken, and their values."""

    microbatches: np.ndarray
    times: np.ndarray
    values: np.ndarray


def sampled_by(
    training: Retraining, steps: list[Step], arithmetic: Arithmetic, every: int
) -> StaleReads:
    """Of a run in which every microbatch goes back to stage 0, its first pipeline's: what each stage
    has when stage 0 begins the backward of a microbatch, against what its forward computed with."""
    own: dict[int, list[Step]] = {}
    for step in steps:
        if step.pipeline == 0 and step.microbatch % every == 0:
            own.setdefault(step.microbatch, []).append(step)
    times = [next(s.backward_begin for s in own[j] if s.stage == 0) for j in sorted(own)]
    values = []
    for j, now in zip(sorted(own), times):
        moved = 0.0
        for step in own[j]:
            copy = training.copies[step.copy]
            difference = copy.history.at(now) - arithmetic.forward(copy, step)
            moved += difference @ difference
        values.append(moved)
    return StaleReads(np.array(sorted(own)), np.array(times), np.array(values))


def updates_between(stages: int) -> np.ndarray:
    """PipeDream in the slot model, steady state: how often stage i is updated between the read of a
    microbatch there and its backward at stage 0."""
    return stages - 1 - np.arange(stages) // 2
