"""Whether the tables of a run are what numpy computed."""

from __future__ import annotations

import numpy as np

from quartic_analysis import Run
from retrain import Retraining
from stale_read import StaleReads
from traces import of_stages

DOUBLE = 1e-10
"""Relative, for a run in double precision."""
STALE_READ = 1e-11
"""The same for a square of differences of weights, into which few updates have gone."""


def same_training(run: Run, expected: Retraining, tolerance: float = DOUBLE) -> None:
    """Losses, gradients and rates of every pipeline, and f at every plan time in the trace."""
    losses = run.loss.pivot(index="pipeline", columns="microbatch", values="loss").to_numpy()
    np.testing.assert_allclose(losses, expected.losses, rtol=tolerance, err_msg="loss")
    for pipeline, steps in run.steps.groupby("pipeline"):
        for column, values in [
            ("gradient_sq", expected.gradient_sq),
            ("learning_rate", expected.rates),
        ]:
            np.testing.assert_allclose(
                of_stages(steps, column), values[pipeline], rtol=tolerance, err_msg=column
            )
    times, values = run.objective["plan_time"], run.objective["value"]
    assert times.is_monotonic_increasing and times.iloc[0] == 0
    np.testing.assert_allclose(
        values, expected.objectives(times), rtol=tolerance, err_msg="objective"
    )


def same_stale_reads(run: Run, expected: StaleReads) -> None:
    """Where nothing was applied between read and cut a sample is 0 to the last bit."""
    found = run.stale_read
    np.testing.assert_array_equal(found["microbatch"], expected.microbatches)
    np.testing.assert_array_equal(found["plan_time"], expected.times)
    np.testing.assert_allclose(found["value"], expected.values, rtol=STALE_READ)
