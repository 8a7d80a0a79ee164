"""A run's folder: the lock of whoever makes the run, and the record of how it ended.

What counts as complete is a record that says so and whose trace is still the one that was left then. The record is written
after the program has ended, whole or not at all, so no moment of a kill leaves one that says too much.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "sweep.json"
LOCK = "sweep.lock"
OUTPUT = "output"
ENVIRONMENT = "environment"
PROGRAM_LOCK = "lock"
SHARDS = "ranks"
# All that a run leaves, and its sweep, but for the locks.
RUN_FILES = ("trace.h5", "trace.h5.part", "trace.h5.new", "config.ini", "config.ini.part", "log", SHARDS, "ranks.damaged", "checkpoint",
             "parameters.h5", "parameters.h5.part", "optimizer.h5", "optimizer.h5.part")
SWEEP_FILES = (RECORD, OUTPUT, ENVIRONMENT)

COMPLETE, DIVERGED, FAILED, KILLED, STOPPED = "complete", "diverged", "failed", "killed", "stopped"
RUNNING, MISSING = "running", "missing"


@dataclass(frozen=True)
class Record:
    """How a run ended."""

    outcome: str
    """complete; diverged; failed; killed: by a signal, which is not the run's own fault, so the next sweep makes it again; stopped:
    with a checkpoint, from which the next sweep goes on"""
    message: str
    """The line that says why; empty when it is complete."""
    exit_code: int
    """Of the program, or of what launched it; below 0: the signal that ended it."""
    seconds: float
    """Of this attempt and of those whose work it went on with."""
    cores: int
    started: str
    """UTC"""
    command: list[str]
    config_hash: str = ""
    """Of the resolved configuration; empty in a record from before folders were named by their data too, when it was the folder's name."""
    trace: dict | None = None
    """The trace's size and contents, as `fingerprint` has them."""


class Lock:
    """Held as long as this object, or a process that has inherited its descriptor, has not ended."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def release(self) -> None:
        os.close(self.descriptor)


class Folder:
    def __init__(self, path: Path):
        self.path = path

    def state(self) -> tuple[str, Record | None]:
        """complete, diverged, failed, killed, stopped, running or missing, and the record if there is one."""
        if self.is_locked():
            return RUNNING, None
        record = self.record()
        if record:
            return record.outcome, record
        return (STOPPED if self.can_go_on() else MISSING), None

    def record(self) -> Record | None:
        """None where there is none, where it is torn, and where its trace is no longer what it was."""
        record = self.stored()
        if record and record.outcome in (COMPLETE, DIVERGED) and not is_still(self.path / "trace.h5", record.trace):
            return None
        return record

    def stored(self) -> Record | None:
        """What was recorded, of whatever is there now."""
        try:
            return Record(**json.loads((self.path / RECORD).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def checkpoint(self) -> str | None:
        """The name of the newest whole one."""
        return max((path.parent.name for path in self.path.glob("checkpoint/*/manifest") if path.parent.name.isdecimal()), default=None)

    def can_go_on(self) -> bool:
        """Whether there is a checkpoint, and the trace up to it. A trace that was at its end and is not what it was is no beginning."""
        is_damaged = self.stored() is not None and self.record() is None
        return not is_damaged and (self.path / "trace.h5").is_file() and self.checkpoint() is not None

    def has_shards(self) -> bool:
        """Whether the ranks' parts of the trace are there: a run that comes to its end gathers them into trace.h5 last."""
        return (self.path / SHARDS).exists()

    def make_shards(self) -> None:
        """Of a run that goes on after its trace was gathered, as one that diverged: until it gathers again it is not at its end."""
        (self.path / SHARDS).mkdir(exist_ok=True)

    def write_record(self, record: Record) -> None:
        write_whole(self.path / RECORD, json.dumps(asdict(record), indent=1) + "\n")

    def fingerprint(self) -> dict | None:
        trace = self.path / "trace.h5"
        return fingerprint(trace) if trace.is_file() else None

    def clear(self, to_go_on: bool) -> None:
        """Removes what an earlier attempt left, but for the run itself if that goes on; a file that somebody else put there stays."""
        names = SWEEP_FILES if to_go_on else (*RUN_FILES, *SWEEP_FILES)
        for path in [*(self.path / name for name in names), *self.path.glob(f"{RECORD}.*")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def lock(self) -> Lock | None:
        """Makes the folder if need be; None when another process makes this run."""
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if try_flock(descriptor, fcntl.LOCK_EX) and is_file_of(descriptor, path) and not is_held(self.path / PROGRAM_LOCK):
            return Lock(descriptor)
        os.close(descriptor)
        return None

    def is_locked(self) -> bool:
        """By a sweep, or by the program itself, whose ranks may outlive their launcher for a moment."""
        return is_held(self.path / LOCK) or is_held(self.path / PROGRAM_LOCK)


def try_flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def is_file_of(descriptor: int, path: Path) -> bool:
    """Whether the path still names the open file: a folder may be deleted between opening and locking."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def fingerprint(path: Path) -> dict:
    status = path.stat()
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns, "crc32": checksum(path)}


def is_still(path: Path, expected: dict | None) -> bool:
    """Whether the file is what it was; its contents are read only if its time has changed, as that of a copy has."""
    try:
        status = path.stat()
        if status.st_size != expected["bytes"]:
            return False
        return status.st_mtime_ns == expected["modified_ns"] or checksum(path) == expected["crc32"]
    except (OSError, KeyError, TypeError):
        return False


def checksum(path: Path) -> int:
    value = 0
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            value = zlib.crc32(part, value)
    return value


def write_whole(path: Path, text: str) -> None:
    """The file appears whole or not at all, also after a crash of the machine."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(aside, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
