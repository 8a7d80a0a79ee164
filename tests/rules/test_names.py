"""Names: files and folders are snake_case, and none hides what it is about. What people type as a name on a command line, a study
(with its notebook) or a machine, has the hyphens that quartic's options and methods have."""

import re

import pytest

from tree import FOLDERS, REPOSITORY, files, none, plant, show

SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z0-9]+)*")
# Names that tools give: documents for people, CMake's own, Python's and Make's.
TYPED = re.compile(r"(jobs/(studies|machines)|analysis/notebooks)/[a-z][a-z0-9]*(-[a-z0-9]+)*\.(toml|ipynb)")
GIVEN = re.compile(r"[A-Z]+(\.md|\.cff)?|CMakeLists\.txt|\.gitignore|__init__\.py|__main__\.py|.*\.in|check-all-results\.txt")
VAGUE = {"util", "utils", "misc", "helper", "helpers", "manager", "impl", "common", "stuff"}
TOP = {*FOLDERS, "Makefile", "CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "build", "runs"}


def violations(root):
    found = [f"{entry.name}: the top level is fixed" for entry in sorted(root.iterdir())
             if entry.name not in TOP and not entry.name.startswith(".")]
    for file in files(root):
        typed = TYPED.fullmatch(file.relative_to(root).as_posix())
        for name in file.relative_to(root).parts:
            if not (typed or SNAKE.fullmatch(name) or GIVEN.fullmatch(name)):
                found.append(f"{show(root, file)}: {name} is not snake_case")
            vague = VAGUE & set(re.split(r"[_.]", name))
            if vague:
                found.append(f"{show(root, file)}: {', '.join(vague)} says nothing")
    return found


def test_repository():
    none(violations(REPOSITORY))


@pytest.mark.parametrize("path", ["src/core/weight_store.cpp", "tests/CMakeLists.txt", "src/core/README.md", "jobs/one.sbatch.in", ".ci/run",
                                  "jobs/studies/stale-read.toml", "analysis/notebooks/stale-read.ipynb"])
def test_planted(tmp_path, path):
    assert violations(plant(tmp_path, {path: ""})) == []


@pytest.mark.parametrize("path", ["src/core/WeightStore.cpp", "src/core/string_utils.hpp", "src/misc/a.cpp", "include/quartic/io/h5-impl.hpp",
                                  "analysis/Figures.py", "scripts/a.sh", "notes.txt", "jobs/sweeping/one-thing.py"])
def test_planted_violation(tmp_path, path):
    assert violations(plant(tmp_path, {path: ""})) != []
