"""Finds stale runs: runs whose data has changed since they were made, according to study.json and the records of the sweep tool."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Relative data paths in a study start here."""


def has_changed(contents: dict[str, dict]) -> bool:
    """Whether a data file of the run differs from its entry in study.json. The keys of `contents` are option and path. A missing file counts
    as unchanged, so that runs can be read without their data."""
    return any(is_other(ROOT / name.partition(" ")[2], was) for name, was in contents.items())


def is_other(path: Path, was: dict) -> bool:
    """Whether the file exists and differs from `was` in size or, if its modification time has changed, in checksum."""
    if not path.is_file():
        return False
    status = path.stat()
    if status.st_size != was["bytes"]:
        return True
    return status.st_mtime_ns != was["modified_ns"] and checksum(path) != was["crc32"]


def checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            value = zlib.crc32(part, value)
    return value


def replaced(folder: Path, wanted: list[dict]) -> set[str]:
    """Folders of runs that have the configuration of a wanted run but were made with other data."""
    names = {run["folder"] for run in wanted}
    hashes = {run["config_hash"] for run in wanted if "config_hash" in run}
    return {path.parent.name for path in folder.glob("*/sweep.json") if path.parent.name not in names and config_hash(path) in hashes}


def config_hash(record: Path) -> str:
    """The configuration hash of the run. In records from before folders were named by their data, it is the folder's name."""
    try:
        return json.loads(record.read_text()).get("config_hash") or record.parent.name
    except (OSError, ValueError, AttributeError):
        return ""
