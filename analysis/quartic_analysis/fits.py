"""Fits with 95 % bands: power laws, polynomials, and the bootstrap over seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
RESAMPLES = 4000


@dataclass(frozen=True)
class PowerLaw:
    """y = factor · x^power, fitted by least squares of the logarithms, with normal errors of equal size in log y."""

    power: float
    low: float
    """The 95 % interval of the power, `low` to `high`."""
    high: float
    log_factor: float
    _error: float
    _quantile: float
    _centre: float
    _spread: float
    _points: int

    def at(self, x: ArrayLike) -> np.ndarray:
        """The fitted line."""
        return np.exp(self.log_factor + self.power * np.log(x))

    def band(self, x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % band of the line itself (not of single points) at x: lower and upper edge."""
        away = np.log(x) - self._centre
        half = self._quantile * self._error * np.sqrt(1 / self._points + away**2 / self._spread)
        return self.at(x) * np.exp(-half), self.at(x) * np.exp(half)


def power_law(x: ArrayLike, y: ArrayLike) -> PowerLaw:
    """Fits y = factor · x^power to points with x, y > 0. At least two values of x must differ; one x may have several y. With only two
    points the interval is infinite."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not (np.all(x > 0) and np.all(y > 0)):
        raise ValueError("a power law needs positive x and y")
    log_x, log_y = np.log(x), np.log(y)
    spread = float(np.sum((log_x - log_x.mean()) ** 2))
    if spread == 0:
        raise ValueError("a power law needs at least two different values of x")
    power = float(np.sum((log_x - log_x.mean()) * (log_y - log_y.mean())) / spread)
    log_factor = float(log_y.mean() - power * log_x.mean())
    freedom = len(x) - 2
    residual = log_y - log_factor - power * log_x
    error = float(np.sqrt(residual @ residual / freedom)) if freedom else np.inf
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) if freedom else 1.0
    half = quantile * error / np.sqrt(spread)
    return PowerLaw(power, power - half, power + half, log_factor, error, quantile, float(log_x.mean()), spread, len(x))


@dataclass(frozen=True)
class Polynomial:
    """y = sum of coefficients[k] · x^k, with the half width of each coefficient's 95 % interval."""

    coefficients: np.ndarray
    errors: np.ndarray

    def at(self, x: ArrayLike) -> np.ndarray:
        return np.polynomial.polynomial.polyval(np.asarray(x, dtype=float), self.coefficients)


def polynomial(x: ArrayLike, y: ArrayLike, degree: int) -> Polynomial:
    """Fits a polynomial by least squares with normal errors of equal size. Needs at least degree + 2 points."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    freedom = len(x) - degree - 1
    if freedom < 1:
        raise ValueError(f"a polynomial of degree {degree} with errors needs {degree + 2} points or more, got {len(x)}")
    scale = np.abs(x).max()  # powers of x / scale are of one size
    design = np.vander(x / scale, degree + 1, increasing=True)
    scaled, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ scaled
    covariance = np.linalg.inv(design.T @ design) * (residual @ residual) / freedom
    powers = scale ** np.arange(degree + 1)
    quantile = stats.t.ppf((1 + LEVEL) / 2, freedom)
    return Polynomial(scaled / powers, quantile * np.sqrt(np.diag(covariance)) / powers)


@dataclass(frozen=True)
class Band:
    """A statistic of the seeds that were run, and its 95 % confidence interval over seeds."""

    value: float
    low: float
    high: float

    def shown(self, digits: int = 2) -> str:
        """The value as text, followed by its interval if there is one."""
        interval = "" if np.isnan(self.low) else f" [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return f"{self.value:.{digits}f}{interval}"


def mean_over_seeds(samples: np.ndarray) -> np.ndarray:
    """The mean over seeds: [resamples, seeds] -> [resamples]."""
    return samples.mean(axis=1)


def bootstrap(
    samples: ArrayLike, statistic: Callable[[np.ndarray], np.ndarray] = mean_over_seeds, seed: int = 0
) -> Band:
    """A statistic of samples [seeds, …] with a 95 % interval from resampled seeds. The statistic maps
    [resamples, seeds, …] to [resamples].

    The interval is the percentile interval, expanded for small samples: its levels are chosen so that, for a normal mean of that
    many seeds, it has the coverage of Student's t (Hesterberg 2015, arXiv 1411.5279). With one seed the interval is NaN.
    """
    samples = np.asarray(samples, dtype=float)
    seeds = len(samples)
    value = float(statistic(samples[None])[0])
    if seeds < 2:
        return Band(value, np.nan, np.nan)
    chosen = np.random.default_rng(seed).integers(0, seeds, size=(RESAMPLES, seeds))
    tail = stats.norm.cdf(np.sqrt(seeds / (seeds - 1)) * stats.t.ppf((1 - LEVEL) / 2, seeds - 1))
    low, high = np.quantile(statistic(samples[chosen]), [tail, 1 - tail])
    return Band(value, float(low), float(high))


def power_over_seeds(x: ArrayLike, curves: ArrayLike, seed: int = 0) -> Band:
    """The power of x in curves [seeds, len(x)], fitted to their mean over seeds. The interval comes from resampling whole curves; with
    a single curve it is the interval of the fitted line."""
    x, curves = np.asarray(x, dtype=float), np.asarray(curves, dtype=float)
    if len(curves) == 1:
        law = power_law(x, curves[0])
        return Band(law.power, law.low, law.high)
    log_x = np.log(x)
    slope = (log_x - log_x.mean()) / np.sum((log_x - log_x.mean()) ** 2)
    return bootstrap(curves, lambda drawn: np.log(mean_over_seeds(drawn)) @ slope, seed)
