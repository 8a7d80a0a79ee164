"""How a run spent its wall time."""

from __future__ import annotations

import pandas as pd

from .trace import Run


def wall_shares(run: Run) -> pd.DataFrame:
    """Shares of the run's wall time, one row per stage: `forward`, `backward`, `waiting` (blocked on
    messages) and `rest` (updates, evaluation, other stages of the same rank, records).

    The shares are relative to the time from the begin of the first forward to the end of the last backward of all stages.
    The trace must contain every row of `steps` (--trace-every 1); otherwise the shares are too small.
    """
    steps = run.steps
    whole = steps["backward_end_ns"].max() - steps["forward_begin_ns"].min()
    spent = pd.DataFrame(
        {
            "stage": steps["stage"],
            "forward": steps["forward_end_ns"] - steps["forward_begin_ns"],
            "backward": steps["backward_end_ns"] - steps["backward_begin_ns"],
            "waiting": steps["wait_ns"],
        }
    )
    shares = spent.groupby("stage").sum() / whole
    shares["rest"] = 1 - shares.sum(axis=1)
    return shares
