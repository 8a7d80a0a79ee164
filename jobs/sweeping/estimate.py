"""Estimates the time of runs from the complete ones: a straight line of seconds over work."""

from __future__ import annotations

from .folder import COMPLETE, Record
from .machine import Machine
from .runs import Run


class Line:
    """Fits seconds = start + rate · work by least squares, with start and rate at least 0. Only means and moments are stored."""

    def __init__(self):
        self.count = 0
        self.work = self.seconds = 0.0  # means
        self.spread = self.slope = 0.0  # sums of squares and of products around them

    def add(self, work: float, seconds: float) -> None:
        self.count += 1
        beyond = work - self.work
        self.work += beyond / self.count
        self.seconds += (seconds - self.seconds) / self.count
        self.spread += beyond * (work - self.work)
        self.slope += beyond * (seconds - self.seconds)

    def at(self, work: float) -> float:
        rate = max(0.0, self.slope / self.spread) if self.spread else 0.0
        if rate * self.work > self.seconds:  # it would start below 0
            return self.seconds * work / self.work
        return self.seconds + rate * (work - self.work)


class Estimate:
    """One line per group, and one line for all groups, used for groups without complete runs."""

    def __init__(self, runs: list[Run]):
        self.lines: dict[str, Line] = {}
        self.all = Line()
        for run in runs:
            record = run.folder.record() if run.folder else None
            if record:
                self.learn(run, record)

    def learn(self, run: Run, record: Record) -> None:
        if record.outcome == COMPLETE:
            for line in (self.lines.setdefault(run.choice.group, Line()), self.all):
                line.add(run.work or 1, record.seconds)

    def seconds(self, run: Run) -> float | None:
        """The estimated seconds of one run; None if no run is complete yet."""
        line = self.lines.get(run.choice.group, self.all)
        return line.at(run.work or 1) if line.count else None

    def seconds_on(self, machine: Machine, runs: list[Run]) -> float | None:
        """The estimated seconds of all these runs, executed in parallel on the machine's cores."""
        each = [(self.seconds(run), run.cores(machine)) for run in runs]
        if any(seconds is None for seconds, _ in each):
            return None
        shared = sum(seconds * cores for seconds, cores in each) / machine.all_cores
        return max([shared, *(seconds for seconds, _ in each)], default=0.0)


def duration(seconds: float) -> str:
    """A duration as text, in the format of quartic's progress line: 12s, 3m07s, 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02}s" if whole < 3600 else f"{whole // 3600}h{whole // 60 % 60:02}m"
