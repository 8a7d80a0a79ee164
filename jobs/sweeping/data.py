"""The data of a study: made by a program in analysis/, or a file of the user."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import ROOT, Mistake, make_folder
from .tables import check_table

TABLE = {"make": str, "maker": str, "file": str}
MADE = ROOT / "data" / "made"
REFERENCE = re.compile(r"(.*:)?@([\w-]+)")
"""A reference to data: "@NAME", or a prefix with a colon, "replay:@NAME"."""


@dataclass(frozen=True)
class DataFile:
    name: str
    path: Path
    maker: Path
    recipe: tuple[str, ...]
    """The arguments of the maker; empty for a file of the user."""

    @property
    def text(self) -> str:
        """The path as given to runs. It is relative inside the repository, so that a configuration is the same on every machine."""
        return str(self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path)

    def make(self) -> None:
        """Makes the file atomically; two processes can make it at once. Mistake with the last line of the maker's stderr if it fails."""
        make_folder(self.path.parent, "data")
        aside = self.path.with_name(f"{self.path.stem}.{os.getpid()}{self.path.suffix}")
        command = [analysis_python(), str(self.maker), *self.recipe, "--out", str(aside)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode != 0 or not aside.is_file():
                lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
                raise Mistake(f"data.{self.name}: {self.maker.name}: {lines[-1]}")
            os.replace(aside, self.path)
        finally:
            aside.unlink(missing_ok=True)


def analysis_python() -> str:
    """The Python that the Makefile uses, too: the distribution's Python has the distribution's numpy."""
    return os.environ.get("PYTHON") or ("/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable)


def data_files(tables: dict[str, dict], folder: Path, analysis: Path, where: str) -> dict[str, DataFile]:
    """{NAME: file}. `folder` is --data, with the files of the user; `analysis` contains the makers."""
    files = {}
    for name, table in tables.items():
        place = f"{where}: data.{name}"
        check_table(table, TABLE, place)
        if ("make" in table) == ("file" in table):
            raise Mistake(f"{place}: give exactly one of make and file")
        files[name] = user_file(name, table, folder) if "file" in table else made_file(name, table, analysis, place)
    return files


def user_file(name: str, table: dict, folder: Path) -> DataFile:
    return DataFile(name, (folder / table["file"]).absolute(), Path(), ())


def made_file(name: str, table: dict, analysis: Path, where: str) -> DataFile:
    maker = analysis / table.get("maker", "make_data.py")
    if not maker.is_file():
        raise Mistake(f"{where}: maker analysis/{maker.name} does not exist")
    try:
        recipe = tuple(shlex.split(table["make"]))
    except ValueError as error:
        raise Mistake(f"{where}: make = {table['make']!r}: {str(error).lower()}") from None
    mark = hashlib.sha256(" ".join((maker.name, *recipe)).encode()).hexdigest()[:8]
    return DataFile(name, MADE / f"{name}-{mark}.h5", maker, recipe)


def reference(value, files: dict[str, DataFile], where: str) -> tuple[str, DataFile] | None:
    """("replay:", file) for "replay:@NAME"; None for a value that names no data."""
    match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    if match[2] not in files:
        raise Mistake(f"{where}: {value}: there is no [data.{match[2]}]; {'valid: ' + ', '.join(files) if files else 'the study has no data'}")
    return match[1] or "", files[match[2]]


def require_user_files(files: list[DataFile], folder: Path) -> None:
    for file in files:
        if not file.recipe and not file.path.exists():
            raise Mistake(f"data.{file.name}: {file.path.name} is not in {folder}; "
                          "data/README.md says where to get it; --data DIR names its folder")
