"""Finds the executable and lets it resolve the options of runs before anything is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import ROOT, Mistake
from .contents import identity

NAME = "quartic"


@dataclass(frozen=True)
class Resolved:
    """The configuration of a run as resolved by quartic, and its data."""

    hash: str
    """The hash of the configuration. For a run it is the config_hash of the trace."""
    config: dict[str, str]
    contents: dict[str, dict] = field(default_factory=dict)
    """Size, time and checksum of every file that the run reads, by option and name."""

    @property
    def name(self) -> str:
        """The name of the run's folder: the hash of the configuration and of the data files, if there are any."""
        return hash_of(identity(self.contents), int(self.hash, 16))


def find_program(given: str | None) -> Path:
    """The executable: --quartic, else build/release/quartic, else quartic on the PATH."""
    found = given or (str(path) if (path := ROOT / "build" / "release" / NAME).is_file() else shutil.which(NAME))
    if not found:
        raise Mistake("there is no build/release/quartic and no quartic on the PATH; run make, or give --quartic EXE")
    path = Path(found).absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise Mistake(f"--quartic {found}: is not an executable")
    return path


def resolve(program: Path, command: str, words: list[str]) -> Resolved:
    """Lets quartic resolve the options. Mistake with its error message if it rejects an option."""
    text = answer(program, [command, "--print-config", *words])
    # A plan and a run of one configuration are two folders.
    name = text if command == "run" else f"command = {command}\n{text}"
    return Resolved(hash_of(name), dict(line.split(" = ", 1) for line in text.splitlines()))


def answer(program: Path, words: list[str]) -> str:
    try:
        done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Mistake(f"--quartic {program}: cannot be started: {error.strerror}") from None
    if done.returncode != 0:
        raise Mistake(complaint(done))
    if "stages = " not in done.stdout:
        raise Mistake(f"--quartic {program}: is not quartic: --print-config prints no configuration")
    return done.stdout


def complaint(done: subprocess.CompletedProcess) -> str:
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode} and no error message"]
    return reason(lines)


def reason(lines: list[str]) -> str:
    """The error message in the output: the last line that starts with "quartic: ", without this prefix; else the last line."""
    own = [line for line in lines if line.startswith(f"{NAME}: ")]
    return own[-1].removeprefix(f"{NAME}: ") if own else lines[-1]


def hash_of(text: str, value: int = 0xcbf29ce484222325) -> str:
    """FNV-1a with 64 bits, the hash that quartic uses for configurations. `value`: the hash of a preceding text."""
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"
