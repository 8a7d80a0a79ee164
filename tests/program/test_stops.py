"""Runs that are told to stop: by SIGUSR1 or SIGTERM, in their middle, while they evaluate, once more, too late. They leave a checkpoint
and go on from it; tests/fault/stop.sh measures how long it takes them."""

import os
import random
import signal
import time

import h5py
import pytest

from program import LONG, quartic
from runs import DONE, STOPPED, LiveRun, read_steps, same_run, until
from studies import is_alive
from test_hosting import STAGES
from test_resume import checkpoint_of


# A network whose microbatch takes milliseconds: stopped in its middle, and gone on with to a near end.
SHORT_RUN = ("--objective", "mlp", "--features", 256, "--hidden", "256,256,256", "--rows", 512, "--microbatch-size", 64, "--seed", 3)


def stopped(run, number, to_all):
    """Waits for rows of its own, sends the signal, and returns what the job said; it must have left a checkpoint."""
    before = run.has_rows()
    until(lambda: run.rows() > before, "the run goes on")
    if run.ranks and not to_all:
        os.kill(random.choice(run.rank_processes()), number)
    else:
        run.process.send_signal(number)
    code, errors = run.wait(10)
    assert code == STOPPED, errors
    assert "stopped by a signal" in errors and f"--resume {run.out}" in errors
    checkpoint_of(run.out)
    return errors


@pytest.mark.parametrize("ranks, number, to_all", [(0, signal.SIGUSR1, True), (4, signal.SIGUSR1, True), (4, signal.SIGTERM, False),
                                                   *([(0, signal.SIGTERM, True), (3, signal.SIGUSR1, False)] if LONG else [])])
def test_a_signal_ends_a_run_with_a_checkpoint(ranks, number, to_all, tmp_path):
    """Sent to the launcher, which forwards SIGUSR1, or to one rank alone. Stopped twice, and then ended."""
    out = tmp_path / "run"
    with LiveRun(out, *SHORT_RUN, "--microbatches", 100_000, ranks=ranks) as run:
        stopped(run, number, to_all)
    with LiveRun(out, "--resume", out, ranks=ranks) as run:
        stopped(run, number, to_all)
    ended = len(read_steps(out, live=True)[0])
    assert ended > 0


# What takes longer to evaluate than to train.
EVALUATED = {
    "mlp": (STAGES, ("--hidden", "128,128,128", "--features", 128, "--validation", 0.25, "--rows", 65536, "--microbatches", 1500,
                     "--evaluate-updates", 300, "--evaluate-rows", 0)),
    "logistic": (2, ("--features", 512, "--rows", 16384, "--microbatches", 1000, "--evaluate-updates", 4)),
}


def has_begun(out, start):
    """The run that was started with these options, once it is to be seen in its log; for the first time, or resumed once."""
    log = out / "log"
    return log.is_file() and ("continues after" if "--resume" in start else "hosts") in log.read_text()


@pytest.mark.parametrize("objective", EVALUATED)
def test_an_evaluation_does_not_hold_up_a_stop(objective, tmp_path):
    """What has been summed up of it goes on where it was: of a network, whose rows are swept in parts, in the middle of them. The second
    time the run may be nearly done."""
    ranks, own = EVALUATED[objective]
    options = ("--objective", objective, *own, "--microbatch-size", 8, "--drop-last", "--seed", 3)
    quartic("run", *options, "--quiet", "--out", tmp_path / "whole", timeout=120)
    out = tmp_path / "run"
    sweeps = []
    for start in (options, ("--resume", out)):
        with LiveRun(out, *start, ranks=ranks) as run:
            until(lambda: has_begun(out, start), "the run has begun")
            time.sleep(0.1 if sweeps else 0.5)
            run.process.send_signal(signal.SIGUSR1)
            code, errors = run.wait(10)
            assert code == STOPPED or (code == DONE and sweeps), errors
        if code == STOPPED:
            with h5py.File(checkpoint_of(out) / "0000-0003.h5") as last:
                sweeps.append(last["evaluation"].attrs["row_sweeps"])
    assert (max(sweeps) > 0) == (objective == "mlp"), sweeps
    quartic("run", "--resume", out, "--quiet", ranks=2, timeout=120)
    same_run(tmp_path / "whole", out)


def test_a_stop_when_all_is_trained_and_not_all_evaluated(tmp_path):
    """That takes seconds. The second time the run may be nearly done."""
    options = ("--objective", "mlp", "--hidden", "768,768,768", "--features", 256, "--rows", 32768, "--validation", 0.25, "--microbatch-size", 8,
               "--drop-last", "--microbatches", 21, "--evaluate-updates", 24, "--evaluate-rows", 0, "--seed", 3, "--pipelines", 2)
    quartic("run", *options, "--quiet", "--out", tmp_path / "whole", timeout=120)
    out = tmp_path / "run"
    for start, codes in ((options, (STOPPED,)), (("--resume", out), (STOPPED, DONE))):
        with LiveRun(out, *start, ranks=STAGES) as run:
            until(lambda: has_begun(out, start) and run.rows() == 21, "all is trained")
            run.process.send_signal(signal.SIGUSR1)
            code, errors = run.wait(10)
            assert code in codes, errors
    quartic("run", "--resume", out, "--quiet", ranks=2, timeout=120)
    same_run(tmp_path / "whole", out)


def test_a_second_signal_ends_a_run_at_once(tmp_path):
    """Steps of a second, so that the first has no time to. What comes within a second is the first one told twice, as batch systems do; and
    a launcher may be late to hand on its SIGTERM as SIGUSR1."""
    slow = ("--objective", "mlp", "--hidden", "1024,1024,1024", "--rows", 8192, "--microbatch-size", 8192, "--microbatches", 1000)
    with LiveRun(tmp_path / "run", *slow) as run:
        until(lambda: (tmp_path / "run" / "trace.h5").is_file(), "the run has begun")
        time.sleep(1)
        for number, seconds in ((signal.SIGTERM, 0.05), (signal.SIGTERM, 1.1), (signal.SIGUSR1, 0.3), (signal.SIGUSR1, 0)):
            assert run.process.poll() is None
            run.process.send_signal(number)
            time.sleep(seconds)
        code, _ = run.wait(5)
        assert code == -signal.SIGUSR1


def test_signals_that_come_too_late_change_nothing(tmp_path):
    """They go on while the run, which has stopped or ended, says goodbye."""
    out = tmp_path / "run"
    for options in ((*SHORT_RUN, "--microbatches", 100_000), ("--resume", out)):
        with LiveRun(out, *options, ranks=2) as run:
            before = run.has_rows()
            until(lambda: run.rows() > before, "the run goes on")
            ranks = run.rank_processes()
            for _ in range(15):
                for rank in ranks:
                    if is_alive(rank):
                        os.kill(rank, signal.SIGTERM)
                time.sleep(0.05)
            code, errors = run.wait()
        assert code == STOPPED, errors
