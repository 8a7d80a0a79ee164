"""How a study stands: the state of each of its runs, and what is to be made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .folder import COMPLETE, DIVERGED, FAILED, KILLED, MISSING, RUNNING, STOPPED, Record
from .runs import Run
from .slurm import Queue

QUEUED = "queued"
STATES = (COMPLETE, RUNNING, QUEUED, STOPPED, MISSING, DIVERGED, FAILED, KILLED)


@dataclass(frozen=True)
class Standing:
    run: Run
    state: str
    record: Record | None
    reason: str = ""
    """Of a failure that has no record, because the run was not started."""

    @property
    def is_done(self) -> bool:
        return self.state == COMPLETE or (self.state == DIVERGED and self.run.choice.may_diverge)

    @property
    def is_failure(self) -> bool:
        return self.state in (FAILED, KILLED) or (self.state == DIVERGED and not self.run.choice.may_diverge)

    @property
    def is_open(self) -> bool:
        """Whether a sweep makes it without being told to: what failed by its own fault would only fail again."""
        return self.state in (MISSING, STOPPED, KILLED)


def standings(runs: list[Run], queue: Queue = Queue()) -> list[Standing]:
    """A run that two groups share stands in both."""
    return [standing(run, queue) for run in runs]


def standing(run: Run, queue: Queue) -> Standing:
    state, record = run.folder.state() if run.folder else (MISSING, None)
    if state not in (COMPLETE, RUNNING) and run.name in queue.queued:
        return Standing(run, QUEUED, record)
    if state == MISSING and run.name in queue.not_started:
        return Standing(run, FAILED, None, queue.not_started[run.name])
    return Standing(run, state, record)


def to_make(some: list[Standing], retry: bool) -> list[Run]:
    """What is missing, has stopped or was killed, each folder once; with retry what failed too."""
    return list({one.run.name: one.run for one in some if one.is_open or (retry and one.is_failure)}.values())


def at_work(some: list[Standing]) -> list[Run]:
    """What another sweep makes now."""
    return list({one.run.name: one.run for one in some if one.state == RUNNING}.values())


def counts(some: list[Standing]) -> Counter:
    return Counter(one.state for one in some)
