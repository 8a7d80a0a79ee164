"""The best step size of a grid, and its result on seeds that did not choose it.

A step size that is chosen and reported on the same seeds looks better than it is. The value of each seed is therefore taken at the
step size that is best for the other seeds. With one seed, its own best value is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .fits import Band, bootstrap

STEP, SEED = "learning-rate", "seed"


@dataclass(frozen=True)
class Tuned:
    """The result of one case at its best step size."""

    step: float
    """The step size with the lowest mean over all seeds."""
    values: np.ndarray
    """One value per seed, in ascending order of seeds: the value at the step size that is best for the other seeds."""
    inside: bool
    """Whether the grid has both smaller and larger step sizes than `step`. True for grids of fewer than three step sizes."""

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def deviation(self) -> float:
        """The standard deviation over seeds; NaN with one seed."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else np.nan

    @property
    def band(self) -> Band:
        """The mean with its 95 % interval over seeds."""
        return bootstrap(self.values)


def best_step(runs: pd.DataFrame, value: str) -> Tuned:
    """Finds the best step size of runs that differ only in STEP and SEED. Lower is better; NaN (a diverged run) counts as infinity.
    Step sizes without all seeds are left out. Raises ValueError if none has all seeds."""
    grid = runs.pivot_table(index=STEP, columns=SEED, values=value, aggfunc="first", dropna=False)
    present = runs.assign(there=1).pivot_table(index=STEP, columns=SEED, values="there")
    grid = grid.reindex(index=present.index, columns=present.columns).fillna(np.inf)[present.notna().all(axis=1)]
    if grid.empty:
        raise ValueError("no step size has been run with every seed")
    numbers = grid.to_numpy()
    best = int(np.argmin(numbers.mean(axis=1)))
    return Tuned(
        step=float(grid.index[best]),
        values=np.array([_chosen_by_others(numbers, seed) for seed in range(numbers.shape[1])]),
        inside=len(grid) < 3 or 0 < best < len(grid) - 1,
    )


def _chosen_by_others(numbers: np.ndarray, seed: int) -> float:
    if numbers.shape[1] == 1:
        return float(numbers[:, 0].min())
    others = np.delete(numbers, seed, axis=1).mean(axis=1)
    return float(numbers[np.argmin(others), seed])


def tuned(table: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """One row per case (each combination of the columns `by`), in the order of the study: the columns `by`, `step`, `mean`, `deviation`,
    `low` and `high` (the 95 % interval of the mean), `seeds`, `inside`, and `values` [seeds]."""
    rows = []
    for _, runs in table.groupby(list(by) if len(by) > 1 else by[0], sort=False, dropna=False):
        best = best_step(runs, value)
        band = best.band
        rows.append(runs[list(by)].iloc[0].to_dict() | {
            "step": best.step, "mean": best.mean, "deviation": best.deviation, "low": band.low, "high": band.high,
            "seeds": len(best.values), "inside": best.inside, "values": best.values})  # fmt: skip
    return pd.DataFrame(rows)
