"""What a finished run should have done, from the independent planner, and that its trace agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from planner import TICKS, Plan, plan
from quartic_analysis import Run
from retrain import Step

COLUMNS = {
    "plan_forward": "forward_begin",
    "plan_backward": "backward_begin",
    **{
        name: name
        for name in (
            "minibatch", "replica", "version_forward", "version_backward", "version_applied",
            "staleness", "drift", "delay_own", "delay_oldest",
        )
    },
}  # fmt: skip
"""The columns of `steps` that a plan decides, each with the name that `Step` has for it."""


def plan_of(run: Run) -> Plan:
    """The plan of one pipeline of a run, from the run's options."""
    options = run.config
    counts = (int(options.pop(name)) for name in ("stages", "microbatches", "accumulate"))
    seed = int(options.pop("seed"))
    return plan(options.pop("method"), *counts, cost=options.pop("cost"), seed=seed, **options)


def same_plan(run: Run, expected: Plan) -> None:
    """Every pipeline of a run with --trace-events has the plan's passes and steps, all exactly."""
    passes = sorted(
        (p.action.stage, p.begin / TICKS, p.end / TICKS, p.action.kind, p.action.microbatch)
        for p in expected.passes
    )
    steps = sorted(expected.steps, key=lambda step: step.place)
    events = run.events[run.events["action"].isin(list("FBIW"))]
    for pipeline in range(int(run.config["pipelines"])):
        found = _of(events, pipeline).sort_values(["stage", "plan_begin"])
        for at, name in enumerate(("stage", "plan_begin", "plan_end", "action", "microbatch")):
            np.testing.assert_array_equal(found[name], [p[at] for p in passes], err_msg=name)
        found = _of(run.steps, pipeline).sort_values(["stage", "microbatch"])
        for name in ("stage", "microbatch"):
            np.testing.assert_array_equal(found[name], [getattr(step, name) for step in steps])
        for name, attribute in COLUMNS.items():
            values = [getattr(step, attribute) for step in steps]
            np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert run.events["plan_end"].max() == expected.makespan


def _of(table: pd.DataFrame, pipeline: int) -> pd.DataFrame:
    return table[table["pipeline"] == pipeline]


def planned_steps(run: Run) -> list[Step]:
    """What `retrain` needs of a run with --trace-events: the steps of all pipelines by the planner, with which the
    trace agrees."""
    expected = plan_of(run)
    same_plan(run, expected)
    pipelines = range(int(run.config["pipelines"]))
    return [replace(step, pipeline=p) for p in pipelines for step in expected.steps]
