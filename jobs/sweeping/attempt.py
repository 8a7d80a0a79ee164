"""One attempt at a run: its process, its time limit, its end, and the record of it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

from . import ROOT, Mistake
from .folder import COMPLETE, DIVERGED, ENVIRONMENT, FAILED, KILLED, OUTPUT, Lock, Record
from .machine import Machine
from .program import reason
from .runs import Run

GRACE_SECONDS = 10
EXIT_DONE, EXIT_DIVERGED, EXIT_STOPPED = 0, 3, 4
BY_A_SIGNAL = range(129, 129 + 64)  # a launcher's exit codes where a signal has ended a rank: 128 and its number

# What decides how a run went, and holds no secret.
TOLD = ("PATH", "LD_LIBRARY_PATH", "LOADEDMODULES", "SLURM_", "OMPI_", "PMIX_", "UCX_", "OMP_", "OPENBLAS_", "HDF5_")

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Attempt:
    """A run that is being made. Its process holds the folder's lock too, and ends when the sweep does, however that ends."""

    def __init__(self, run: Run, lock: Lock, machine: Machine, program: Path):
        folder = run.folder.path
        run.folder.clear()
        self.run = run
        self.lock = lock
        self.cores = run.cores(machine)
        self.command = [*machine.command(run.program_words(program), run.ranks, run.threads), f"--out={folder}"]
        environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **os.environ, **machine.environment}
        (folder / ENVIRONMENT).write_text("".join(f"{name}={environment[name]}\n" for name in sorted(environment) if name.startswith(TOLD)))
        self.overdue = False
        self.started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.begin = time.monotonic()
        self.due = self.begin + 60 * run.minutes
        self.process = start(self.command, environment, folder / OUTPUT, lock)

    def poll(self) -> Record | None:
        """The record, written, once the run has ended; ends it when its time is up."""
        exit_code = self.process.poll()
        if exit_code is None:
            if time.monotonic() >= self.due:
                self.expire()
            return None
        record = self.record(exit_code)
        self.run.folder.write_record(record)
        self.lock.release()
        return record

    def expire(self) -> None:
        """Its time is up: it is asked to end, and made to when it does not."""
        self.send(signal.SIGKILL if self.overdue else signal.SIGTERM)
        self.overdue = True
        self.due = time.monotonic() + GRACE_SECONDS

    def abandon(self) -> None:
        """Ends it without a record, so that the next sweep makes it."""
        self.send(signal.SIGTERM)
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait()
        self.lock.release()

    def send(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def record(self, exit_code: int) -> Record:
        trace = self.run.folder.fingerprint()
        outcome, message = self.end(exit_code, has_trace=trace is not None)
        return Record(outcome=outcome, message=message, exit_code=exit_code, seconds=round(time.monotonic() - self.begin, 4),
                      cores=self.cores, started=self.started, command=self.command,
                      trace=trace if outcome in (COMPLETE, DIVERGED) else None)

    def end(self, exit_code: int, has_trace: bool) -> tuple[str, str]:
        """The outcome, and the line that says why it is not another."""
        if self.overdue:
            return FAILED, f"its time was up after {self.run.minutes:g} minutes"
        if exit_code == EXIT_DONE:
            return (COMPLETE, "") if has_trace else (FAILED, "exit code 0, but there is no trace.h5")
        if exit_code < 0:
            return KILLED, f"by {signal.Signals(-exit_code).name}"
        if exit_code == EXIT_STOPPED or exit_code in BY_A_SIGNAL:
            return KILLED, f"a rank, by a signal (exit code {exit_code})"
        lines = (self.run.folder.path / OUTPUT).read_text(errors="replace").strip().splitlines()
        message = reason(lines) if lines else f"exit code {exit_code} and not a word"
        return (DIVERGED if exit_code == EXIT_DIVERGED and has_trace else FAILED), message


def start(command: list[str], environment: dict[str, str], output: Path, lock: Lock) -> subprocess.Popen:
    """In a process group of its own: a Ctrl-C is the sweep's, which ends its runs in order."""
    parent = os.getpid()

    def end_with_parent() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before it was asked to tell
            os._exit(1)

    try:
        with open(output, "wb") as file:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                    process_group=0, pass_fds=(lock.descriptor,), preexec_fn=end_with_parent)
    except OSError as error:
        lock.release()
        raise Mistake(f"{command[0]}: cannot be started: {error.strerror}") from None
