"""Fits against closed forms, and bands that cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from quartic_analysis import fits

S = np.array([2, 4, 8, 16, 32, 64.0])


def test_an_exact_power_law_is_found_exactly() -> None:
    law = fits.power_law(S, 3 * S**2.5)
    assert law.power == pytest.approx(2.5, abs=1e-12)
    assert law.high - law.low < 1e-6
    np.testing.assert_allclose(law.at([5, 50]), 3 * np.array([5, 50]) ** 2.5)
    low, high = law.band(S)
    np.testing.assert_allclose(low, high, rtol=1e-6)


def test_a_power_law_is_linear_regression_of_the_logarithms() -> None:
    y = np.array([1.0, 3.1, 8.5, 30, 80, 300])
    law, expected = fits.power_law(S, y), stats.linregress(np.log(S), np.log(y))
    assert law.power == pytest.approx(expected.slope)
    half = stats.t.ppf(0.975, 4) * expected.stderr
    assert (law.low, law.high) == pytest.approx((expected.slope - half, expected.slope + half))


def test_the_interval_and_the_band_cover_95_percent() -> None:
    rng = np.random.default_rng(1)
    x = np.repeat(S, 3)
    laws = [fits.power_law(x, x**2 * np.exp(rng.normal(scale=0.4, size=len(x)))) for _ in range(2000)]
    assert np.mean([law.low <= 2 <= law.high for law in laws]) == pytest.approx(0.95, abs=0.015)
    inside = [law.band([64.0])[0][0] <= 64.0**2 <= law.band([64.0])[1][0] for law in laws]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_two_points_have_a_line_and_no_interval() -> None:
    law = fits.power_law([2, 4], [1, 4])
    assert law.power == pytest.approx(2)
    assert (law.low, law.high) == (-np.inf, np.inf)


@pytest.mark.parametrize(("x", "y"), [([2, 4], [1, 0]), ([0, 4], [1, 1]), ([2, 2], [1, 3]), ([2, 4], [1, np.nan])])
def test_what_has_no_power_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="a power law"):
        fits.power_law(x, y)


def test_an_exact_polynomial_is_found_at_every_scale() -> None:
    x = np.arange(2, 130, 2)
    fit = fits.polynomial(x, x**2 - x / 2, 2)
    np.testing.assert_allclose(fit.coefficients, [0, -0.5, 1], atol=1e-9)
    assert (fit.errors < [1e-8, 1e-9, 1e-11]).all()
    assert fit.at(100.0) == pytest.approx(9950)


def test_the_errors_of_a_polynomial_cover_95_percent() -> None:
    rng = np.random.default_rng(2)
    x, truth = np.linspace(1, 20, 12), np.array([1.0, -2.0, 0.5])
    y = np.polynomial.polynomial.polyval(x, truth)
    found = [fits.polynomial(x, y + rng.normal(size=len(x)), 2) for _ in range(2000)]
    covered = np.mean([np.abs(fit.coefficients - truth) <= fit.errors for fit in found], axis=0)
    np.testing.assert_allclose(covered, 0.95, atol=0.015)


def test_a_polynomial_needs_more_points_than_coefficients() -> None:
    with pytest.raises(ValueError, match="needs 4 points or more, got 3"):
        fits.polynomial([1, 2, 3], [1, 4, 9], 2)


def test_the_bootstrap_covers_95_percent_of_small_samples() -> None:
    """The plain percentile interval of 10 seeds covers 91 %."""
    rng = np.random.default_rng(3)
    bands = [fits.bootstrap(rng.normal(size=10)) for _ in range(600)]
    assert np.mean([band.low <= 0 <= band.high for band in bands]) == pytest.approx(0.95, abs=0.025)


def test_the_bootstrap_is_the_same_every_time() -> None:
    samples = [1.0, 2.0, 4.0, 3.0]
    assert fits.bootstrap(samples) == fits.bootstrap(samples)
    assert fits.bootstrap(samples).value == 2.5
    assert fits.Band(1.234, 1, 2).shown() == "1.23 [1.00, 2.00]"
    alone = fits.bootstrap([3.0])
    assert alone.shown() == "3.00"
    assert alone.value == 3 and np.isnan(alone.low) and np.isnan(alone.high)


def test_a_power_over_seeds_resamples_whole_curves() -> None:
    factors = np.array([0.5, 1, 2, 1.5])[:, None]
    same = fits.power_over_seeds(S, factors * S**-0.5)
    assert (same.value, same.low, same.high) == pytest.approx((-0.5, -0.5, -0.5))
    alone = fits.power_over_seeds(S, [S**2 * [1, 1.1, 0.9, 1, 1.2, 0.8]])
    assert alone.low < alone.value < alone.high
    powers = np.array([-0.6, -0.4, -0.5, -0.5, -0.45])[:, None]
    band = fits.power_over_seeds(S, S**powers)
    assert -0.6 <= band.low < band.value < band.high <= -0.4
