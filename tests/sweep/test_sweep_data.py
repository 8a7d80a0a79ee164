"""The sweep tool and data: what is made, what is the user's, and what a change of either does."""

import os

import pytest

from program import REPOSITORY
from runs import attributes
from studies import REFUSED, TINY, folders, listed, records, sweep, write_study

# Made by nobody else, so that it is missing at first.
MADE = REPOSITORY / "data" / "made"
DATA = TINY.replace("rows = 64\nfeatures = 16\n", 'data = "@test"\n').replace("microbatches = 8\n", "epochs = 1\n") + f"""
[data.test]
make = "tridiagonal --rows 64 --features 16 --seed {os.getpid()}"
"""


def made_for_tests():
    return sorted(MADE.glob("test-*.h5"))


@pytest.fixture
def no_made_data():
    yield
    for path in made_for_tests():
        path.unlink()


def test_data_is_made_when_it_is_missing(tmp_path, no_made_data):
    study = write_study(tmp_path, DATA)
    shown = sweep(study, "--dry-run").stdout
    assert "make  data/made/test-" in shown and made_for_tests() == []
    sweep(study, "--local")
    (made,) = made_for_tests()
    assert f"data = data/made/{made.name}\n" in attributes(folders(study)[2, 0])["config"]  # the same on every machine
    assert listed(study)[0]["options"]["data"] == "@test"
    before, modified = records(study), made.stat().st_mtime_ns
    sweep(study, "--local")
    assert records(study) == before and made.stat().st_mtime_ns == modified
    write_study(tmp_path, DATA.replace("--rows 64", "--rows 128"))
    sweep(study, "--local")
    assert len(made_for_tests()) == 2 and len(records(study)) == 8


def test_a_wrong_value_is_found_before_data_is_made(tmp_path, no_made_data):
    study = write_study(tmp_path, DATA.replace("[0, 1]", "[0, -1]"))
    line = sweep(study, "--local", exit_code=REFUSED).stderr
    assert line.count("\n") == 1 and "--seed '-1'" in line and made_for_tests() == []


def test_files_of_the_user(tmp_path):
    text = TINY.replace("rows = 64\nfeatures = 16\n", 'data = "@mine"\n') + '[data.mine]\nfile = "mine.txt"\n'
    study = write_study(tmp_path, text)
    (tmp_path / "mine.txt").write_text("".join(f"{row % 7} 1:{row % 5} 4:{row % 3}\n" for row in range(64)))
    sweep(study, "--local", "--data", tmp_path)
    before = records(study)
    assert f"data = {tmp_path / 'mine.txt'}\n" in attributes(folders(study)[2, 0])["config"]
    (tmp_path / "mine.txt").unlink()
    line = sweep(study, "--local", "--data", tmp_path, exit_code=2).stderr
    assert line.count("\n") == 1 and "mine.txt" in line and "data/README.md" in line and records(study) == before


def test_a_file_that_changes_makes_new_runs(tmp_path):
    """What the program resolved is remembered only as long as the files that it read are the same."""
    text = TINY.replace("rows = 64\nfeatures = 16\nmicrobatches = 8\n", 'data = "@mine"\n') + '[data.mine]\nfile = "mine.txt"\n'
    study = write_study(tmp_path, text)
    for rows in (64, 128):
        (tmp_path / "mine.txt").write_text("".join(f"{row % 7} 1:{row % 5} 4:{row % 3}\n" for row in range(rows)))
        sweep(study, "--local", "--data", tmp_path)
        assert f"microbatches = {rows // 8}\n" in attributes(folders(study)[2, 0])["config"]
    assert len(records(study)) == 8
