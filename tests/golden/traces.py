"""Starts runs of the program and gives what their traces say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from program import quartic
from quartic_analysis import Run, load
from retrain import Step


def run(folder: Path, *options: object) -> Run:
    """Runs the program with its run folder in `folder` and reads the trace. f is evaluated at every
    plan time unless the options say otherwise."""
    out = folder / "run"
    if "--evaluate-updates" not in options:
        options = (*options, "--evaluate-every", 1)
    quartic("run", *options, "--quiet", "--out", out, timeout=120)
    trace = load(out)
    assert trace.complete
    return trace


def of_stages(steps: pd.DataFrame, column: str) -> np.ndarray:
    """That column of `steps` as [stages, microbatches]."""
    return steps.pivot(index="stage", columns="microbatch", values=column).to_numpy()


def facts(run: Run) -> list[Step]:
    """What `retrain` needs of a run, which was made with --trace-events. An event of a whole
    minibatch has its first microbatch."""
    formed = run.events[run.events["action"].isin(["B", "W"])]
    place = ["pipeline", "stage", "microbatch"]
    ends = formed.set_index(place)["plan_end"].to_dict()
    firsts = run.steps.groupby(["pipeline", "stage", "replica", "minibatch"])["microbatch"]
    first = firsts.transform("min").to_numpy()
    return [
        Step(
            pipeline=int(row.pipeline),
            stage=int(row.stage),
            microbatch=int(row.microbatch),
            minibatch=int(row.minibatch),
            replica=int(row.replica),
            version_forward=int(row.version_forward),
            version_backward=int(row.version_backward),
            version_applied=int(row.version_applied),
            delay_own=int(row.delay_own),
            delay_oldest=int(row.delay_oldest),
            forward_begin=row.plan_forward,
            backward_begin=row.plan_backward,
            end=ends.get(
                (row.pipeline, row.stage, row.microbatch), ends[row.pipeline, row.stage, begun]
            ),
        )
        for row, begun in zip(run.steps.itertuples(), first)
    ]
