"""The cost of staleness as *token overhead*: how many more microbatches a method needs to reach the
loss that the synchronous method reaches.

A curve is first made one that only falls (`curves.envelope`), because a loss that is reached once has been
reached; between two evaluations it is a straight line. The overhead of a method at a level is
microbatches(method) / microbatches(reference) - 1: 0 means as good as synchronous, 1 twice the tokens, infinity
that the run ended before it got there, NaN that the reference did not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .curves import envelope
from .trace import Run


@dataclass(frozen=True)
class Progress:
    """A loss over the microbatches that were trained on, both ascending in time."""

    microbatches: np.ndarray
    loss: np.ndarray

    def first_half(self) -> Progress:
        """Up to half of the microbatches."""
        early = self.microbatches <= self.microbatches[-1] / 2
        return Progress(self.microbatches[early], self.loss[early])

    def lowest(self, window: int = 1) -> float:
        """Where the falling curve ends."""
        return float(envelope(self.loss, window)[-1])

    def reaches(self, level: float, window: int = 1) -> float:
        """Microbatches at which the falling curve first is at `level` or below; infinity if never."""
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
    """A run's objective (or `validation`) over microbatches of one pipeline, counted by block updates."""
    curve: pd.DataFrame = getattr(run, table)
    updates = curve["block_updates"].to_numpy(dtype=float)
    return Progress(updates * run.accumulate / run.stages, curve["value"].to_numpy(dtype=float))


def token_overhead(method: Progress, reference: Progress, level: float | None = None, window: int = 1) -> float:
    """microbatches(method) / microbatches(reference) - 1 to reach `level`, by default the lowest that the
    reference reaches."""
    level = reference.lowest(window) if level is None else level
    needed = reference.reaches(level, window)
    if not np.isfinite(needed) or needed == 0:
        return np.nan
    return method.reaches(level, window) / needed - 1
