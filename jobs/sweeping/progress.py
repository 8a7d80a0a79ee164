"""The progress of a sweep and the estimated time left, on stderr: a bar on a terminal, otherwise one line per minute."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .estimate import Estimate, duration
from .folder import COMPLETE, Record
from .machine import Machine
from .runs import Run

if TYPE_CHECKING:
    from .attempt import Attempt

WIDTH = 24
TERMINAL_SECONDS = 0.2
LOG_SECONDS = 60.0
ERASE = "\r\x1b[K"


@contextmanager
def announced(text: str):
    """Shows the text during the block, on a terminal only."""
    terminal = sys.stderr.isatty()
    if terminal:
        print(text, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if terminal:
            print(ERASE, end="", file=sys.stderr, flush=True)


class Progress:
    """The progress of the runs that a sweep executes."""

    def __init__(self, runs: list[Run], estimate: Estimate, machine: Machine):
        """`runs`: the runs to execute."""
        self.left = {id(run): run for run in runs}
        self.total = len(runs)
        self.failed = 0
        self.estimate = estimate
        self.machine = machine
        self.terminal = sys.stderr.isatty()
        self.period = TERMINAL_SECONDS if self.terminal else LOG_SECONDS
        self.due = time.monotonic() + self.period
        self.line_is_open = False

    def ended(self, run: Run, record: Record) -> None:
        del self.left[id(run)]
        self.failed += record.outcome != COMPLETE
        self.estimate.learn(run, record)

    def show(self, attempts: list[Attempt]) -> None:
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + self.period
        text = self.text(attempts, now)
        if self.terminal:
            filled = WIDTH * (self.total - len(self.left)) // self.total
            write(f"\r[{'=' * filled:<{WIDTH}}] {text}\x1b[K")
            self.line_is_open = True
        else:
            write(f"{text}\n")

    def text(self, attempts: list[Attempt], now: float) -> str:
        done = self.total - len(self.left)
        failed = f", {self.failed} not complete" if self.failed else ""
        return f"{done}/{self.total} runs{failed}, {len(attempts)} running, {self.time_left(attempts, now)} left"

    def time_left(self, attempts: list[Attempt], now: float) -> str:
        seconds = self.estimate.seconds_on(self.machine, list(self.left.values()))
        if seconds is None:
            return "?"
        spent = sum((now - attempt.begin) * attempt.cores for attempt in attempts) / self.machine.all_cores
        return duration(max(0.0, seconds - spent))

    def say(self, text: str) -> None:
        """Prints a line that is not overwritten by the bar."""
        self.close()
        write(f"sweep: {text}\n")

    def close(self) -> None:
        if self.line_is_open:
            write(ERASE)
            self.line_is_open = False


def write(text: str) -> None:
    """Writes to stderr and ignores errors: a closed terminal or a full disk must not end the runs."""
    try:
        print(text, end="", file=sys.stderr, flush=True)
    except OSError:
        pass
