"""The executable: which one it is, and what it makes of a run's options before anything is started."""

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
    """A run's configuration as the program resolves it, and the data that it is for."""

    hash: str
    """Of the configuration: of a run the config_hash of its trace."""
    config: dict[str, str]
    contents: dict[str, dict] = field(default_factory=dict)
    """Size, time and checksum of every file that it reads, by option and name."""

    @property
    def name(self) -> str:
        """Of the run's folder: the hash, of the configuration and of the data where that is in files."""
        return hash_of(identity(self.contents), int(self.hash, 16))


def find_program(given: str | None) -> Path:
    """--quartic, else what this repository has built, else what is on the PATH."""
    found = given or (str(path) if (path := ROOT / "build" / "release" / NAME).is_file() else shutil.which(NAME))
    if not found:
        raise Mistake("there is no build/release/quartic, and no quartic on the PATH; run make, or give --quartic FILE")
    path = Path(found).absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise Mistake(f"--quartic {found}: is not an executable")
    return path


def resolve(program: Path, command: str, words: list[str]) -> Resolved:
    """Asks the program; Mistake with what it says about an option that it refuses."""
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
        raise Mistake(f"--quartic {program}: does not resolve options as quartic does")
    return done.stdout


def complaint(done: subprocess.CompletedProcess) -> str:
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode} and not a word"]
    return reason(lines)


def reason(lines: list[str]) -> str:
    """The line that matters: the last that quartic wrote itself, without its name; else the last."""
    own = [line for line in lines if line.startswith(f"{NAME}: ")]
    return own[-1].removeprefix(f"{NAME}: ") if own else lines[-1]


def hash_of(text: str, value: int = 0xcbf29ce484222325) -> str:
    """FNV-1a, 64 bits, as the program names a configuration; `value`: the hash of a text before this one."""
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"
