"""Functions of a curve over plan time or block updates: value at a point, tail mean, running minimum, running mean."""

from __future__ import annotations

import numpy as np
import pandas as pd

TAIL = 0.01
"""The tail of a curve is its last 1 %. The published results use the same measure."""


def value_at(curve: pd.DataFrame, time: float, along: str = "plan_time", value: str = "value") -> float:
    """The last value at or before `time`: the state after all actions that end by then.

    NaN if the curve begins later.
    """
    earlier = curve[value].to_numpy()[curve[along].to_numpy() <= time]
    return float(earlier[-1]) if len(earlier) else np.nan


def tail_mean(curve: pd.DataFrame, along: str = "plan_time", end: float | None = None, value: str = "value") -> float:
    """The mean over the points in (0.99 end, end]; if there are none, the last value before them. `end` is the end of the
    curve by default."""
    at = curve[along].to_numpy()
    end = at.max() if end is None else end
    tail = curve[value].to_numpy()[(at > (1 - TAIL) * end) & (at <= end)]
    return float(tail.mean()) if len(tail) else value_at(curve, end, along, value)


def envelope(values: np.ndarray, window: int = 1) -> np.ndarray:
    """The running minimum of the running mean over `window` values, so a curve that never rises, of the same length.

    The first means use the values available so far. NaN (a diverged run) counts as infinity.
    """
    means = window_means(values, window)
    return np.minimum.accumulate(np.where(np.isnan(means), np.inf, means))


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The running mean over the `window` values around each value."""
    return window_means(values, window, after=(window - 1) // 2)


def window_means(values: np.ndarray, window: int, after: int = 0) -> np.ndarray:
    """For each value, the mean of the `window` values that end `after` positions later. Windows are shorter at both ends of the curve.

    Values that are not finite are ignored; the mean is NaN if all are. Unlike the running sums of pandas, the sums here involve no
    subtraction, so a loss that falls by 30 decades keeps its precision.
    """
    values = np.asarray(values, dtype=float)
    finite = np.isfinite(values)
    sums = _window_sums(np.where(finite, values, 0.0), window, after)
    counts = _window_sums(finite.astype(float), window, after)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)


def _window_sums(values: np.ndarray, window: int, after: int) -> np.ndarray:
    """Adds up each window as the end of one block of `window` values and the beginning of the next block."""
    blocks = -(-(len(values) + 2 * window) // window)
    padded = np.zeros(blocks * window)
    padded[window : window + len(values)] = values
    rows = padded.reshape(blocks, window)
    from_begin = rows.cumsum(axis=1).reshape(-1)
    to_end = rows[:, ::-1].cumsum(axis=1)[:, ::-1].reshape(-1)
    last = np.arange(len(values)) + window + after
    first = last - window + 1
    return np.where(first % window == 0, 0.0, to_end[first]) + from_begin[last]
