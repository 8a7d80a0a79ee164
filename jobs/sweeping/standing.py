"""The state of every run of a study, and the runs that have to be executed."""

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
    """The reason of a failure without a record: the run was not started."""

    @property
    def is_done(self) -> bool:
        return self.state == COMPLETE or (self.state == DIVERGED and self.run.choice.may_diverge)

    @property
    def is_failure(self) -> bool:
        return self.state in (FAILED, KILLED) or (self.state == DIVERGED and not self.run.choice.may_diverge)

    @property
    def is_open(self) -> bool:
        """Whether --local executes the run. Failed runs are excluded, because they would only fail again."""
        return self.state in (MISSING, STOPPED, KILLED)


def standings(runs: list[Run], queue: Queue = Queue()) -> list[Standing]:
    """The states of the runs. A run that two groups share appears in both."""
    return [standing(run, queue) for run in runs]


def standing(run: Run, queue: Queue) -> Standing:
    state, record = run.folder.state() if run.folder else (MISSING, None)
    if state not in (COMPLETE, RUNNING) and run.name in queue.queued:
        return Standing(run, QUEUED, record)
    if state == MISSING and run.name in queue.not_started:
        return Standing(run, FAILED, None, queue.not_started[run.name])
    return Standing(run, state, record)


def to_make(some: list[Standing], retry: bool) -> list[Run]:
    """The missing, stopped and killed runs, each folder once. With `retry` also the failed runs."""
    return list({one.run.name: one.run for one in some if one.is_open or (retry and one.is_failure)}.values())


def at_work(some: list[Standing]) -> list[Run]:
    """The runs that another sweep is executing."""
    return list({one.run.name: one.run for one in some if one.state == RUNNING}.values())


def counts(some: list[Standing]) -> Counter:
    return Counter(one.state for one in some)
