"""What the program has resolved before: asking takes as long as starting it, and a study asks for every run."""

from __future__ import annotations

import json
from pathlib import Path

from . import ROOT
from .folder import write_whole
from .program import Resolved, resolve

NAME = "resolved.json"


class Answers:
    """The resolved configurations of one executable, kept in DIR/resolved.json.

    An answer holds as long as the executable, the options, and the files they name are the same.
    """

    def __init__(self, out: Path, program: Path):
        self.path = out / NAME
        self.program = program
        self.mark = f"{program} {stamp(program)}"
        self.known = read_answers(self.path, self.mark)
        self.stored = len(self.known)

    def resolve(self, command: str, words: list[str]) -> Resolved:
        """Called by several threads at once."""
        marks = [mark for word in words if (mark := stamp(named_file(word)))]
        key = " ".join([command, *words, *marks])
        if key not in self.known:
            resolved = resolve(self.program, command, words)
            self.known[key] = [resolved.hash, resolved.config]
        return Resolved(*self.known[key])

    def save(self) -> None:
        """Where there is a DIR: what makes nothing, makes none."""
        if len(self.known) > self.stored and self.path.parent.is_dir():
            write_whole(self.path, json.dumps({"program": self.mark, "answers": self.known}))


def read_answers(path: Path, mark: str) -> dict:
    """Those of this executable; none where the file is missing, torn, or another executable's."""
    try:
        stored = json.loads(path.read_text())
        return dict(stored["answers"]) if stored["program"] == mark else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def named_file(word: str) -> Path:
    """The file of --data=FILE or --delays=replay:FILE, if it is one."""
    return ROOT / word.partition("=")[2].rpartition(":")[2]


def stamp(path: Path) -> str:
    """Changes with the file; empty where there is none."""
    try:
        status = path.stat()
        return f"{status.st_size}/{status.st_mtime_ns}" if path.is_file() else ""
    except (OSError, ValueError):
        return ""
