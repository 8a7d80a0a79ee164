"""A study's folder becomes one table; what is missing, damaged or diverged has a row too."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from quartic_analysis import TraceError, load, load_study
from recorded import record, write_finished


def write_study(folder: Path, runs: list[dict]) -> None:
    description = {"study": "small", "size": "quick", "question": "How many?", "runs": runs}
    (folder / "study.json").write_text(json.dumps(description))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs of 2 and 4 stages, one that was never made, and one that the study does not want."""
    for stages, name in ((2, "aa"), (4, "bb"), (4, "old")):
        write_finished(record(stages, 40), tmp_path / name)
    options = [{"stages": 2}, {"stages": 4}, {"stages": 8, "shuffle": True}]
    write_study(tmp_path, [{"folder": name, "group": "pipedream", "options": given} for name, given in zip(("aa", "bb", "cc"), options)])
    return tmp_path


def test_one_row_a_run_that_the_study_wants_in_its_order(folder: Path) -> None:
    study = load_study(folder)
    assert (study.name, study.size, study.question) == ("small", "quick", "How many?")
    table = study.table
    assert table["folder"].tolist() == ["aa", "bb", "cc"]
    assert table["stages"].tolist() == [2, 4, 8]
    assert table["complete"].tolist() == [True, True, False]
    assert table["learning-rate"].tolist()[:2] == [0.0625, 0.0625]
    assert table.columns[:4].tolist() == ["folder", "group", "complete", "diverged"] and not table["stale"].any()
    assert study.complete["folder"].tolist() == ["aa", "bb"]
    assert "3 runs, 2 complete, 1 **missing**" in study.state()


@pytest.mark.parametrize("mtime", [None, 1])
@pytest.mark.parametrize("text", ["abc", "abd", "ab", None])
def test_runs_of_data_that_has_changed_are_stale(folder: Path, text: str | None, mtime: int | None) -> None:
    """By what is in the files, not by their times; without its data a run is what it is."""
    path = folder / "mine.txt"
    path.write_text("abc")
    contents = {f"data {path}": {"bytes": 3, "modified_ns": path.stat().st_mtime_ns, "crc32": zlib.crc32(b"abc")}}
    write_study(folder, [{"folder": name, "group": "g", "options": {}, "contents": found} for name, found in (("aa", contents), ("bb", {}))])
    path.write_text(text) if text else path.unlink()
    if text and (mtime or text != "abc"):
        os.utime(path, (1, 1))
    study = load_study(folder)
    stale = text in ("abd", "ab")
    assert study.stale == (["aa"] if stale else []) and study.table["stale"].tolist() == [stale, False]
    assert study.table["complete"].tolist() == [not stale, True]
    assert ("1 complete, 1 **stale**." if stale else "2 complete.") in study.state()


def test_runs_that_others_of_new_data_have_replaced_are_stale(folder: Path) -> None:
    write_study(folder, [{"folder": "aa", "group": "g", "options": {}, "config_hash": "c1"}])
    (folder / "bb" / "sweep.json").write_text(json.dumps({"outcome": "complete", "config_hash": "c1"}))
    (folder / "old" / "sweep.json").write_text(json.dumps({"outcome": "complete", "config_hash": "c2"}))
    study = load_study(folder)
    assert study.stale == ["bb"] and study.table["folder"].tolist() == ["aa"] and "1 complete, 1 **stale**" in study.state()


def test_summaries_are_those_of_the_run(folder: Path) -> None:
    row, run = load_study(folder).table.iloc[1], load(folder / "bb")
    assert row["objective_first"] == run.objective["value"].iloc[0]
    assert row["objective_last"] == run.objective["value"].iloc[-1]
    assert row["plan_end"] == run.objective["plan_time"].iloc[-1]
    assert row["weights_bytes"] == 512
    assert row["time_unit"] == "slot"
    assert np.isnan(row["stale_read_mean"]) and np.isnan(row["validation_last"])


def test_stale_reads_are_averaged_over_the_steady_state(folder: Path) -> None:
    rows = np.array([(j, 2.0 * j, 1.0 if j < 16 else 5.0) for j in range(36)], dtype=[("microbatch", "i8"), ("plan_time", "f8"), ("value", "f8")])
    with h5py.File(folder / "bb" / "trace.h5", "r+") as file:
        file["stale_read"] = rows
    assert load_study(folder).table["stale_read_mean"].iloc[1] == 5  # the steady state begins at 4S = 16
    assert len(load(folder / "bb").stale_read) == 36


def test_runs_are_read_when_asked_for(folder: Path) -> None:
    study = load_study(folder)
    assert len(study.runs["bb"].steps) == 160
    some = study.runs.read("bb", ("steps",), ("microbatch", "delay_own"))
    assert some.objective.empty and some.events.empty
    assert some.steps.columns.tolist() == ["pipeline", "stage", "microbatch", "delay_own"]
    np.testing.assert_array_equal(some.steady()["delay_own"], study.runs["bb"].steady()["delay_own"])
    with pytest.raises(KeyError):
        study.runs["old"]


def test_a_damaged_run_is_missing_and_a_diverged_one_is_told_apart(folder: Path) -> None:
    (folder / "aa" / "trace.h5").write_bytes(b"torn")
    (folder / "bb" / "sweep.json").write_text('{"outcome": "diverged"}')
    with h5py.File(folder / "bb" / "trace.h5", "r+") as file:
        file.attrs["complete"] = 0
    study = load_study(folder)
    assert study.table["complete"].tolist() == [False, False, False]
    assert study.table["diverged"].tolist() == [False, True, False]
    assert study.measured(lambda run: 1.0).isna().tolist() == [True]
    assert "1 diverged, 2 **missing**" in study.state()


def test_a_number_of_every_run_that_ended(folder: Path) -> None:
    study = load_study(folder)
    found = study.measured(lambda run: float(len(run.objective)))
    assert found.index.tolist() == [0, 1]
    assert found[1] == len(load(folder / "bb").objective)


def test_without_a_list_every_folder_with_a_trace_is_taken(folder: Path) -> None:
    (folder / "study.json").unlink()
    study = load_study(folder)
    assert study.table["folder"].tolist() == ["aa", "bb", "old"]
    assert study.name == folder.name


@pytest.mark.parametrize("text", ["{", "[]", '{"study": "a"}'])
def test_a_list_that_is_none_is_refused_in_one_line(folder: Path, text: str) -> None:
    (folder / "study.json").write_text(text)
    with pytest.raises(TraceError, match="study.json: not a study's list of runs") as caught:
        load_study(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="holds no run"):
        load_study(tmp_path)
    with pytest.raises(TraceError, match="no such folder"):
        load_study(tmp_path / "none")
