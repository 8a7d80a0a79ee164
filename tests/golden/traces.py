"""Starts runs of the program and gives what their traces say."""

from __future__ import annotations

from pathlib import Path

import h5py
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


def steps_of_pipelines(run: Run) -> list[pd.DataFrame]:
    """`steps` of every pipeline; those but the first are under /pipeline."""
    with h5py.File(run.path, "r") as file:
        others = [
            pd.concat(
                pd.DataFrame(of_stage["steps"][()]).assign(stage=int(stage))
                for stage, of_stage in pipeline["stage"].items()
            )
            for pipeline in file.get("pipeline", {}).values()
        ]
    return [run.steps, *others]


def facts(run: Run) -> list[Step]:
    """What `retrain` needs of a run, which was made with --trace-events. All pipelines keep to one
    plan."""
    formed = run.events[run.events["action"].isin(["B", "W"])]
    ends = formed.set_index(["stage", "microbatch"])["plan_end"].to_dict()
    return [
        Step(
            pipeline,
            int(row.stage),
            int(row.microbatch),
            int(row.minibatch),
            int(row.replica),
            int(row.version_forward),
            int(row.version_backward),
            int(row.version_applied),
            row.plan_forward,
            row.plan_backward,
            ends.get((row.stage, row.microbatch), np.nan),
        )
        for pipeline, steps in enumerate(steps_of_pipelines(run))
        for row in steps.itertuples()
    ]
