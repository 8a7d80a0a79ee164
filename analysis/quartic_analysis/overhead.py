"""The cost of staleness as *token overhead*: the additional microbatches that a method needs to reach the loss of the
synchronous method.

A curve is first replaced by its running minimum (`curves.envelope`), because a loss counts as reached once it has been reached.
Between two evaluations the curve is a straight line. The overhead of a method at a level is
microbatches(method) / microbatches(reference) - 1:

- 0: as good as synchronous
- 1: twice the tokens
- infinity: the method's run ended before it reached the level
- NaN: the reference did not reach the level
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .curves import envelope
from .trace import Run


@dataclass(frozen=True)
class Progress:
    """A loss curve: `loss` after `microbatches` of training, in the order of time."""

    microbatches: np.ndarray
    loss: np.ndarray

    def first_half(self) -> Progress:
        """The curve up to half of the microbatches."""
        early = self.microbatches <= self.microbatches[-1] / 2
        return Progress(self.microbatches[early], self.loss[early])

    def lowest(self, window: int = 1) -> float:
        """The last value of the running minimum."""
        return float(envelope(self.loss, window)[-1])

    def reaches(self, level: float, window: int = 1) -> float:
        """Microbatches until the running minimum first is at or below `level`; infinity if it never is."""
        falling = envelope(self.loss, window)
        below = np.flatnonzero(falling <= level)
        if not len(below):
            return np.inf
        first = below[0]
        if first == 0 or not np.isfinite(falling[first - 1]):
            return float(self.microbatches[first])
        share = (falling[first - 1] - level) / (falling[first - 1] - falling[first])
        before, at = self.microbatches[first - 1], self.microbatches[first]
        return float(before + share * (at - before))


def progress(run: Run, table: str = "objective") -> Progress:
    """A run's `objective` or `validation` curve over the microbatches of one pipeline, which are computed from the block updates."""
    curve: pd.DataFrame = getattr(run, table)
    updates = curve["block_updates"].to_numpy(dtype=float)
    return Progress(updates * run.accumulate / run.stages, curve["value"].to_numpy(dtype=float))


def token_overhead(method: Progress, reference: Progress, level: float | None = None, window: int = 1) -> float:
    """microbatches(method) / microbatches(reference) - 1 to reach `level`, by default the lowest loss of the reference."""
    level = reference.lowest(window) if level is None else level
    needed = reference.reaches(level, window)
    if not np.isfinite(needed) or needed == 0:
        return np.nan
    return method.reaches(level, window) / needed - 1
