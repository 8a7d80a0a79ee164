"""The files that a run reads and their checksums. A run with other data is another run."""

from __future__ import annotations

from pathlib import Path

from . import ROOT
from .folder import fingerprint

OPTIONS = ("data", "validation", "init", "delays")
# What --init reads of a run's folder, where lie results of that run too.
START_FILES = ("parameters.h5", "optimizer.h5")


def files_of(value: str, option: str = "data") -> list[Path]:
    """The files that the value of an option names. Values such as generate:text or 0.1 name no file."""
    path = named_path(value)
    if path is None:
        return []
    if option == "init" and path.is_dir():
        return [path / name for name in START_FILES if (path / name).is_file()]
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path, *labels_of(path)]


def files_read_by(word: str) -> list[Path]:
    """The files that --option=value names."""
    option, _, value = word.partition("=")
    return files_of(value, option.removeprefix("--"))


def named_path(value: str) -> Path | None:
    """The file or folder of FILE, of FILE:/X,/y, and of replay:FILE."""
    for text in (value, value.rpartition(":/")[0], value.partition(":")[2]):
        try:
            if text and (ROOT / text).exists():
                return ROOT / text
        except (OSError, ValueError):  # no name that a file can have
            pass
    return None


def labels_of(images: Path) -> list[Path]:
    """The label files that belong to an image file in IDX format, compressed or not."""
    if "images" not in images.name or "idx3" not in images.name:
        return []
    name = images.name.removesuffix(".gz").replace("idx3", "idx1").replace("images", "labels")
    return [path for ending in ("", ".gz") if (path := images.with_name(name + ending)).is_file()]


class Contents:
    """Sizes, times and checksums of files. A file is read again only if its size or time has changed. `known`: earlier values."""

    def __init__(self, known: dict[str, dict]):
        self.known = known

    def of(self, config: dict[str, str]) -> dict[str, dict]:
        """The entries of all files that a resolved configuration names, by option and name."""
        return {f"{option} {shown(path)}": self.one(path) for option in OPTIONS for path in files_of(config.get(option, ""), option)}

    def one(self, path: Path) -> dict:
        """The entry of one file. Thread-safe."""
        known, status = self.known.get(str(path)), path.stat()
        if known is None or (known["bytes"], known["modified_ns"]) != (status.st_size, status.st_mtime_ns):
            self.known[str(path)] = fingerprint(path)
        return self.known[str(path)]


def shown(path: Path) -> str:
    """The path as text, relative inside the repository."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def identity(contents: dict[str, dict]) -> str:
    """The text of the files that is hashed: option, checksum and size. Paths are hashed with the configuration; times are not hashed."""
    return "".join(f"{name.partition(' ')[0]} = crc32:{one['crc32']:08x} {one['bytes']}\n" for name, one in contents.items())
