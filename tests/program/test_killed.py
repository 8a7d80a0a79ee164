"""Runs that do not come to their end: read while they go on, killed, interrupted, out of room."""

import os
import random
import re
import signal
import subprocess

import pytest

from killing import check_gathered, check_rows, grows, kill_one
from program import LONG, quartic
from runs import FAILED, STOPPED, LONG_RUN, LiveRun, attributes, read_steps, read_tables, until
from test_stops import stopped


def test_live_reading(tmp_path):
    with LiveRun(tmp_path / "run", *LONG_RUN, ranks=2) as run:
        grows(run)


def test_loss_is_flushed_where_no_step_is_traced(tmp_path):
    """--trace-every thins out the steps alone. A full buffer holds 1024 rows; a flush by time any number."""
    with LiveRun(tmp_path / "run", *LONG_RUN, "--trace-every", 150_000) as run:
        def losses():
            assert run.process.poll() is None
            try:
                return len(read_tables(run.out, live=True)["loss"])
            except (OSError, KeyError):
                return 0

        until(lambda: losses() % 1024 != 0, "a flush of losses by time", seconds=10)


@pytest.mark.parametrize("ranks", [0, 2, 4] if LONG else [0, 4])
def test_kill(ranks, tmp_path):
    print(kill_one(tmp_path / "run", ranks, random.Random(ranks)))


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(kind, tmp_path):
    """What the run has written stays, and its lock holds nobody up."""
    folder = tmp_path / "run"
    with LiveRun(folder, *LONG_RUN) as run:
        run.has_rows()
        run.process.send_signal(kind)
        code, _ = run.wait()
        assert code == STOPPED
    check_rows(folder, read_steps(folder, live=True))
    quartic("run", "--microbatches", 16, "--quiet", "--out", folder, "--overwrite")
    assert attributes(folder)["complete"] == 1
    assert sorted(os.listdir(folder)) == ["config.ini", "log", "trace.h5"]


def test_interrupted_launcher(tmp_path):
    """Ctrl-C on mpirun leaves no rank behind."""
    folder = tmp_path / "run"
    with LiveRun(folder, *LONG_RUN, ranks=2) as run:
        run.has_rows()
        ranks = run.rank_processes()
        assert len(ranks) == 2
        run.process.send_signal(signal.SIGINT)
        code, _ = run.wait()
        assert code != 0
    until(lambda: not any(os.path.exists(f"/proc/{rank}") for rank in ranks), "the ranks are gone", seconds=10)
    check_rows(folder, read_steps(folder, live=True))


# A disk of our own


@pytest.fixture
def small_disk(tmp_path):
    """Makes disks of a given size; needs leave to mount."""
    mounted = []

    def make(size):
        folder = tmp_path / size
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"mounting a small disk is not permitted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def test_no_room_for_the_trace(small_disk):
    """Refused before it starts, with what it needs and what there is; nothing is left."""
    disk = small_disk("64k")
    done = quartic("run", "--out", disk / "run", exit_code=2)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("quartic: ")]
    assert str(disk / "run") in line and re.search(r"about \S+ MB, but \S+ MB are free", line) and "--trace-every" in line
    assert os.listdir(disk) == []


def test_disk_that_cannot_be_written(small_disk):
    disk = small_disk("1m")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = quartic("run", "--out", disk / "run", exit_code=2)
    assert done.stderr.startswith(f"quartic: --out {disk / 'run'}: cannot be created: Read-only file system") and done.stderr.count("\n") == 1


@pytest.fixture
def failing_disk(tmp_path):
    """A disk with a journal, whose file system can go read-only while files are open, as on a failing drive; needs leave to mount."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    image.touch()
    os.truncate(image, 256 << 20)
    subprocess.run(["/sbin/mkfs.ext4", "-q", image], check=True)
    mount = ["mount", "-o", "loop", image, folder]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounting a file system is not permitted here: {done.stderr.strip()}")

    def fail():
        subprocess.run(["mount", "-o", "remount,abort", folder], check=True)

    def repair():
        subprocess.run(["umount", folder], check=True)
        subprocess.run(["/sbin/e2fsck", "-fyq", image], capture_output=True)  # its code says what it has put right
        subprocess.run(mount, check=True)

    yield folder, fail, repair
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("ranks", [0, 3])
def test_file_system_that_goes_read_only(ranks, failing_disk):
    """In mid-run: it fails with the name of a file, does not hang, and goes on from its checkpoint when the disk is well again."""
    disk, fail, repair = failing_disk
    out = disk / "run"
    with LiveRun(out, *LONG_RUN, "--checkpoint-every", 400, ranks=ranks) as run:
        until(lambda: list(out.glob("checkpoint/*/manifest")), "a checkpoint")
        fail()
        code, errors = run.wait(30)
    assert code == FAILED, errors
    lines = [line for line in errors.splitlines() if line.startswith("quartic: ")]
    reasons = ("Read-only file system", "Input/output error")  # of a write, and of an fsync of what was written before
    assert lines and all(str(out) in line and any(reason in line for reason in reasons) for line in lines), errors
    repair()
    with LiveRun(out, "--resume", out, ranks=ranks) as run:
        stopped(run, signal.SIGUSR1, True)
    check_rows(out, read_steps(out, live=True))


@pytest.mark.parametrize("ranks", [0, 3])
def test_disk_that_fills_up(ranks, small_disk):
    """Others fill the disk in mid-run: the job fails with the name of the file, and does not hang."""
    disk = small_disk("160m")
    with LiveRun(disk / "run", *LONG_RUN, ranks=ranks) as run:
        run.has_rows()
        with pytest.raises(OSError), open(disk / "filler", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
                if file.tell() > 1 << 30:
                    break
        code, errors = run.wait(30)
    assert code == 1, errors
    lines = [line for line in errors.splitlines() if line.startswith("quartic: ")]
    assert lines and all("No space left" in line and ".h5" in line for line in lines), errors
    (disk / "filler").unlink()
    check_gathered(disk / "run")
