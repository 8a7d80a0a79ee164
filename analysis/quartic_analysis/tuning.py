"""The best step of a grid, and what it gives on seeds that did not choose it.

A step that is chosen by the lowest mean and reported on the same seeds looks better than it is. So the value of every
seed is taken at the step that the other seeds choose; with one seed, or one step, there is nothing to choose that way.
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
    """One case at its best step."""

    step: float
    """The step with the lowest mean over all seeds."""
    values: np.ndarray
    """By seed, ascending: the value at the step that the other seeds choose."""
    inside: bool
    """Whether the grid has smaller and larger steps than `step`, or there are fewer than three."""

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def deviation(self) -> float:
        """Over seeds; NaN of one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else np.nan

    @property
    def band(self) -> Band:
        """The mean with its 95 % interval over seeds."""
        return bootstrap(self.values)


def best_step(runs: pd.DataFrame, value: str) -> Tuned:
    """Of runs that differ in STEP and SEED alone. Lower is better; NaN counts as infinity (diverged).
    Steps that miss a seed are left out. ValueError if none has all."""
    grid = runs.pivot_table(index=STEP, columns=SEED, values=value, aggfunc="first", dropna=False)
    present = runs.assign(there=1).pivot_table(index=STEP, columns=SEED, values="there")
    grid = grid.reindex(index=present.index, columns=present.columns).fillna(np.inf)[present.notna().all(axis=1)]
    if grid.empty:
        raise ValueError("no step has been run with every seed")
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
    """A table, one row a case, the columns `by`, in the order of the study: these columns, `step`, `mean`, `deviation`, `low` and
    `high` (the 95 % interval of the mean), `seeds`, `inside`, and `values` [seeds]."""
    rows = []
    for _, runs in table.groupby(list(by) if len(by) > 1 else by[0], sort=False, dropna=False):
        best = best_step(runs, value)
        band = best.band
        rows.append(runs[list(by)].iloc[0].to_dict() | {
            "step": best.step, "mean": best.mean, "deviation": best.deviation, "low": band.low, "high": band.high,
            "seeds": len(best.values), "inside": best.inside, "values": best.values})  # fmt: skip
    return pd.DataFrame(rows)
