"""Executes runs on this machine or inside a job, as many at once as the cores allow."""

from __future__ import annotations

import time
from pathlib import Path

from .attempt import Attempt
from .folder import COMPLETE
from .machine import Machine
from .progress import Progress
from .runs import Run
from .wakeup import Wakeup

BUSY_SECONDS = 0.2  # between two looks at a run that another sweep makes
OUTLIVE_SECONDS = 60  # that ranks may their launcher: Slurm's KillWait is 30


class Stopped(Exception):
    """The sweep was stopped by Ctrl-C or a signal. Its runs have ended too, with a checkpoint if they could write one."""


def are_free(runs: list[Run]) -> bool:
    """Waits for ranks that outlive their launcher. False if another process is executing one of the runs."""
    end = time.monotonic() + OUTLIVE_SECONDS
    while any(run.folder.is_locked() for run in runs):
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)
    return True


class Pool:
    """Executes the given runs. A run whose folder is locked belongs to another sweep: the pool waits for it and does not execute it again."""

    def __init__(self, runs: list[Run], machine: Machine, program: Path, progress: Progress):
        # The widest first, so that the last do not wait for all cores at once; then the longest.
        self.todo = sorted(runs, key=lambda run: (run.cores(machine), progress.estimate.seconds(run) or run.work or 1), reverse=True)
        self.before = {id(run): run.folder.record() for run in runs}
        self.machine = machine
        self.program = program
        self.progress = progress
        self.attempts: list[Attempt] = []
        self.begun: list[Run] = []
        self.is_blocked = False
        self.stops = 0  # that it has heeded

    def execute(self) -> None:
        """Returns when each run has its record and its last rank has ended. Raises Stopped after a signal to end."""
        with Wakeup() as wakeup:
            try:
                while self.todo or self.attempts:
                    self.start_what_fits()
                    self.progress.show(self.attempts)
                    wakeup.wait(self.patience())
                    if wakeup.stops > self.stops:
                        self.stop(wakeup.stops)
                    elif wakeup.warned:
                        self.todo.clear()
                        self.ask_all_to_end()
                    self.collect()
                if self.stops:
                    raise Stopped
            finally:
                self.ask_all_to_end()
                for attempt in self.attempts:
                    attempt.abandon()
                self.progress.close()
                are_free(self.begun)

    def start_what_fits(self) -> None:
        free = self.machine.all_cores - sum(attempt.cores for attempt in self.attempts)
        self.is_blocked = False
        for run in list(self.todo):
            if free <= 0:
                return
            if run.cores(self.machine) <= free:
                free -= self.take(run)

    def take(self, run: Run) -> int:
        """Starts the run and returns the cores that it takes: 0 if another sweep is executing it or has done so since this sweep began."""
        lock = run.folder.lock()
        if lock is None:
            self.is_blocked = True
            return 0
        self.todo.remove(run)
        record = run.folder.record()
        if record and (record.outcome == COMPLETE or record != self.before[id(run)]):
            lock.release()
            self.progress.ended(run, record)
            return 0
        self.attempts.append(Attempt(run, lock, self.machine, self.program))
        self.begun.append(run)
        return self.attempts[-1].cores

    def collect(self) -> None:
        for attempt in list(self.attempts):
            if record := attempt.poll():
                self.attempts.remove(attempt)
                self.progress.ended(attempt.run, record)

    def stop(self, stops: int) -> None:
        """At the first request the runs stop with a checkpoint. At the second they end at once."""
        self.todo.clear()
        if self.stops > 0:
            for attempt in self.attempts:
                attempt.ask_to_end()
        else:
            self.ask_all_to_end()
            if self.attempts:
                self.progress.say(f"stopping {len(self.attempts)} runs, with a checkpoint if they can; repeat Ctrl-C to end them at once")
        self.stops = stops

    def ask_all_to_end(self) -> None:
        """Asks all runs to end, except runs that are already stopping: for them it would be the second request."""
        for attempt in self.attempts:
            if not attempt.is_asked:
                attempt.ask_to_end()

    def patience(self) -> float:
        """Seconds until the pool must check its runs, even if no child process has ended."""
        if not self.todo and not self.attempts:
            return 0.0
        nearest = min((attempt.due for attempt in self.attempts), default=float("inf")) - time.monotonic()
        return max(0.0, min(BUSY_SECONDS if self.is_blocked else self.progress.period, nearest))
