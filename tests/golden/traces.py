"""Starts runs of the program and gives what their traces say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from program import quartic
from quartic_analysis import Run, load


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
