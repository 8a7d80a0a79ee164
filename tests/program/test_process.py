"""What a run needs of the process that it is: descriptors, signals, memory, one working directory, and a launcher that told it of the
other ranks."""

import gzip
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from program import EXECUTABLE, MPIRUN, PATIENCE, has_sanitizer, quartic, said
from runs import DONE, FAILED, REFUSED, STOPPED, LONG_RUN, LiveRun, attributes, lines_of_quartic, read_steps, refused, until
from test_resume import checkpoint_of

RUN = ("run", "--microbatches", 16, "--stages", 2, "--rows", 64, "--features", 12, "--microbatch-size", 4, "--quiet")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def shell(script, **options):
    """The script with the executable as $Q."""
    return subprocess.run(["bash", "-c", script], env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "Q": str(EXECUTABLE)}, text=True,
                          capture_output=True, timeout=60 * PATIENCE, **options)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_do_not_damage_the_trace(closed):
    """A file that gets the number of stderr would have every message written into it."""
    quartic(*RUN, "--out", "whole")
    # A kernel that is slow gives a message after the trace has been opened.
    done = shell(f'OPENBLAS_CORETYPE=Nehalem "$Q" {" ".join(map(str, RUN))} --out run {closed}')
    assert done.returncode == DONE
    assert attributes("run")["complete"] == 1 and read_steps("run").keys() == {0, 1}


def test_a_file_that_may_not_grow_fails_as_a_full_disk_does():
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))  # noqa: E731
    done = subprocess.run([EXECUTABLE, *map(str, RUN), "--out", "run"], preexec_fn=limit, capture_output=True, text=True, timeout=60 * PATIENCE)
    assert done.returncode in (FAILED, REFUSED), done.returncode  # not killed by SIGXFSZ
    assert "File too large" in done.stderr


def started(out, *options, **more):
    run = LiveRun(out, *LONG_RUN, *options, **more)
    run.has_rows()
    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_a_run_with_a_checkpoint(number):
    with started("run") as run:
        run.process.send_signal(number)
        code, errors = run.wait()
    assert code == STOPPED and "--resume run" in errors
    checkpoint_of(Path("run"))


def test_a_second_ctrl_c_ends_a_run_at_once():
    """Also one that comes at once: nobody hands Ctrl-C on."""
    slow = ("--objective", "mlp", "--hidden", "1024,1024,1024", "--rows", 8192, "--microbatch-size", 8192, "--microbatches", 1000)
    with LiveRun("run", *slow) as run:
        until(lambda: Path("run/trace.h5").is_file(), "the run has begun")
        time.sleep(1)
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert run.process.poll() is None
        run.process.send_signal(signal.SIGINT)
        code, _ = run.wait(5)
    assert code == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_ignored_stays_ignored(number):
    """As nohup and a shell's background job have it."""
    command = [EXECUTABLE, "run", *map(str, LONG_RUN), "--quiet", "--out", "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    try:
        until(lambda: Path("run/trace.h5").is_file(), "the run has begun")
        time.sleep(1)
        process.send_signal(number)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGUSR1)
        assert process.wait(20 * PATIENCE) == STOPPED
    finally:
        process.kill()
        process.communicate()


def test_sigterm_before_training_ends_the_process_at_once():
    """Here it waits for a configuration that never comes."""
    os.mkfifo("never.ini")
    process = subprocess.Popen([EXECUTABLE, "run", "--config", "never.ini", "--out", "run"], stderr=subprocess.PIPE)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(5) == -signal.SIGTERM
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(has_sanitizer(), reason="the address sanitizer itself takes more address space than any limit")
@pytest.mark.parametrize("megabytes", [100, 150, 200, 250, 300])
def test_a_small_address_space_ends_a_run_with_a_line(megabytes):
    """OpenBLAS would ask for its work space for ever."""
    done = shell(f'ulimit -v {megabytes}000; exec timeout --signal=KILL 20 "$Q" {" ".join(map(str, RUN))} --out run')
    if "shared librar" in done.stderr:
        pytest.skip("the program itself does not fit")
    if done.returncode != DONE:  # how much it needs depends on the library
        (line,) = said(done.stderr).splitlines()
        assert done.returncode == FAILED and "out of memory" in line and "bytes" in line and "ulimit -v" in line


@pytest.mark.skipif(has_sanitizer(), reason="the address sanitizer itself takes more address space than any limit")
def test_a_run_that_does_not_fit_its_address_space_is_refused():
    done = shell('ulimit -v 400000; exec "$Q" run --objective mlp --stages 2 --hidden 8000,8000 --rows 64 --microbatches 8 --quiet --out run')
    (line,) = said(done.stderr).splitlines()
    assert done.returncode == REFUSED and "GB are free" in line and "ulimit -v" in line


@pytest.mark.skipif(has_sanitizer(), reason="the address sanitizer itself takes more address space than any limit")
def test_memory_that_cannot_be_had_says_what_for_how_much_and_which_limit():
    """The data's own memory, which nobody has planned."""
    with h5py.File("wide.h5", "w") as file:
        file["X"] = np.zeros((25_000, 1000), np.float32)
        file["y"] = np.zeros(25_000, np.float32)
    done = shell('ulimit -v 350000; exec "$Q" run --data wide.h5 --stages 2 --microbatch-size 8 --microbatches 8 --quiet --out run')
    (line,) = said(done.stderr).splitlines()
    assert done.returncode == FAILED and "out of memory" in line and "bytes for the data" in line and "ulimit -v" in line


def test_ranks_in_different_working_directories_are_refused_at_the_start():
    for name in ("a", "b"):
        os.mkdir(name)
    run = [str(EXECUTABLE), *map(str, RUN), "--out", "run"]
    command = [MPIRUN, "-n", "1", "-wdir", str(Path("a").resolve()), *run, ":", "-n", "1", "-wdir", str(Path("b").resolve()), *run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL)
    (line,) = lines_of_quartic(done)
    assert "the run folder" in line and "working directory" in line
    assert not os.path.exists("a/run") and not os.path.exists("b/run")


@pytest.mark.parametrize("environment", [{"SLURM_STEP_NUM_TASKS": "4"}, {"PMI_SIZE": "4"}, {"SLURM_NTASKS": "4"},
                                         {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}])
def test_ranks_that_do_not_know_of_each_other_are_refused(environment):
    """srun without PMIx: each would train the whole pipeline, in one folder."""
    refused(*RUN, "--out", "run", env=environment, says=("srun --mpi=pmix", "mpirun", "is 4"))


def test_one_process_in_a_batch_script_is_no_mistake():
    quartic(*RUN, "--out", "run", env={"SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"})


def test_a_lock_that_is_a_link_is_not_followed():
    Path("precious").write_text("")
    os.mkdir("run")
    os.symlink("../precious", "run/lock")
    refused(*RUN, "--out", "run", says=("run/lock", "symbolic link"))
    assert Path("precious").read_text() == "" and os.path.islink("run/lock")




@pytest.mark.skipif(has_sanitizer(), reason="the address sanitizer itself takes more address space than any limit")
def test_packed_data_without_room_is_refused_before_memory_is_gone():
    """In a small address space, where less than a bomb is too much."""
    line = " ".join(f"{column}:0.{column}25" for column in range(1, 100)).encode()
    with gzip.open("wide.gz", "wb", compresslevel=1) as file:
        for row in range(250_000):
            file.write(b"%d %s 100:%d\n" % (row % 2, line, row))
    done = shell('ulimit -v 450000; exec "$Q" run --objective logistic --data wide.gz --stages 2 --microbatches 8 --quiet --out run')
    (line,) = said(done.stderr).splitlines()
    assert done.returncode == REFUSED and "out of memory" in line and "decompressed" in line and "ulimit -v" in line
