"""The sweep tool and data: what is made, what is the user's, and what a change of either does."""

import os
import shutil
import sys
import zlib

import h5py
import numpy as np
import pytest

from program import REPOSITORY, quartic
from runs import attributes
from studies import REFUSED, TINY, folders, listed, records, sweep, write_study

sys.path.insert(0, str(REPOSITORY / "jobs"))
from sweeping.contents import files_of  # noqa: E402

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


FILES = TINY.replace("rows = 64\nfeatures = 16\n", 'data = "@mine"\nvalidation = "@held"\ninit = "@start"\nmethod = "rpd"\ndelays = "replay:@late"\n') + """
[data.mine]
file = "mine.txt"
[data.held]
file = "held.txt"
[data.start]
file = "start.h5"
[data.late]
file = "late.h5"
"""


def write_file(path, value):
    """Of the same size and number of rows for every value of one digit."""
    if path.suffix == ".txt":
        path.write_text("".join(f"{(row + value) % 7} 1:{row % 5} 4:{row % 3}\n" for row in range(64)))
        return
    with h5py.File(path, "w") as file:
        if path.stem == "start":
            file["weight"] = np.full(4, value / 8)
        else:
            file["delays"], file["stage"], file["microbatch"] = np.zeros((8, 2), int), np.arange(8) % 2, (np.arange(8) + value) % 8


@pytest.mark.parametrize("changed", ["mine.txt", "held.txt", "start.h5", "late.h5"])
def test_runs_of_other_data_are_stale_and_made_again(changed, tmp_path):
    """Though its rows are as many, and its size is the same."""
    study = write_study(tmp_path, FILES.replace("stages = [2, 4]", "stages = [2]").replace('method = "pipedream"\n', ""))
    names = ("mine.txt", "held.txt", "start.h5", "late.h5")
    for name in names:
        write_file(tmp_path / name, 1)
    sweep(study, "--local", "--data", tmp_path)
    before = set(records(study))
    for name, option in zip(names, ("data", "validation", "init", "delays")):
        checksum = f"crc32:{zlib.crc32((tmp_path / name).read_bytes()):08x}"
        assert all(attributes(folder)[f"{option}_checksum"] == checksum for folder in before)
    write_file(tmp_path / changed, 2)
    shown = sweep(study, "--status", "--data", tmp_path, exit_code=1).stderr
    for folder in before:
        assert f"{folder.relative_to(tmp_path)}: stale: its data has changed since it was made; --local runs it with the new data in out/" in shown
    sweep(study, "--local", "--data", tmp_path)
    assert len(records(study)) == 4 and not before & set(folders(study).values())
    assert sweep(study, "--status", "--data", tmp_path).stderr.count("stale") == 2
    write_file(tmp_path / changed, 1)  # which the earlier runs are of
    assert sweep(study, "--status", "--data", tmp_path).stderr.count("stale") == 2
    sweep(study, "--local", "--data", tmp_path)
    assert set(folders(study).values()) == before and len(records(study)) == 4


def test_files_that_are_only_newer_make_nothing_again(tmp_path):
    study = write_study(tmp_path, TINY.replace("rows = 64\nfeatures = 16\n", 'data = "@mine"\n') + '[data.mine]\nfile = "mine.txt"\n')
    for _ in range(2):
        write_file(tmp_path / "mine.txt", 1)
        sweep(study, "--local", "--data", tmp_path)
        os.utime(tmp_path / "mine.txt", (1, 1))
    assert len(records(study)) == 4 and "stale" not in sweep(study, "--status", "--data", tmp_path).stderr


def test_labels_beside_images_and_files_in_a_folder_are_data_too(tmp_path):
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "folder/data_batch_1.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    read = [path.name for value in ("train-images-idx3-ubyte", "folder") for path in files_of(str(tmp_path / value))]
    assert read == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "data_batch_1.bin"]


def test_a_run_that_is_started_from_is_its_weights_and_state(tmp_path):
    """Its trace and its log are not read."""
    for name in ("parameters.h5", "optimizer.h5", "trace.h5", "config.ini"):
        (tmp_path / name).write_text("1")
    assert [path.name for path in files_of(str(tmp_path), "init")] == ["parameters.h5", "optimizer.h5"]
    (tmp_path / "optimizer.h5").unlink()
    assert [path.name for path in files_of(str(tmp_path), "init")] == ["parameters.h5"]


@pytest.mark.parametrize("changed", ["parameters.h5", "optimizer.h5"])
def test_runs_from_another_state_are_made_again(changed, tmp_path):
    text = TINY.replace("rows = 64\n", f'rows = 64\ninit = "{tmp_path}/start"\noptimizer = "momentum"\n')
    for rate in (0.1, 0.2):
        quartic("run", "--rows", 64, "--features", 16, "--microbatch-size", 8, "--microbatches", 8, "--optimizer", "momentum",
                "--learning-rate", rate, "--save-parameters", "--quiet", "--out", tmp_path / str(rate))
    shutil.copytree(tmp_path / "0.1", tmp_path / "start")
    study = write_study(tmp_path, text)
    sweep(study, "--local")
    before = set(records(study))
    assert all(attributes(folder)["init_optimizer_checksum"].startswith("crc32:") for folder in before)
    (tmp_path / "start" / "trace.h5").unlink()
    sweep(study, "--local")
    assert set(records(study)) == before
    shutil.copy(tmp_path / "0.2" / changed, tmp_path / "start" / changed)
    sweep(study, "--local")
    assert len(records(study)) == 2 * len(before)
    assert "its data has changed" in sweep(study, "--status").stderr


def test_a_file_that_changes_makes_new_runs(tmp_path):
    """What the program resolved is remembered only as long as the files that it read are the same."""
    text = TINY.replace("rows = 64\nfeatures = 16\nmicrobatches = 8\n", 'data = "@mine"\n') + '[data.mine]\nfile = "mine.txt"\n'
    study = write_study(tmp_path, text)
    for rows in (64, 128):
        (tmp_path / "mine.txt").write_text("".join(f"{row % 7} 1:{row % 5} 4:{row % 3}\n" for row in range(rows)))
        sweep(study, "--local", "--data", tmp_path)
        assert f"microbatches = {rows // 8}\n" in attributes(folders(study)[2, 0])["config"]
    assert len(records(study)) == 8
