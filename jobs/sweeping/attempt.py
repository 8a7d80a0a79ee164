"""One attempt at a run: its process, its time limit, its end, and the record of it. What an earlier one has left goes on."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

from . import ROOT, Mistake
from .folder import COMPLETE, DIVERGED, ENVIRONMENT, FAILED, KILLED, OUTPUT, STOPPED, Lock, Record
from .machine import Machine
from .program import reason
from .runs import Run

TERM_SECONDS = 10  # from the signal that asks a launcher to end to the one that makes it
EXIT_DONE, EXIT_FAILED, EXIT_DIVERGED, EXIT_STOPPED = 0, 1, 3, 4
BY_A_SIGNAL = range(129, 129 + 64)  # a launcher's exit codes where a signal has ended a rank: 128 and its number

# What decides how a run went.
TOLD = ("PATH", "LD_LIBRARY_PATH", "LOADEDMODULES", "SLURM_", "OMPI_", "PMIX_", "UCX_", "OMP_", "OPENBLAS_", "HDF5_")
SECRET = ("JWT", "TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")
"""In the names of variables that are not told, whatever they begin with."""

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Attempt:
    """A run that is being made. Its process holds the folder's lock too, and ends when the sweep does, however that ends."""

    def __init__(self, run: Run, lock: Lock, machine: Machine, program: Path):
        folder = run.folder.path
        goes_on = run.folder.can_go_on()
        earlier = run.folder.stored() if goes_on else None
        self.run = run
        self.lock = lock
        self.cores = run.cores(machine)
        self.command = machine.command(run.program_words(str(program), str(folder)), run.ranks, run.threads)
        self.seconds_before = earlier.seconds if earlier else 0.0
        self.checkpoint = run.folder.checkpoint() if goes_on else None
        run.folder.clear(to_go_on=goes_on)
        if goes_on:
            run.folder.make_shards()
        environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **os.environ, **machine.environment}
        write_for_owner(folder / ENVIRONMENT, told(environment))
        # SIGTERM first would be wrong: mpirun and srun end their ranks at once, and forward SIGUSR1.
        self.signals = iter([(signal.SIGUSR1, machine.grace), (signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, math.inf)])
        self.is_asked = False
        """To end, by a signal."""
        self.is_made_to = False
        """By one after which the exit code says nothing of the run: mpirun's is 1."""
        self.overdue = False
        """Because its time was up."""
        self.started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.begin = time.monotonic()
        self.due = self.begin + 60 * run.minutes
        self.process = start(self.command, environment, folder / OUTPUT, lock)

    def poll(self) -> Record | None:
        """The record once the run has ended; asks it to when its time is up. It is written, but for that of a run which the sweep has
        ended before there was anything to go on with: the next one makes it."""
        exit_code = self.process.poll()
        if exit_code is None:
            if time.monotonic() >= self.due:
                self.expire()
            return None
        record = self.record(exit_code)
        if self.overdue or not self.is_asked or record.outcome in (COMPLETE, DIVERGED, STOPPED):
            self.run.folder.write_record(record)
        self.lock.release()
        return record

    def expire(self) -> None:
        """Its time is up, or that to end in."""
        self.overdue |= not self.is_asked
        self.ask_to_end()

    def ask_to_end(self) -> None:
        """To stop with a checkpoint; when it does not, or is asked again, to end; and then it is made to."""
        number, seconds = next(self.signals, (signal.SIGKILL, math.inf))
        self.is_asked = True
        self.due = time.monotonic() + seconds
        if self.process.poll() is None:
            self.is_made_to |= number != signal.SIGUSR1
            os.killpg(self.process.pid, number)

    def abandon(self) -> None:
        """Waits until it has ended, which it is asked to, and leaves no record: the sweep cannot go on."""
        while self.process.poll() is None:
            try:
                self.process.wait(max(0.0, self.due - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.ask_to_end()
        self.lock.release()

    def record(self, exit_code: int) -> Record:
        trace = self.run.folder.fingerprint()
        outcome, message = self.end(exit_code, has_trace=trace is not None)
        seconds = self.seconds_before + time.monotonic() - self.begin
        return Record(outcome=outcome, message=message, exit_code=exit_code, seconds=round(seconds, 4),
                      cores=self.cores, started=self.started, command=self.command,
                      config_hash=self.run.resolved.hash, trace=trace if outcome in (COMPLETE, DIVERGED) else None)

    def end(self, exit_code: int, has_trace: bool) -> tuple[str, str]:
        """The outcome, and the line that says why it is not another."""
        if exit_code == EXIT_DONE and not self.run.folder.has_shards():
            return (COMPLETE, "") if has_trace else (FAILED, "exit code 0, but there is no trace.h5")
        time_was_up = f"its time was up after {self.run.minutes:g} minutes"
        if self.has_stopped(exit_code):
            return STOPPED, time_was_up if self.overdue else "by a signal"
        if self.says_nothing(exit_code):
            return (FAILED, time_was_up) if self.overdue else (KILLED, what_killed(exit_code))
        lines = (self.run.folder.path / OUTPUT).read_text(errors="replace").strip().splitlines()
        message = reason(lines) if lines else f"exit code {exit_code} and not a word"
        return (DIVERGED if exit_code == EXIT_DIVERGED and has_trace else FAILED), message

    def has_stopped(self, exit_code: int) -> bool:
        """With a checkpoint. A launcher may kill the last ranks when the first has ended, and srun's exit code is then 0: it is the
        checkpoint that tells."""
        if exit_code == EXIT_STOPPED:
            return True
        return self.is_asked and self.says_nothing(exit_code) and self.run.folder.checkpoint() not in (None, self.checkpoint)

    def says_nothing(self, exit_code: int) -> bool:
        """Of the run: it is the launcher's, or a signal's."""
        return exit_code <= EXIT_DONE or exit_code in BY_A_SIGNAL or (self.is_made_to and exit_code == EXIT_FAILED)


def told(environment: dict[str, str]) -> str:
    names = [name for name in sorted(environment) if name.startswith(TOLD) and not any(word in name.upper() for word in SECRET)]
    return "".join(f"{name}={environment[name]}\n" for name in names)


def write_for_owner(path: Path, text: str) -> None:
    """Nobody else can read it."""
    path.unlink(missing_ok=True)  # one that others can read
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", errors="surrogateescape") as file:
        file.write(text)


def what_killed(exit_code: int) -> str:
    if exit_code < 0:
        return f"by {signal.Signals(-exit_code).name}"
    if exit_code == EXIT_DONE:
        return "before its end, though the exit code of what launched it is 0"
    return f"a rank, by a signal (exit code {exit_code})"


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
