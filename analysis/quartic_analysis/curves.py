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
    means = window_means(values, window)
    return np.minimum.accumulate(np.where(np.isnan(means), np.inf, means))


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the `window` values around each."""
    return window_means(values, window, after=(window - 1) // 2)


def window_means(values: np.ndarray, window: int, after: int = 0) -> np.ndarray:
    """For each value the mean of the `window` values that end `after` places behind it, as far as there are any.

    Values that are not finite count as missing; NaN where all are. Nothing is subtracted, as pandas' running sums do: a loss
    that falls by 30 decades is not lost in the rounding of its first values.
    """
    values = np.asarray(values, dtype=float)
    finite = np.isfinite(values)
    sums = _window_sums(np.where(finite, values, 0.0), window, after)
    counts = _window_sums(finite.astype(float), window, after)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)


def _window_sums(values: np.ndarray, window: int, after: int) -> np.ndarray:
    """A window is the end of one block of `window` values and the beginning of the next."""
    blocks = -(-(len(values) + 2 * window) // window)
    padded = np.zeros(blocks * window)
    padded[window : window + len(values)] = values
    rows = padded.reshape(blocks, window)
    from_begin = rows.cumsum(axis=1).reshape(-1)
    to_end = rows[:, ::-1].cumsum(axis=1)[:, ::-1].reshape(-1)
    last = np.arange(len(values)) + window + after
    first = last - window + 1
    return np.where(first % window == 0, 0.0, to_end[first]) + from_begin[last]
