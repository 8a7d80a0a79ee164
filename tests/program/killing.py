"""One trial of what a killed run leaves: used by test_killed.py and, many times over, by tests/fault/kill.py."""

import os
import shutil
import signal
import time
from dataclasses import dataclass

import h5py
import numpy as np

from program import quartic
from runs import LONG_RUN, LiveRun, attributes, read_steps, read_tables, until

# Rows are flushed every second; a step, the flush itself and a crowded machine take their time too.
LOST_SECONDS = 2.0
END_SECONDS = 10.0


@dataclass
class Death:
    ranks: int
    exit_code: int
    seconds_to_end: float
    rows: int
    seconds_lost: float
    """From the newest row of the stage that has the oldest one to the blow."""

    def __str__(self):
        where = f"a rank of {self.ranks}" if self.ranks else "the only process"
        return (f"{where}: exit code {self.exit_code} after {self.seconds_to_end:.1f} s, "
                f"{self.rows} rows, the last {self.seconds_lost:.2f} s before")


class RunClock:
    """The run's clock, as seen from outside: a row cannot be read before it has ended."""

    def __init__(self):
        self.start_ns = None

    def look(self, folder):
        try:
            newest = max(rows["backward_end_ns"][-1] for rows in read_steps(folder, live=True).values())
        except (OSError, KeyError, IndexError):
            return
        begin = time.monotonic_ns() - int(newest)
        self.start_ns = begin if self.start_ns is None else min(begin, self.start_ns)

    def now_ns(self):
        return time.monotonic_ns() - self.start_ns


def kill_one(folder, ranks, random, kind=signal.SIGKILL):
    """Starts a run, strikes one of its processes at a random moment, and checks all that must hold then."""
    with LiveRun(folder, *LONG_RUN, ranks=ranks) as run:
        run.has_rows()
        clock = RunClock()
        moment = time.monotonic() + 0.3 + 1.5 * random.random()
        while time.monotonic() < moment:
            clock.look(folder)
            time.sleep(0.02)
        os.kill(random.choice(run.rank_processes()), kind)
        struck = time.monotonic()
        struck_ns = clock.now_ns()
        code, errors = run.wait(END_SECONDS)
        seconds = time.monotonic() - struck
        assert code != 0, "the job ended as if all were well"
        assert not ranks or errors.strip(), "the job ended without a word"
    steps = read_steps(folder, live=True)
    lost = max(struck_ns - int(rows["backward_end_ns"][-1]) for rows in steps.values()) / 1e9
    check_rows(folder, steps)
    assert lost < LOST_SECONDS, f"the last row is {lost:.2f} s older than the end"
    check_gathered(folder)
    return Death(ranks, code, seconds, sum(map(len, steps.values())), lost)


def check_rows(folder, steps):
    """Rows are there without a gap from the first on, whole, and in the order of time."""
    for stage, rows in steps.items():
        assert np.array_equal(rows["microbatch"], np.arange(len(rows))), f"stage {stage}"
        assert np.array_equal(rows["version_applied"], np.arange(len(rows))), f"stage {stage}"
        assert np.all(np.diff(rows["backward_end_ns"]) > 0) and np.all(np.isfinite(rows["gradient_sq"]))
    loss = read_tables(folder, live=True)["loss"]
    assert np.array_equal(loss["microbatch"], np.arange(len(loss))) and np.all(np.isfinite(loss["loss"]))


def check_gathered(folder):
    """`quartic gather` makes one file that needs no other, of the same rows, and says that it is not complete."""
    before = read_tables(folder, live=True)
    quartic("gather", folder)
    assert not (folder / "ranks").exists()
    alone = folder / "alone"
    alone.mkdir()
    shutil.move(folder / "trace.h5", alone)
    after = read_tables(alone)
    assert before.keys() == after.keys()
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    assert attributes(alone)["complete"] == 0 and attributes(alone)["finished"]


def grows(run):
    """The live trace opens, and a moment later it holds more rows."""
    first = run.has_rows()
    with h5py.File(run.out / "trace.h5", "r", swmr=True) as file:
        steps = file["stage/0000/steps"]

        def more():
            steps.refresh()
            return len(steps) > first

        until(more, "rows grow under an open reader")
    until(lambda: run.rows() > first, "rows grow")
