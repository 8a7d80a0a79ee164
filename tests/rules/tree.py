"""What the rules share: where the repository is, and how to plant a small tree that breaks one."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("include", "src", "tests", "jobs", "analysis", "cmake", "data", "docs")
NOT_OURS = {"__pycache__", "out", "made", ".ipynb_checkpoints", ".pytest_cache"}


def plant(root, files):
    """Writes {path: text} under root and returns root."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def files(root, *suffixes, folders=FOLDERS):
    """The tree's own files with one of the suffixes (any, when none is given), sorted."""
    found = []
    for folder in folders:
        for parent, inner, names in os.walk(root / folder):
            inner[:] = [name for name in inner if name not in NOT_OURS]
            found += [Path(parent, name) for name in names if not suffixes or name.endswith(suffixes)]
    return sorted(found)


def show(root, file):
    return str(file.relative_to(root))


def none(found):
    """Fails with one violation a line."""
    assert not found, "\n" + "\n".join(found)
