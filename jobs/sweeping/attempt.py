"""One attempt at a run: process, time limit, end and record. It resumes from the checkpoint of an earlier attempt."""

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
"""Variables with these words in their names are never recorded."""

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Attempt:
    """A run that is being executed. Its process also holds the folder's lock and ends when the sweep ends, for whatever reason."""

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
        """Whether the run was asked to end, by a signal."""
        self.is_made_to = False
        """Whether it was ended by a signal after which the exit code does not describe the run: mpirun then exits with 1."""
        self.overdue = False
        """Whether its time limit was reached."""
        self.started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.begin = time.monotonic()
        self.due = self.begin + 60 * run.minutes
        self.process = start(self.command, environment, folder / OUTPUT, lock)

    def poll(self) -> Record | None:
        """The record once the run has ended, else None. Asks the run to end when its time limit is reached. The record is written to the folder,
        except if the sweep ended the run before it had a checkpoint; the next sweep then starts the run again."""
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
        """Handles the end of the time limit, or of the time to end in."""
        self.overdue |= not self.is_asked
        self.ask_to_end()

    def ask_to_end(self) -> None:
        """Asks the run to stop with a checkpoint. A second call asks it to end, a third call kills it."""
        number, seconds = next(self.signals, (signal.SIGKILL, math.inf))
        self.is_asked = True
        self.due = time.monotonic() + seconds
        if self.process.poll() is None:
            self.is_made_to |= number != signal.SIGUSR1
            os.killpg(self.process.pid, number)

    def abandon(self) -> None:
        """Waits until the run has ended and asks it to if needed. Writes no record; used when the sweep itself cannot continue."""
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
        """The outcome, and a message with its reason."""
        if exit_code == EXIT_DONE and not self.run.folder.has_shards():
            return (COMPLETE, "") if has_trace else (FAILED, "exit code 0, but there is no trace.h5")
        time_was_up = f"the time limit of {self.run.minutes:g} minutes was reached"
        if self.has_stopped(exit_code):
            return STOPPED, time_was_up if self.overdue else "by a signal"
        if self.says_nothing(exit_code):
            return (FAILED, time_was_up) if self.overdue else (KILLED, what_killed(exit_code))
        lines = (self.run.folder.path / OUTPUT).read_text(errors="replace").strip().splitlines()
        message = reason(lines) if lines else f"exit code {exit_code} and no output"
        return (DIVERGED if exit_code == EXIT_DIVERGED and has_trace else FAILED), message

    def has_stopped(self, exit_code: int) -> bool:
        """Whether the run stopped with a checkpoint. A launcher may kill the last ranks when the first has ended, and srun then exits with 0.
        In this case a new checkpoint shows that the run stopped."""
        if exit_code == EXIT_STOPPED:
            return True
        return self.is_asked and self.says_nothing(exit_code) and self.run.folder.checkpoint() not in (None, self.checkpoint)

    def says_nothing(self, exit_code: int) -> bool:
        """Whether the exit code comes from the launcher or a signal and does not describe the run."""
        return exit_code <= EXIT_DONE or exit_code in BY_A_SIGNAL or (self.is_made_to and exit_code == EXIT_FAILED)


def told(environment: dict[str, str]) -> str:
    names = [name for name in sorted(environment) if name.startswith(TOLD) and not any(word in name.upper() for word in SECRET)]
    return "".join(f"{name}={environment[name]}\n" for name in names)


def write_for_owner(path: Path, text: str) -> None:
    """Writes a file that only its owner can read."""
    path.unlink(missing_ok=True)  # one that others can read
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", errors="surrogateescape") as file:
        file.write(text)


def what_killed(exit_code: int) -> str:
    if exit_code < 0:
        return f"by {signal.Signals(-exit_code).name}"
    if exit_code == EXIT_DONE:
        return "before its end, although its launcher exited with code 0"
    return f"a rank, by a signal (exit code {exit_code})"


def start(command: list[str], environment: dict[str, str], output: Path, lock: Lock) -> subprocess.Popen:
    """Starts the command in its own process group, so that Ctrl-C reaches only the sweep, which then ends its runs in order."""
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
