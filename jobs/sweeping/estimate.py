"""How long runs will take, from those that have ended: a straight line of seconds over work."""

from __future__ import annotations

from .folder import COMPLETE, Record
from .machine import Machine
from .runs import Run


class Line:
    """Least squares of seconds = start + rate · work, both at least 0."""

    def __init__(self):
        self.points: list[tuple[float, float]] = []

    def add(self, work: float, seconds: float) -> None:
        self.points.append((work, seconds))

    def parameters(self) -> tuple[float, float]:
        count = len(self.points)
        mean_work = sum(work for work, _ in self.points) / count
        mean_seconds = sum(seconds for _, seconds in self.points) / count
        spread = sum((work - mean_work) ** 2 for work, _ in self.points)
        rate = sum((work - mean_work) * (seconds - mean_seconds) for work, seconds in self.points) / spread if spread else 0.0
        if rate * mean_work > mean_seconds:  # through the origin, then
            return 0.0, mean_seconds / mean_work
        return (mean_seconds, 0.0) if rate < 0 else (mean_seconds - rate * mean_work, rate)


class Estimate:
    """A line for each group, and one for all of them where a group has none yet."""

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
        """Of one run; None as long as nothing has ended."""
        line = self.lines.get(run.choice.group, self.all)
        if not line.points:
            return None
        start, rate = line.parameters()
        return start + rate * (run.work or 1)

    def seconds_on(self, machine: Machine, runs: list[Run]) -> float | None:
        """Of all these, side by side on the machine's cores."""
        each = [(self.seconds(run), run.cores(machine)) for run in runs]
        if any(seconds is None for seconds, _ in each):
            return None
        shared = sum(seconds * cores for seconds, cores in each) / machine.all_cores
        return max([shared, *(seconds for seconds, _ in each)], default=0.0)


def duration(seconds: float) -> str:
    """As the program's own progress shows it: 12s, 3m07s, 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02}s" if whole < 3600 else f"{whole // 3600}h{whole // 60 % 60:02}m"
