"""A curve over plan time or block updates: its value at a point, how it ends, when it reaches a level."""

from __future__ import annotations

import numpy as np
import pandas as pd

TAIL = 0.01
"""The share of a curve that its tail is: the published curves' own measure of how they end."""


def value_at(curve: pd.DataFrame, time: float, along: str = "plan_time", value: str = "value") -> float:
    """The last value at or before that point, which is the state after all actions that end by then.

    NaN where the curve begins later.
    """
    earlier = curve[value].to_numpy()[curve[along].to_numpy() <= time]
    return float(earlier[-1]) if len(earlier) else np.nan


def tail_mean(curve: pd.DataFrame, along: str = "plan_time", end: float | None = None, value: str = "value") -> float:
    """The mean over the last 1 % before `end` (the curve's own end by default): the points in
    (0.99 end, end], and where there is none the last before it."""
    at = curve[along].to_numpy()
    end = at.max() if end is None else end
    tail = curve[value].to_numpy()[(at > (1 - TAIL) * end) & (at <= end)]
    return float(tail.mean()) if len(tail) else value_at(curve, end, along, value)


def envelope(values: np.ndarray, window: int = 1) -> np.ndarray:
    """The lowest mean of `window` values in a row so far: a curve that only falls, of the same length.

    The first means take the values that there are. NaN counts as infinity, as a diverged run does.
    """
    means = pd.Series(values, dtype=float).rolling(window, min_periods=1).mean()
    return np.minimum.accumulate(means.fillna(np.inf).to_numpy())
