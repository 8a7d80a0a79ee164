"""The closed forms against plans made by the independent reference."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from quartic_analysis import theory
from quartic_analysis.fits import power_law

STAGES = [1, 2, 3, 4, 5, 7, 8, 11, 16]


def steady(stages: int) -> tuple[reference.Delays, slice]:
    microbatches = 6 * stages + 4
    plan = reference.pipeline_plan(stages, microbatches)
    return reference.delays(plan, stages, microbatches), slice(4 * stages, -stages)


@pytest.mark.parametrize("stages", STAGES)
def test_staleness_and_delays_of_every_stage(stages: int) -> None:
    delays, window = steady(stages)
    for s in range(stages):
        assert set(delays.staleness[s, window]) == {theory.staleness(stages, s)}
        assert set(delays.own[s, window]) == {theory.own_delay(stages, s)}
        assert set(delays.oldest[s, window]) == {theory.oldest_delay(stages, s)}


@pytest.mark.parametrize("stages", STAGES)
def test_largest_and_mean_delay(stages: int) -> None:
    delays, window = steady(stages)
    assert delays.own[:, window].max() == theory.largest_delay(stages)
    assert theory.own_delay(stages, 0) == theory.largest_delay(stages)
    assert delays.matrix[:, window].mean() == theory.mean_delay(stages)
    assert delays.own.max() == theory.largest_delay_of_run(stages)


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("microbatches", [1, 3, 40])
def test_makespans(stages: int, microbatches: int) -> None:
    slot = reference.pipeline_plan(stages, microbatches)
    real = reference.pipeline_plan(stages, microbatches, forward=1, backward=2)
    assert reference.makespan(slot) == theory.makespan_slot(stages, microbatches)
    assert reference.makespan(real) == theory.makespan_real(stages, microbatches)


@pytest.mark.parametrize("stages", STAGES)
def test_the_real_model_has_the_same_staleness(stages: int) -> None:
    microbatches = 6 * stages + 4
    plan = reference.pipeline_plan(stages, microbatches, forward=1, backward=2)
    staleness = reference.delays(plan, stages, microbatches).staleness
    for s in range(stages):
        assert set(staleness[s, 4 * stages : -stages]) == {theory.staleness(stages, s)}


def test_published_delays() -> None:
    assert [theory.largest_delay(s) for s in (4, 8, 16, 32)] == [14, 60, 248, 1008]


def test_a_flush_costs_its_bubble() -> None:
    assert theory.flush_makespan(8, 8) / (8 * 2) == 1.875
    assert theory.flush_bubble(8, 8) == pytest.approx(1 - 1 / 1.875)
    assert theory.flush_bubble(1, 8) == 0


@pytest.mark.parametrize("stage", [-1, 4])
def test_a_stage_that_does_not_exist_is_refused(stage: int) -> None:
    with pytest.raises(ValueError, match="stages 0 to 3"):
        theory.staleness(4, stage)


@pytest.mark.parametrize("stages", STAGES)
def test_updates_between_a_read_and_its_application_at_stage_0(stages: int) -> None:
    microbatches = 6 * stages + 4
    plan = reference.pipeline_plan(stages, microbatches)
    begins = {(action.kind, action.stage, action.microbatch): action.begin for action in plan}
    ends = {s: [action.end for action in plan if action.kind == "B" and action.stage == s] for s in range(stages)}
    for s in range(stages):
        for j in range(4 * stages, microbatches - stages):
            read, applied = begins["F", s, j], begins["B", 0, j]
            assert sum(read < end <= applied for end in ends[s]) == theory.updates_until_applied(stages, s)


@pytest.mark.parametrize(
    ("law", "from_2", "from_8"),
    [
        (theory.stale_read_aligned, 3.21, 3.07),
        (lambda stages: theory.stale_read_aligned(stages) / stages, 2.21, 2.07),
        (theory.stale_read_noise, 2.10, 2.04),
        (lambda stages: theory.stale_read_noise(stages) / stages, 1.10, 1.04),
        (theory.stale_read_bound, 4.15, None),
        (theory.refined_stale_read_bound, 3.07, None),
    ],
)
def test_the_powers_that_a_fit_over_few_stages_finds(law, from_2: float, from_8: float | None) -> None:
    """They are not the asymptotic ones: a measured power is held against these."""
    for first, power in ((2, from_2), (8, from_8)):
        stages = np.array([s for s in (2, 4, 8, 16, 32, 64) if s >= first])
        if power is not None:
            assert power_law(stages, [law(int(s)) for s in stages]).power == pytest.approx(power, abs=0.006)


def test_random_delays_against_a_simulation() -> None:
    rng = np.random.default_rng(0)
    stages, delay, samples = 4, 14, 200_000
    drawn = rng.integers(0, delay + 1, size=(samples, stages))
    moved = rng.binomial(drawn, 1 / stages)
    assert (moved**2).sum(axis=1).mean() == pytest.approx(theory.random_stale_read_aligned(stages, delay), rel=0.01)
    assert moved.sum(axis=1).mean() == pytest.approx(theory.random_stale_read_noise(stages, delay), rel=0.01)
