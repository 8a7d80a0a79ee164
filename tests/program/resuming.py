"""One trial of a run that is killed again and again and goes on each time: used by test_resume_killed.py and, many times over, by
tests/fault/resume.py."""

import fcntl
import math
import os
import random
import signal
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from program import quartic
from runs import DONE, LiveRun, attributes, read_tables, same_run, until
from studies import is_alive
from test_hosting import STAGES, hosted_options
from test_resume import block_updates, same_parameters

# State of every kind: stashes, tags, double buffers, replicas, blends, corrections, predictions, look-ahead, outer steps.
METHODS = ("pipedream stage", "local-sgd R=3", "timeprest chunk", "i-timeprest mono", "paci", "pipemare", "spectrain", "nesterov",
           "pipeoptim", "dc-asgd", "delay-adaptive", "pipedream-2bw", "zb-1p", "pipedream P=2", "local-sgd P=3, outer step")
OBJECTIVES = ("quadratic", "mlp float", "gpt")
RUN_SECONDS = 0.7  # of a run on two ranks, so that it can be struck in its middle; one process takes a part of that, four ranks more
RANKS = (0, 2, 3, STAGES)
MOMENTS = ("at its start", "in its middle", "in a checkpoint", "in a checkpoint")
CHECKPOINTS = 12  # of a whole run: one is nearly always in the making
FASTER = "it was faster"
END_SECONDS = 300.0  # far beyond what a busy machine needs: a hang fails the trial


@dataclass
class Story:
    """How a run came to its end."""
    method: str
    objective: str
    blows: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    went_on: int = 0

    def proves_something(self):
        return bool(self.went_on) and any(blow != FASTER for blow in self.blows)

    def __str__(self):
        return f"{self.method}, {self.objective}, ranks {'-'.join(map(str, self.ranks))}: {', '.join(self.blows)}; went on from {self.went_on} checkpoints"


class References:
    """The uninterrupted runs, each made once, in `folder`."""

    def __init__(self, folder):
        self.folder = Path(folder)

    @cache
    def of(self, method, objective):
        out = self.folder / f"{method} {objective}"
        quartic(*options_of(method, objective), "--quiet", "--out", out, timeout=END_SECONDS)
        return out


@cache
def microbatches(objective):
    """As many as take RUN_SECONDS; a multiple of 24, which every method takes."""
    tried = 240
    with tempfile.TemporaryDirectory(prefix="quartic-rate-") as folder:
        quartic("run", *hosted_options("pipedream stage", objective), "--microbatches", tried, "--quiet", "--out", Path(folder) / "run", ranks=2)
        took_s = read_tables(Path(folder) / "run")["loss"]["wall_ns"].max() / 1e9
    return math.ceil(tried * RUN_SECONDS / took_s / 24) * 24


def options_of(method, objective):
    return ("run", *hosted_options(method, objective), "--microbatches", microbatches(objective), "--seed", 3, "--save-parameters")


def strike_until_done(out, story, reference, chance):
    """Starts the run, kills a rank or all of them at a random moment, goes on with another number of ranks, one to four times, and
    then lets it end; checks that nobody can tell."""
    every = max(1, block_updates(reference) // CHECKPOINTS)
    for left in reversed(range(chance.randint(2, 5))):
        ranks = chance.choice(RANKS)
        with LiveRun(out, *what_goes_on(out, story, every), ranks=ranks) as run:
            story.ranks.append(ranks)
            struck = strike(run, chance, story) if left else []
            code, errors = run.wait(END_SECONDS)
        until(lambda: not any(map(is_alive, struck)) and is_free(out), "all ranks have ended", seconds=END_SECONDS)
        assert left or code == DONE, f"exit code {code}: {errors}"
        if code == DONE:
            break
    check(reference, out)
    story.went_on = len(attributes(out).get("resumed", "").split())


def what_goes_on(out, story, every):
    """--resume from the first moment on at which the folder is a run's."""
    if (out / "config.ini").is_file():
        return ("--resume", out)
    return (*options_of(story.method, story.objective)[1:], "--checkpoint-every", every)


def strike(run, chance, story):
    """Waits for a moment, kills, and says what it did; returns the processes of the ranks there were."""
    moment = chance.choice(MOMENTS)
    run.ranks_seen = []
    if moment == "at its start":
        time.sleep(chance.random() * (1 if run.ranks else 0.1))
    else:
        known = parts(run.out)
        until(lambda: run.process.poll() is not None or parts(run.out) - known, "a checkpoint", seconds=END_SECONDS)
        time.sleep(chance.random() * (0.3 if moment == "in its middle" else 0.01))
    ranks = ranks_of(run)
    victims, whom = ([chance.choice(ranks)], "a rank") if ranks and chance.random() < 0.5 else ([run.process.pid, *ranks], "all")
    # An ended process that nobody has waited for can be killed once more.
    hit = run.process.poll() is None and kill(victims)
    story.blows.append(f"{whom} {moment}" if hit else FASTER)
    return ranks


def parts(out):
    """Checkpoints in the making."""
    try:
        return {entry.name for entry in (out / "checkpoint").iterdir() if entry.suffix == ".part"}
    except FileNotFoundError:
        return set()


def ranks_of(run):
    while True:
        try:
            return run.rank_processes()
        except FileNotFoundError:  # one has ended between being listed and looked at
            pass


def is_free(out):
    """Whether nobody holds the run's lock: a rank that mpirun was starting when it was killed may live on for a moment."""
    try:
        with open(out / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False


def kill(processes):
    """Whether there was one to kill."""
    hit = False
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
            hit = True
        except ProcessLookupError:
            pass
    return hit


def check(reference, out):
    """Bitwise the same steps, losses, objective, stale reads and parameters; nothing else is left but checkpoints."""
    same_run(reference, out)
    same_parameters(reference, out)
    assert attributes(out)["complete"] == 1, "its trace is not complete"
    left = (set(os.listdir(out)) ^ set(os.listdir(reference))) - {"checkpoint"}
    assert not left and not parts(out), f"there is {left or parts(out)}"
