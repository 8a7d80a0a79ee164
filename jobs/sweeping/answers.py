"""Caches resolved configurations: resolving the options of a run starts quartic once, which is slow for many runs."""

from __future__ import annotations

import json
from pathlib import Path

from .contents import Contents, files_read_by
from .folder import write_whole
from .program import Resolved, resolve

NAME = "resolved.json"


class Answers:
    """The resolved configurations of one executable, and the checksums of data files, kept in DIR/resolved.json.

    An entry is valid while the executable, the options and the files that the options name are unchanged.
    """

    def __init__(self, out: Path, program: Path):
        self.path = out / NAME
        self.program = program
        self.mark = f"{program} {stamp(program)}"
        self.known, contents = read_answers(self.path, self.mark)
        self.contents = Contents(contents)
        self.stored = self.text()

    def resolve(self, command: str, words: list[str]) -> Resolved:
        """Resolves the options of a run. Thread-safe."""
        marks = [stamp(path) for word in words for path in files_read_by(word)]
        key = " ".join([command, *words, *marks])
        if key not in self.known:
            resolved = resolve(self.program, command, words)
            self.known[key] = [resolved.hash, resolved.config]
        configuration, config = self.known[key]
        return Resolved(configuration, config, self.contents.of(config))

    def save(self) -> None:
        """Writes the cache if it has changed and DIR exists. It does not create DIR, so a dry run creates no folder."""
        if self.text() != self.stored and self.path.parent.is_dir():
            write_whole(self.path, self.text())

    def text(self) -> str:
        return json.dumps({"program": self.mark, "answers": self.known, "contents": self.contents.known})


def read_answers(path: Path, mark: str) -> tuple[dict, dict]:
    """The cached configurations and checksums. Both are empty if the file is missing, damaged or from another executable."""
    try:
        stored = json.loads(path.read_text())
        return (dict(stored["answers"]), dict(stored["contents"])) if stored["program"] == mark else ({}, {})
    except (OSError, ValueError, KeyError, TypeError):
        return {}, {}


def stamp(path: Path) -> str:
    """Size and modification time as text; empty if there is no such file."""
    try:
        status = path.stat()
        return f"{status.st_size}/{status.st_mtime_ns}" if path.is_file() else ""
    except (OSError, ValueError):
        return ""
