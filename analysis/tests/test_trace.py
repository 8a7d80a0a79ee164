"""The reader: finished, live and crashed runs, and what it refuses."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from quartic_analysis import TraceError, load, theory
from recorded import STALE_READ, Recording, record, write_finished

STAGES, MICROBATCHES = 4, 40


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(STAGES, MICROBATCHES)


@pytest.fixture
def folder(recording: Recording, tmp_path: Path) -> Path:
    write_finished(recording, tmp_path)
    return tmp_path


class LiveRun:
    """A run in another process that goes on when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = Path(__file__).with_name("live_writer.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), str(folder), str(STAGES), str(MICROBATCHES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write_up_to(self, rows: int) -> None:
        self.process.stdin.write(f"{rows}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{rows}\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def live_run(tmp_path: Path) -> Iterator[LiveRun]:
    run = LiveRun(tmp_path / "run")
    yield run
    run.kill()


def test_a_finished_run_is_read_whole(folder: Path, recording: Recording) -> None:
    run = load(folder)
    assert (run.method, run.stages, run.complete, run.time_unit) == ("pipedream", 4, True, "slot")
    assert run.config["learning-rate"] == "0.0625"
    assert len(run.steps) == STAGES * MICROBATCHES
    assert len(run.events) == 2 * STAGES * MICROBATCHES
    assert set(run.events["action"]) == {"F", "B"}
    assert run.blocks["parameters"].tolist() == [16, 16, 16, 16]
    assert run.memory["weights_bytes"].tolist() == [512]
    np.testing.assert_array_equal(run.loss["loss"], recording.loss["loss"])
    np.testing.assert_array_equal(run.objective["value"], recording.objective["value"])
    np.testing.assert_array_equal(run.objective["plan_time"], recording.objective["plan_time"])


def test_what_the_ranks_computed_with(folder: Path) -> None:
    row = np.dtype([("start", "i4"), ("rank", "i4"), ("cpu", "S96"), ("threads", "i4")])
    with h5py.File(folder / "trace.h5", "r+") as file:
        file["ranks"] = np.array([(0, 0, "Prozessor für Großes".encode(), 1), (1, 0, b"another", 2)], row)
    ranks = load(folder).ranks
    assert ranks["start"].tolist() == [0, 1] and ranks["threads"].tolist() == [1, 2]
    assert ranks["cpu"].tolist() == ["Prozessor für Großes", "another"]


def test_the_file_can_be_named_instead_of_the_folder(folder: Path) -> None:
    assert load(str(folder / "trace.h5")).path == load(folder).path


def test_undefined_values_are_nan_and_names_stay_integers(folder: Path) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        rows = file["stage/0002/steps"][()]
        rows["weight_copies"][5] = -1
        rows["wait_ns"] = -1
        file["stage/0002/steps"][:] = rows
    steps = load(folder).steps.query("stage == 2")
    assert steps["weight_copies"].isna().sum() == 1
    assert steps["wait_ns"].isna().all()
    assert steps["microbatch"].dtype == np.int64
    assert steps["delay_own"].dtype == np.float64


def test_the_steady_state_leaves_out_warm_up_and_drain(folder: Path) -> None:
    run = load(folder)
    assert run.steady_window() == range(16, 36)
    for stage, rows in run.steady().groupby("stage"):
        assert set(rows["staleness"]) == {theory.staleness(STAGES, stage)}
        assert set(rows["delay_own"]) == {theory.own_delay(STAGES, stage)}
        assert set(rows["delay_oldest"]) == {theory.oldest_delay(STAGES, stage)}


def test_the_steady_state_of_a_short_run_is_its_middle_third(tmp_path: Path) -> None:
    write_finished(record(4, 20), tmp_path)
    assert load(tmp_path).steady_window() == range(6, 14)


def test_the_steady_state_counts_minibatches(folder: Path) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.attrs["config"] = "accumulate = 2\nmicrobatches = 80\n"
    assert load(folder).steady_window() == range(32, 72)


def test_an_unfinished_run_counts_what_all_stages_have(folder: Path) -> None:
    """Stages write their rows at different moments."""
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.attrs["complete"] = 0
        file["stage/0001/steps"].resize((35,))
        file["stage/0003/steps"].resize((31,))
    assert load(folder).microbatches == 31
    with h5py.File(folder / "trace.h5", "r+") as file:
        file["stage/0002/steps"].resize((0,))
    assert load(folder).microbatches == 0


def test_a_live_run_grows_and_a_killed_one_keeps_its_flushed_rows(live_run: LiveRun) -> None:
    live_run.write_up_to(10)
    run = load(live_run.folder)
    assert not run.complete
    assert run.steps.groupby("stage").size().tolist() == [10] * STAGES
    assert len(run.loss) == 10
    live_run.write_up_to(30)
    assert run.steps.groupby("stage").size().tolist() == [10] * STAGES
    assert load(live_run.folder).steps.groupby("stage").size().tolist() == [30] * STAGES
    live_run.kill()
    crashed = load(live_run.folder)
    assert not crashed.complete
    assert crashed.microbatches == 30
    assert crashed.steps.groupby("stage").size().tolist() == [30] * STAGES
    assert crashed.steady_window() == range(16, 26)


def test_stages_of_other_pipelines_follow_by_pipeline(folder: Path) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.copy("stage", file.create_group("pipeline/0001"))
        del file["pipeline/0001/stage/0000/steps"]
    alone, both = load(folder).steps.query("pipeline == 0"), load(folder).steps
    assert len(both) == 2 * len(alone) - len(alone.query("stage == 0"))
    assert both["pipeline"].is_monotonic_increasing
    assert set(both.query("pipeline == 1")["stage"]) == set(alone["stage"]) - {0}


def test_stale_reads_of_an_unfinished_run_are_those_that_all_stages_have(folder: Path) -> None:
    assert load(folder).stale_read.empty
    rng = np.random.default_rng(0)
    parts = rng.random((STAGES, 6))
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.attrs["complete"] = 0
        for stage, rows in enumerate((6, 4, 5, 6)):
            table = np.zeros(rows, STALE_READ)
            table["microbatch"] = 5 * np.arange(rows)
            table["plan_time"] = table["microbatch"] + 7.5
            table["value"] = parts[stage, :rows]
            file[f"stage/{stage:04}/stale_read"] = table
    live = load(folder).stale_read
    assert live["microbatch"].tolist() == [0, 5, 10, 15]
    assert live["plan_time"].tolist() == [7.5, 12.5, 17.5, 22.5]
    first, second, third, fourth = parts[:, :4]
    assert live["value"].tolist() == (((first + second) + third) + fourth).tolist()
    with h5py.File(folder / "trace.h5", "r+") as file:
        file["stale_read"] = table[:2]
    assert load(folder).stale_read["value"].tolist() == parts[3, :2].tolist()


def test_a_missing_shard_is_named(live_run: LiveRun) -> None:
    live_run.write_up_to(1)
    live_run.kill()
    (live_run.folder / "ranks" / "0001.h5").unlink()
    refused(live_run.folder, "0001.h5")


def refused(path: Path, *words: str) -> None:
    """`load` raises a TraceError of one line with those words and the file's name."""
    with pytest.raises(TraceError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (path.name, *words):
        assert word in message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "trace.h5", "no such file")
    refused(tmp_path / "other.h5", "no such file")


def test_a_file_that_is_not_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.h5").write_text("loss,0.5\n")
    refused(tmp_path, "not an HDF5 file")


def test_a_truncated_file_is_refused(folder: Path) -> None:
    trace = folder / "trace.h5"
    trace.write_bytes(trace.read_bytes()[:2000])
    refused(folder, "trace.h5")


def test_an_hdf5_file_that_is_not_a_trace_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"] = np.zeros((2, 2))
    refused(tmp_path / "data.h5", "not a trace", "format_version")


def test_an_unknown_format_version_is_refused(folder: Path) -> None:
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.attrs["format_version"] = 2
    refused(folder, "format version 2", "supports version 1")


def test_a_locked_file_names_the_variable_that_helps(folder: Path) -> None:
    with (folder / "trace.h5").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused(folder, "HDF5_USE_FILE_LOCKING=FALSE")


def test_rows_that_a_damaged_shard_has_cost_are_left_out(tmp_path: Path) -> None:
    """The attribute gap says that there are some, and load() warns; they are undefined in the file."""
    write_finished(record(4, 40), tmp_path)
    with h5py.File(tmp_path / "trace.h5", "r+") as file:
        file.attrs["gap"] = "/stage/0001/steps: 8 of 40 rows are lost"
        rows = file["stage/0001/steps"][()]
        rows["microbatch"][:8] = -1
        file["stage/0001/steps"][...] = rows
    with pytest.warns(UserWarning, match="lost or altered .*: /stage/0001/steps: 8 of 40 rows are lost"):
        steps = load(tmp_path).steps
    assert len(steps) == 4 * 40 - 8 and steps["microbatch"].min() == 0
