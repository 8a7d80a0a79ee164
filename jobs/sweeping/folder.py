"""A run's folder: the lock of the process that executes the run, and the record of how the run ended.

A run is complete if its record says so and its trace has not changed since. The record is written atomically after the program
has ended, so a kill at any moment cannot leave a record of something that did not happen.
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
    """complete, diverged or failed; killed: ended by a signal, so the next sweep runs it again; stopped: with a checkpoint, from
    which the next sweep continues"""
    message: str
    """One line with the reason; empty if the run is complete."""
    exit_code: int
    """The exit code of the program or its launcher. Negative: the signal that ended it."""
    seconds: float
    """The time of this attempt and of the earlier attempts that it continued."""
    cores: int
    started: str
    """UTC"""
    command: list[str]
    config_hash: str = ""
    """The hash of the resolved configuration. Empty in records from before folders were named by their data, too; there the folder's name
    is the hash."""
    trace: dict | None = None
    """The trace's size and contents, as `fingerprint` has them."""


class Lock:
    """A lock that is held until it is released here and every process that inherited its descriptor has ended."""

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
        """The record, or None if it is missing or damaged, or if its trace has changed."""
        record = self.stored()
        if record and record.outcome in (COMPLETE, DIVERGED) and not is_still(self.path / "trace.h5", record.trace):
            return None
        return record

    def stored(self) -> Record | None:
        """The stored record, even if the trace has changed; None if it is missing or damaged."""
        try:
            return Record(**json.loads((self.path / RECORD).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def checkpoint(self) -> str | None:
        """The name of the newest complete checkpoint, or None."""
        return max((path.parent.name for path in self.path.glob("checkpoint/*/manifest") if path.parent.name.isdecimal()), default=None)

    def can_go_on(self) -> bool:
        """Whether the run can be resumed: there are a checkpoint and a trace. A complete trace that has changed since cannot be resumed."""
        is_damaged = self.stored() is not None and self.record() is None
        return not is_damaged and (self.path / "trace.h5").is_file() and self.checkpoint() is not None

    def has_shards(self) -> bool:
        """Whether the trace is still in shards, one per rank. A run gathers them into trace.h5 as its last action."""
        return (self.path / SHARDS).exists()

    def make_shards(self) -> None:
        """Creates the folder of shards for a run that resumes after its trace was gathered, for example after divergence. The run then does not
        count as ended until it gathers again."""
        (self.path / SHARDS).mkdir(exist_ok=True)

    def write_record(self, record: Record) -> None:
        write_whole(self.path / RECORD, json.dumps(asdict(record), indent=1) + "\n")

    def fingerprint(self) -> dict | None:
        trace = self.path / "trace.h5"
        return fingerprint(trace) if trace.is_file() else None

    def clear(self, to_go_on: bool) -> None:
        """Removes the files of an earlier attempt. If the run resumes, only the files of the sweep tool are removed. Other files are kept."""
        names = SWEEP_FILES if to_go_on else (*RUN_FILES, *SWEEP_FILES)
        for path in [*(self.path / name for name in names), *self.path.glob(f"{RECORD}.*")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def lock(self) -> Lock | None:
        """Locks the folder and creates it if needed. None if another process is executing the run."""
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if try_flock(descriptor, fcntl.LOCK_EX) and is_file_of(descriptor, path) and not is_held(self.path / PROGRAM_LOCK):
            return Lock(descriptor)
        os.close(descriptor)
        return None

    def is_locked(self) -> bool:
        """Whether a sweep or quartic itself holds a lock. Ranks may outlive their launcher for a moment."""
        return is_held(self.path / LOCK) or is_held(self.path / PROGRAM_LOCK)


def try_flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def is_file_of(descriptor: int, path: Path) -> bool:
    """Whether the path still names the open file. A folder may be deleted between opening and locking."""
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
    """Whether the file is unchanged. Its contents are only read if its modification time has changed, as in a copy."""
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
    """Writes a file atomically, even if the machine crashes."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(aside, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
