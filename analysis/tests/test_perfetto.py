"""The exported JSON is a trace that viewers read, and shows every action of the run on every clock."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import h5py
import pytest

import export_perfetto
from quartic_analysis import load
from recorded import SLOT_NS, record, write_finished

STAGES, MICROBATCHES = 3, 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_finished(record(STAGES, MICROBATCHES), tmp_path / "run")
    return tmp_path / "run"


def exported(folder: Path) -> dict:
    out = folder.parent / "out.json"
    assert export_perfetto.main([str(folder), str(out)]) == 0
    return json.loads(out.read_text())


def test_every_action_is_a_slice_on_both_clocks(folder: Path) -> None:
    events = exported(folder)["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    run = load(folder)
    assert len(slices) == 2 * len(run.events)
    assert Counter(event["name"] for event in slices) == {
        f"{stage}{kind}{j}": 2 for stage in range(STAGES) for kind in "FB" for j in range(MICROBATCHES)
    }
    for event in slices:
        assert event.keys() == {"ph", "name", "cat", "pid", "tid", "ts", "dur"}
        assert event["dur"] > 0 and event["ts"] >= 0
        assert event["tid"] == int(event["name"][0])
        assert event["cat"] == {"F": "forward", "B": "backward"}[event["name"][1]]


def test_times_are_microseconds(folder: Path) -> None:
    """A slot of the plan is shown as a millisecond; the recording's wall clock has a millisecond a slot."""
    assert SLOT_NS == 1_000_000
    slices = [event for event in exported(folder)["traceEvents"] if event["name"] == "2B5"]
    row = load(folder).events.query("stage == 2 and action == 'B' and microbatch == 5").iloc[0]
    assert [(event["ts"], event["dur"]) for event in slices] == [(1000 * row["plan_begin"], 1000)] * 2


def test_processes_and_tracks_have_names(folder: Path) -> None:
    names = [event for event in exported(folder)["traceEvents"] if event["ph"] == "M"]
    processes = {event["pid"]: event["args"]["name"] for event in names if event["name"] == "process_name"}
    assert list(processes.values()) == ["pipeline 0: plan time, 1 slot = 1 ms", "pipeline 0: wall clock"]
    tracks = {(event["pid"], event["tid"]): event["args"]["name"] for event in names if event["name"] == "thread_name"}
    assert tracks == {(pid, stage): f"stage {stage}" for pid in processes for stage in range(STAGES)}


def test_a_plan_has_no_wall_clock(folder: Path) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        for stage in file["stage"].values():
            rows = stage["events"][()]
            rows["begin_ns"] = rows["end_ns"] = -1
            stage["events"][:] = rows
    events = exported(folder)["traceEvents"]
    assert {event["pid"] for event in events} == {1}


def test_a_run_without_events_is_refused_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        for stage in file["stage"].values():
            del stage["events"]
    assert export_perfetto.main([str(folder), str(folder / "out.json")]) == 2
    said = capsys.readouterr().err
    assert "--trace-events" in said and said.count("\n") == 1
    assert not (folder / "out.json").exists()
    assert export_perfetto.main([str(folder / "none"), str(folder / "out.json")]) == 2
