"""Documents: every folder that is a room says what lives there; notebooks carry no outputs; no large files."""

import json

from tree import REPOSITORY, files, none, plant, show

LARGEST_BYTES = 1_000_000
ALSO_ROOMS = ("jobs", "analysis", "data", "tests", "tests/rules")


def without_readme(root):
    rooms = [room for room in sorted((root / "src").glob("*")) if room.is_dir() and any(room.iterdir())]
    rooms += [root / name for name in ALSO_ROOMS]
    return [f"{show(root, room)}: has no README.md" for room in rooms if not (room / "README.md").is_file()]


def with_outputs(root):
    found = []
    for file in files(root, ".ipynb"):
        for number, cell in enumerate(json.loads(file.read_text())["cells"]):
            if cell.get("outputs") or cell.get("execution_count"):
                found.append(f"{show(root, file)}: cell {number} has outputs")
                break
    return found


def too_large(root):
    return [f"{show(root, file)}: larger than {LARGEST_BYTES} bytes" for file in files(root) if file.stat().st_size > LARGEST_BYTES]


def violations(root):
    return without_readme(root) + with_outputs(root) + too_large(root)


def test_repository():
    none(violations(REPOSITORY))


def test_planted(tmp_path):
    cell = {"cell_type": "code", "source": [], "outputs": [], "execution_count": None}
    shown = {**cell, "outputs": [{"output_type": "stream"}]}
    plant(tmp_path, {f"{room}/README.md": "# Room\n" for room in ("src/core", *ALSO_ROOMS)})
    plant(tmp_path, {"analysis/clean.ipynb": json.dumps({"cells": [cell]})})
    assert violations(tmp_path) == []
    plant(tmp_path, {
        "src/plan/a.cpp": "",
        "analysis/dirty.ipynb": json.dumps({"cells": [cell, shown]}),
        "data/big.csv": "0" * (LARGEST_BYTES + 1),
    })
    assert violations(tmp_path) == [
        "src/plan: has no README.md",
        "analysis/dirty.ipynb: cell 1 has outputs",
        f"data/big.csv: larger than {LARGEST_BYTES} bytes",
    ]
