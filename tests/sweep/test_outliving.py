"""Runs whose folder a process still holds: ranks that outlive their launcher, or another sweep."""

import fcntl
import os
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from program import REPOSITORY
from studies import FAILED

sys.path.insert(0, str(REPOSITORY / "jobs"))
from sweeping import actions, local  # noqa: E402
from sweeping.folder import PROGRAM_LOCK, Folder  # noqa: E402


@pytest.fixture
def held(tmp_path):
    """A run, and the descriptor by which its folder is held."""
    descriptor = os.open(tmp_path / PROGRAM_LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return SimpleNamespace(folder=Folder(tmp_path), resolved=SimpleNamespace(contents={})), descriptor


def test_ranks_that_outlive_their_launcher_are_waited_for(held):
    run, descriptor = held
    begin = time.monotonic()
    threading.Timer(0.5, os.close, [descriptor]).start()
    assert local.are_free([run]) and time.monotonic() - begin >= 0.5


def test_a_job_whose_run_another_process_makes(held, monkeypatch, capsys):
    """It does not hold its nodes for ever."""
    run, descriptor = held
    monkeypatch.setattr(local, "OUTLIVE_SECONDS", 0.3)
    monkeypatch.setattr(actions.slurm, "task_index", lambda: 0)
    monkeypatch.setattr(actions, "read_submission", lambda path: SimpleNamespace(runs=[run]))
    assert actions.task(run.folder.path) == FAILED
    assert capsys.readouterr().err == "sweep: another process is executing this run\n"
    os.close(descriptor)
