"""Checkpoints on a disk that fails, and damaged ones; tests/fault/full_disk.sh fails every single write."""

import shutil

import pytest

from failing import RUN, Scene, cut_at, damage, fail_one, flipped_at, limit_size
from program import preload, quartic
from test_resume import checkpoint_of
from runs import DONE, FAILED, REFUSED, attributes, read_steps, refused, same_run


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("failing"))


@pytest.mark.parametrize("stays", [False, True])
def test_a_write_of_a_checkpoint_that_fails(stays, scene):
    """Every third, alone; a full disk is full, so of those that all others follow a few are enough."""
    calls = scene.calls("/checkpoint")
    assert calls > 50
    for call in (1, *range(3, calls, 17 if stays else 3), calls):
        assert fail_one(scene, "/checkpoint", call, stays) == FAILED, f"call {call} of {calls}"


def test_a_write_of_a_trace_that_fails(scene):
    """When the rows are gathered, too, nothing is lost in silence."""
    calls = scene.calls("/trace.h5.part")
    assert {fail_one(scene, "/trace.h5.part", call, False) for call in (1, *range(2, calls, 5), calls)} <= {FAILED, REFUSED}


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(scene, tmp_path):
    """Every file, the manifest, and the folder that names them; then the folder of all checkpoints."""
    out, log = scene.copy("synced"), tmp_path / "syncs"
    scene.go_on(out, exit_code=0, env={"LD_PRELOAD": preload(tmp_path, "logged_syncs"), "QUARTIC_SYNC_LOG": str(log)})
    made = checkpoint_of(out)
    lines = log.read_text().splitlines()
    named = lines.index(f"rename {made}")
    for name in ("/manifest", "", *(f"/{file.name}" for file in made.glob("*.h5"))):
        assert f"sync {made}.part{name}" in lines[:named], name
    assert f"sync {made.parent}" in lines[named:]


def not_gathered(scene, name):
    """A run that has come to its end on a disk that was full by then, so that its shards are left."""
    out = scene.folder / name
    quartic("run", *RUN, "--out", out, exit_code=FAILED, env=scene.environment("/trace.h5.part", 1, QUARTIC_FAIL_ALL="1"))
    assert (out / "ranks").is_dir() and attributes(out)["complete"] == 0
    return out


def test_a_complete_run_is_complete_when_it_is_gathered_later(scene):
    out = not_gathered(scene, "gathered later")
    quartic("gather", out)
    assert attributes(out)["complete"] == 1 and not (out / "ranks").exists()
    same_run(scene.whole, out)


def test_a_complete_run_that_is_not_gathered_is_not_made_again(scene):
    out = not_gathered(scene, "not gathered")
    refused("run", *RUN, "--out", out, says=(out, "finished run", "--overwrite"))
    assert "is complete" in quartic("run", "--resume", out).stdout
    same_run(scene.whole, out)


def test_a_finished_run_that_could_not_become_longer(scene):
    """It is still the finished one, and can become longer when the disk has room again."""
    out = scene.folder / "finished"
    shutil.copytree(scene.cut, out)
    quartic("run", "--resume", out, "--quiet")
    longer = ("run", "--resume", out, "--microbatches", 64, "--quiet")
    quartic(*longer, exit_code=None, env=scene.environment("/trace.h5.new", 1))
    assert "microbatches = 48\n" in (out / "config.ini").read_text()
    assert "is complete" in quartic("run", "--resume", out).stdout
    quartic(*longer)
    assert len(read_steps(out)[0]) == 64


@pytest.mark.parametrize("file", ["/config.ini", "/ranks", "/trace.h5"])
def test_a_run_that_begins_anew_has_its_configuration(file, scene):
    """It had no checkpoint, and the disk is still full."""
    out = scene.copy("anew")
    shutil.rmtree(out / "checkpoint")
    resume = ("run", "--resume", out, "--quiet")
    assert quartic(*resume, exit_code=None, env=scene.environment(file, 1, QUARTIC_FAIL_ALL="1")).returncode in (FAILED, REFUSED)
    quartic(*resume)
    same_run(scene.whole, out)


def test_a_folder_in_which_a_run_could_not_begin_anew(scene):
    out = scene.copy("taken")
    shutil.rmtree(out / "checkpoint")
    quartic("run", "--resume", out, "--quiet", exit_code=None, env=scene.environment("/trace.h5", 1, QUARTIC_FAIL_ALL="1"))
    quartic("run", *RUN, "--out", out)
    assert not (out / "lock").exists()


def test_a_folder_of_a_killed_run_stays_one(tmp_path):
    """Killed before it had a trace; then somebody makes a mistake there."""
    out = tmp_path / "run"
    out.mkdir()
    (out / "config.ini").write_text("method = pipedream\n")
    (out / "lock").write_text("process 1 on a node")
    refused("run", *RUN, "--out", out, "--init", tmp_path / "no.h5", says="no.h5")
    quartic("run", *RUN, "--out", out)


def test_a_file_system_without_locks(tmp_path):
    done = quartic("run", *RUN, "--out", tmp_path / "run", env={"LD_PRELOAD": preload(tmp_path, "no_locks"), "HDF5_USE_FILE_LOCKING": "FALSE"})
    assert "has no locks (No locks available)" in done.stderr and attributes(tmp_path / "run")["complete"] == 1


def test_a_limit_to_the_size_of_files(scene):
    """Those of the trace come first, so that the configuration stays that of the run that there is. With 150 kB a shard lacks its end."""
    assert {limit_size(scene, size) for size in (500, 6000, 150_000)} == {FAILED}
    assert limit_size(scene, 1 << 30) == DONE


def test_a_rank_that_cannot_write(scene):
    assert fail_one(scene, "0000-0001.h5", 5, True, ranks=2) == FAILED


@pytest.mark.parametrize("file", ["manifest", "0000-0000.h5"])
def test_a_damaged_checkpoint_is_refused(file, scene):
    for length in (0, 1, 100, 500):
        damage(scene, file, cut_at(length))
    for bit in (0, 7, 500, 1501):
        damage(scene, file, flipped_at(bit))
