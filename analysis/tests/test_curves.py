"""How a curve ends, when it reaches a level, the token overhead, and the choice of a step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quartic_analysis import load
from quartic_analysis.compare import beside, largest_difference
from quartic_analysis.curves import envelope, smoothed, tail_mean, value_at, window_means
from quartic_analysis.overhead import Progress, progress, token_overhead
from quartic_analysis.tuning import best_step, tuned
from recorded import record, write_finished

CURVE = pd.DataFrame({"plan_time": np.arange(0, 1001.0), "value": np.arange(1000, -1, -1.0)})


def test_the_value_at_a_time_is_the_state_after_what_ended_by_then() -> None:
    assert value_at(CURVE, 10) == 990
    assert value_at(CURVE, 10.9) == 990
    assert np.isnan(value_at(CURVE, -1))


def test_the_tail_is_the_last_hundredth_before_the_end() -> None:
    assert tail_mean(CURVE) == np.arange(0, 10).mean()
    assert tail_mean(CURVE, end=500) == np.arange(500, 505).mean()
    coarse = CURVE[CURVE["plan_time"] % 100 == 0]
    assert tail_mean(coarse, end=550) == 500


def test_an_envelope_only_falls_and_a_diverged_loss_is_infinite() -> None:
    np.testing.assert_array_equal(envelope(np.array([3, 4, 2, np.nan, 1.0])), [3, 3, 2, 2, 1])
    np.testing.assert_array_equal(envelope(np.array([4, 2, 6, 0.0]), window=2), [4, 3, 3, 3])


HALVING = Progress(np.arange(0, 110, 10.0), 2.0 ** -np.arange(11))


def test_a_level_between_two_evaluations_is_interpolated() -> None:
    assert HALVING.reaches(2.0**-3) == 30
    assert HALVING.reaches(0.75) == 5
    assert HALVING.reaches(2) == 0
    assert HALVING.reaches(1e-9) == np.inf


def test_a_method_that_needs_twice_the_tokens_has_overhead_1() -> None:
    slow = Progress(2 * HALVING.microbatches, HALVING.loss)
    assert token_overhead(HALVING, HALVING) == 0
    assert token_overhead(slow, HALVING) == 1
    assert token_overhead(HALVING, slow) == -0.5
    assert token_overhead(slow, HALVING, level=0.75) == 1
    assert (HALVING.first_half().microbatches[-1], HALVING.first_half().lowest()) == (50, 2.0**-5)


def test_a_level_that_is_not_reached_is_told_apart_by_who_misses_it() -> None:
    short = Progress(HALVING.microbatches[:5], HALVING.loss[:5])
    assert token_overhead(short, HALVING) == np.inf
    assert np.isnan(token_overhead(HALVING, short, level=2.0**-8))


def test_a_bump_after_the_level_changes_nothing() -> None:
    bumped = Progress(HALVING.microbatches, np.where(np.arange(11) == 6, 5.0, HALVING.loss))
    assert token_overhead(bumped, HALVING) == 0


def test_the_progress_of_a_run_is_in_microbatches(tmp_path) -> None:
    write_finished(record(4, 40), tmp_path)
    found = progress(load(tmp_path))
    assert (found.microbatches[0], found.microbatches[-1]) == (0, 40)


def grid(rows: dict[float, list[float]]) -> pd.DataFrame:
    cells = [(step, seed, value) for step, values in rows.items() for seed, value in enumerate(values) if value is not None]
    return pd.DataFrame(cells, columns=["learning-rate", "seed", "value"]).assign(group="a")


def test_every_seed_is_read_at_the_step_that_the_others_choose() -> None:
    best = best_step(grid({0.1: [1.0, 1.0, 1.0], 0.2: [0.0, 2.0, 2.0], 0.4: [9.0, 9.0, 9.0]}), "value")
    assert best.step == 0.1 and not best.inside
    assert best.values.tolist() == [1.0, 1.0, 1.0]
    lucky = best_step(grid({0.1: [1.0, 1.0, 1.0], 0.2: [0.0, 1.3, 1.3]}), "value")
    assert lucky.step == 0.2
    assert lucky.values.tolist() == [1.0, 1.3, 1.3]  # the seed that made 0.2 look good is not read there
    assert lucky.inside  # two steps are no grid


def test_diverged_steps_lose_and_incomplete_ones_are_left_out() -> None:
    best = best_step(grid({0.1: [2.0, 2.0], 0.2: [1.0, np.nan], 0.4: [0.0, None]}), "value")
    assert best.step == 0.1
    with pytest.raises(ValueError, match="every seed"):
        best_step(grid({0.1: [None, 1.0], 0.2: [1.0, None]}), "value")


def test_a_table_of_cases_keeps_the_order_of_the_study() -> None:
    table = pd.concat([grid({0.1: [2.0, 4.0]}).assign(stages=stages) for stages in (16, 2)])
    found = tuned(table, ["group", "stages"], "value")
    assert found["stages"].tolist() == [16, 2]
    assert found["mean"].tolist() == [3.0, 3.0]
    assert (found["low"] < 3).all() and (found["high"] > 3).all()


def test_published_numbers_that_were_not_run_are_shown_as_such() -> None:
    table = beside({"a": 1.1, "c": 7.0}, {"a": 1.0, "b": 2.0})
    assert table["difference"].tolist()[0] == pytest.approx(0.1)
    assert table["ours"].isna().tolist() == [False, True]
    assert largest_difference(table) == "the largest relative difference is 0.1 (a; 1 numbers, 1 not run)"


@pytest.mark.parametrize("window", [1, 2, 3, 7, 24, 60, 200])
@pytest.mark.parametrize("centred", [False, True])
def test_means_of_windows_are_those_of_pandas(window: int, centred: bool) -> None:
    values = np.random.default_rng(1).uniform(1, 2, 60)
    values[[3, 17, 18]] = np.nan, np.inf, np.nan
    expected = pd.Series(values).rolling(window, center=centred, min_periods=1).mean()
    found = smoothed(values, window) if centred else window_means(values, window)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_smoothed_loss_that_falls_by_thirty_decades_does_not_drop_to_zero() -> None:
    values = 10.0 ** -np.linspace(0, 30, 3000)
    means = smoothed(values, 60)
    np.testing.assert_allclose(means[30:-30], [values[i - 30 : i + 30].mean() for i in range(30, 2970)], rtol=1e-12)
    np.testing.assert_allclose(envelope(values, 60)[-1], values[-60:].mean(), rtol=1e-12)
