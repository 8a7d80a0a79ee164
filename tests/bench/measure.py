"""Runs commands and keeps what they took; a row of the table of results."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MPIRUN = str(REPOSITORY / "jobs" / "mpirun.sh")
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
# What is measured is what a user gets who has set nothing.
ENVIRONMENT.pop("OPENBLAS_CORETYPE", None)


@dataclass
class Sample:
    wall_s: float
    resident_mb: float
    output: str


@dataclass
class Row:
    """`values` are in `unit`, one a run; `most` or `least` is the target for their median."""

    what: str
    command: str
    unit: str
    values: list
    most: float | None = None
    least: float | None = None

    def target(self):
        if self.most is not None and self.least is not None:
            return f"{number(self.least)} to {number(self.most)} {self.unit}"
        if self.most is not None:
            return f"≤ {number(self.most)} {self.unit}"
        return "" if self.least is None else f"≥ {number(self.least)} {self.unit}"

    def measured(self):
        low, high = min(self.values), max(self.values)
        spread = "" if len(self.values) == 1 else f" ({number(low)} … {number(high)})"
        return f"{number(statistics.median(self.values))}{spread} {self.unit}"

    def meets(self, value):
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def verdict(self):
        if self.most is None and self.least is None:
            return ""
        if self.meets(statistics.median(self.values)):
            return "met"
        return "met by the best run only" if any(map(self.meets, self.values)) else "missed"


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def run(command, **environment):
    """One run; its peak memory is that of the largest process it waited for."""
    begin = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], env={**ENVIRONMENT, **environment}, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(map(str, command))}")
    return Sample(wall_s, usage.ru_maxrss * 1024 / 1e6, output)


def in_turn(runs, *commands):
    """One list of samples a command; the commands take turns, so that a ratio within one turn saw the same machine."""
    return list(zip(*([run(command) for command in commands] for _ in range(runs))))


def walls(samples):
    return [sample.wall_s for sample in samples]


def ratios(above, below):
    return [a / b for a, b in zip(above, below)]
