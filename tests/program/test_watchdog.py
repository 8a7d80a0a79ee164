"""A rank that stops holds up all others: after --patience the run fails, and names it and what was waited for."""

import os
import re
import signal
import time

import pytest

from program import LONG, quartic
from runs import FAILED, LONG_RUN, LiveRun, until


@pytest.mark.parametrize("victim, ranks, options, says", [(0, 3, (), "waits for"), (1, 2, ("--checkpoint-every", 1), ""),
                                                          *([(2, 3, (), "waits for"), (1, 2, (), "waits for")] if LONG else [])])
def test_a_rank_that_stops_is_named(victim, ranks, options, says, tmp_path):
    """And the action of a stage there, also where all ranks meet for a checkpoint."""
    with LiveRun(tmp_path / "run", *LONG_RUN, *options, "--patience", 1.5, ranks=ranks) as run:
        run.has_rows()
        stopped = rank_of(run, victim)
        os.kill(stopped, signal.SIGSTOP)
        try:
            code, errors = run.wait(20)
        finally:
            if os.path.exists(f"/proc/{stopped}"):
                os.kill(stopped, signal.SIGCONT)
    (line,) = [line for line in errors.splitlines() if line.startswith("quartic: ")]
    assert code == FAILED
    assert f"rank {victim} does not answer" in line and "--patience" in line
    assert says in line and re.search(r"run \d+[FB]\d+ of stage \d", line), line


def test_evaluating_is_no_standstill(tmp_path):
    """For longer than --patience, before a checkpoint; of two pipelines one has nothing to do meanwhile."""
    options = ("--objective", "mlp", "--stages", 2, "--hidden", "1024,1024", "--features", 64, "--rows", 32768, "--microbatch-size", 8,
               "--microbatches", 6, "--evaluate-updates", 3, "--checkpoint-every", 10, "--pipelines", 2)
    quartic("run", *options, "--patience", 0.5, "--quiet", "--out", tmp_path / "run", ranks=4, timeout=120)


def rank_of(run, number):
    """The process id of a rank."""
    for process in run.rank_processes():
        with open(f"/proc/{process}/environ", "rb") as environment:
            if f"OMPI_COMM_WORLD_RANK={number}\0".encode() in environment.read():
                return process
    raise AssertionError(f"no rank {number}")


def test_a_rank_that_is_slow_is_waited_for(tmp_path):
    with LiveRun(tmp_path / "run", *LONG_RUN, "--patience", 8, ranks=3) as run:
        run.has_rows()
        stopped = rank_of(run, 1)
        os.kill(stopped, signal.SIGSTOP)
        time.sleep(2)
        os.kill(stopped, signal.SIGCONT)
        rows = run.rows()
        until(lambda: run.rows() > rows, "the run goes on")
