"""Exports a run's events in the trace format of Chrome and Perfetto (JSON), to show a pipeline in a trace viewer.

A process is one clock of one pipeline: plan time or wall clock. A track is a stage. A slice is an action: 0F3 is
stage 0's forward of microbatch 3. One slot or cost unit of plan time is shown as one millisecond; seconds are shown as seconds.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from .files import written_aside
from .trace import Run, TraceError

MICROSECONDS = {"second": 1e6}
"""Microseconds per unit of plan time; 1000 for slots and cost units."""
ACTIONS = {"F": "forward", "B": "backward", "I": "input gradient", "W": "weight gradient", "U": "update", "E": "evaluation"}


def trace_events(run: Run) -> list[dict]:
    """The list `traceEvents`: names of processes and tracks, then a complete event ("ph": "X", times in microseconds) for each
    action and clock. An action without a time on a clock is left out; a plan has no wall times.

    Raises TraceError for a run without --trace-events.
    """
    if run.events.empty:
        raise TraceError(f"{run.path}: has no events; repeat the run with --trace-events")
    of_plan = MICROSECONDS.get(run.time_unit, 1000.0)
    clocks = [(f"plan time, 1 {run.time_unit} = {of_plan / 1000:g} ms", "plan_begin", "plan_end", of_plan), ("wall clock", "begin_ns", "end_ns", 1e-3)]
    found: list[dict] = []
    process = 0
    for pipeline, events in run.events.groupby("pipeline"):
        for clock, begin, end, scale in clocks:
            seen = events.dropna(subset=[begin, end])
            if len(seen):
                process += 1
                found += _names(process, f"pipeline {pipeline}: {clock}", run.stages)
                found += _slices(process, seen, seen[begin] * scale, (seen[end] - seen[begin]) * scale)
    return found


def _names(process: int, name: str, stages: int) -> list[dict]:
    """Metadata: the names and the sort order of the process and its tracks."""
    named = [{"ph": "M", "name": "process_name", "pid": process, "args": {"name": name}},
             {"ph": "M", "name": "process_sort_index", "pid": process, "args": {"sort_index": process}}]  # fmt: skip
    for stage in range(stages):
        named.append({"ph": "M", "name": "thread_name", "pid": process, "tid": stage, "args": {"name": f"stage {stage}"}})
        named.append({"ph": "M", "name": "thread_sort_index", "pid": process, "tid": stage, "args": {"sort_index": stage}})
    return named


def _slices(process: int, events: pd.DataFrame, begin: pd.Series, length: pd.Series) -> list[dict]:
    rows = zip(events["stage"], events["action"], events["microbatch"], begin, length)
    return [
        {"ph": "X", "name": f"{stage}{action}{microbatch if microbatch >= 0 else ''}", "cat": ACTIONS.get(action, action),
         "pid": process, "tid": int(stage), "ts": float(at), "dur": float(duration)}
        for stage, action, microbatch, at, duration in rows
    ]  # fmt: skip


def export(run: Run, path: Path) -> int:
    """Writes the file atomically and returns the number of actions in it."""
    events = trace_events(run)
    attributes = {name: run.attributes[name] for name in ("method", "stages", "config_hash", "cost") if name in run.attributes}
    with written_aside(path) as aside:
        aside.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": attributes}))
    return sum(event["ph"] == "X" for event in events)
