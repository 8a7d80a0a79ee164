"""The weights between versions that some methods compute with, and PipeMare's rates, in numpy
(methods.md §7 and §8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrain import Copy, Correct, Step, Weights


def blended(significance: float) -> Weights:
    """I-TiMePReSt: omega stale + (1 - omega) live with omega = exp(-lambda drift)."""

    def weights(copy: Copy, step: Step) -> np.ndarray:
        omega = np.exp(-significance * step.drift)
        stale, live = copy.versions[step.version_forward], copy.versions[step.version_backward]
        return omega * stale + (1 - omega) * live

    return weights


def predicted(rate: float | Callable[[int], float], decay: float = 0.0) -> Weights:
    """SpecTrain and PipeOptim: w - n rate (v + decay w), n updates ahead to the version that the gradient is applied
    to, with the rate of the next update. v is the momentum, or Adam's; `decay` is AdamW's where the block has any."""

    def weights(copy: Copy, step: Step) -> np.ndarray:
        live = copy.versions[step.version_forward]
        ahead = step.version_applied - step.version_forward
        velocity = copy.rule.velocities[step.version_forward]  # type: ignore[attr-defined]
        decayed = copy.rule.weight_decay * live if decay and step.version_forward > 0 else 0.0  # type: ignore[attr-defined]
        next_rate = rate(step.version_forward) if callable(rate) else rate
        return live - ahead * next_rate * (velocity + decayed)

    return weights


def compensated(strength: float) -> Correct:
    """DC-ASGD: g + lambda g*g*(w_live - w_read), for each microbatch."""

    def gradient(copy: Copy, step: Step, g: np.ndarray) -> np.ndarray:
        return g + strength * g * g * (copy.live - copy.versions[step.version_forward])

    return gradient


def by_delay(rate: float, threshold: float) -> Callable[[Step], float]:
    """rate min(1, C / own delay)."""
    return lambda step: rate * min(1.0, threshold / max(1, step.delay_own))


def mean_update(copy: Copy, version: int, beta: float) -> np.ndarray:
    """u after that many updates: u <- beta u + (1 - beta) update, summed up."""
    u = np.zeros_like(copy.live)
    for t in range(version):
        u += (1 - beta) * beta ** (version - 1 - t) * copy.updates[t]
    return u


def corrected(decay: float, stages: int, accumulate: int) -> Weights:
    """PipeMare's T2: w - tau u where the pass drifts, with tau = (S-1-s)/M and beta = D^(1/tau)."""

    def weights(copy: Copy, step: Step) -> np.ndarray:
        live = copy.versions[step.version_backward]
        if step.drift == 0:
            return live
        tau = (stages - 1 - step.stage) / accumulate
        return live - tau * mean_update(copy, step.version_backward, decay ** (1 / tau))

    return weights


def annealed(
    rate: float, stages: int, accumulate: int, synchronous: int, annealing: int
) -> Callable[[Step], float]:
    """PipeMare's T1: rate / tau^(1 - min(k/K0, 1)) with tau = max(1, ceil((S-1-s)/M)), k updates after the
    synchronous ones, which have the plain rate."""

    def of(step: Step) -> float:
        k = step.version_applied - synchronous
        if k < 0 or annealing == 0:
            return rate
        tau = max(1, -(-(stages - 1 - step.stage) // accumulate))
        return rate / tau ** (1 - min(k / annealing, 1))

    return of
