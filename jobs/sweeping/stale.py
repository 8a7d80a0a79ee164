"""Stale runs: runs whose data has changed since they were made. Their folders are kept, but they are not results of the study."""

from __future__ import annotations

from pathlib import Path

from . import ROOT
from .folder import RECORD, Folder, is_still
from .runs import Run


def stale_folders(runs: list[Run], out: Path) -> dict[Path, Path | None]:
    """Folders of runs that have a configuration of the study but were made with other data. Each is mapped to the folder of the study's
    current run, or to None if that run has ended."""
    wanted = {run.resolved.hash: run.folder for run in runs if run.resolved}
    names = {run.name for run in runs}
    found = {}
    for path in sorted(record.parent for record in out.glob(f"*/{RECORD}")):
        record = Folder(path).stored()
        own = wanted.get((record.config_hash or path.name) if record else "")
        if own and path.name not in names:
            found[path] = None if own.record() else own.path
    return found


def changed_since(contents: dict[str, dict]) -> str | None:
    """The first file that has changed, or None."""
    paths = {name.partition(" ")[2]: one for name, one in contents.items()}
    return next((path for path, one in paths.items() if not is_still(ROOT / path, one)), None)
