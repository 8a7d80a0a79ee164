"""A study as a job array of a real Slurm with one node: to its end, killed in the middle, retried; the same bits as --local."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from one_node_slurm import OneNodeSlurm, missing
from program import LONG, REPOSITORY
from runs import attributes, read_steps, same_run, until
from studies import FAILED, REFUSED, TINY, folders, is_alive, log_of, slow_at_first, stand_in, status, sweep, write_study

CORES, ARRAY = 8, 20
STUDY = 'ranks = "stages"' + TINY.replace("[2, 4]", "[2, 4, 8]").replace("[0, 1]", "[0]").replace("microbatches = 8", "microbatches = 64")

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed ({', '.join(missing())}); cmake/packages.sh slurm installs it")


@pytest.fixture(scope="module")
def slurm():
    with OneNodeSlurm(CORES, ARRAY) as slurm:
        yield slurm


@pytest.fixture
def submitted(slurm, tmp_path):
    """A function like `sweep`, on the machine that is that Slurm; its jobs have ended when the test has."""
    machine = tmp_path / "cluster.toml"
    machine.write_text(f'scheduler = "slurm"\nlauncher = "srun"\npartition = "main"\ncores = {CORES}\nminutes = 30\n'
                       '[environment]\nOMPI_MCA_mpi_yield_when_idle = "1"\n')

    def on_slurm(study, *words, function=sweep, **options):
        return function(study, *words, "--machine", machine, env=slurm.environment, **options)

    yield on_slurm
    slurm.ask("scancel", "--full", f"--user={slurm.values['USER']}")
    until(lambda: not slurm.jobs(), "no job is left")


def ended(slurm, seconds=90):
    until(lambda: not slurm.jobs(), "the array has ended", seconds)


def job_of(study, number=1):
    return (study.parent / "out" / f"submission-{number:04}.job").read_text().strip()


def log_of_index(study, index, number=1):
    return (study.parent / "out" / f"submission-{number:04}.{index}.log").read_text()


def as_local(study, tmp_path):
    """Every run of the study has the bits that --local gives it."""
    (tmp_path / "local").mkdir()
    local = write_study(tmp_path / "local", study.read_text())
    sweep(local, "--local")
    assert folders(study).keys() == folders(local).keys()
    for key, folder in folders(study).items():
        assert attributes(folder)["complete"] == 1
        same_run(folder, folders(local)[key])


# Of the run of so many stages, the first start of each rank leaves its process id and waits to be killed.
WAIT = """case "$*" in *--stages={stages}*) if [[ ! -e $LOG.again ]]; then echo $$ >> $LOG; exec sleep 300; fi;; esac"""


def waiting(program, ranks):
    until(lambda: len(log_of(program)) == ranks, f"{ranks} ranks at work", seconds=60)
    return [int(pid) for pid in log_of(program)]


def test_to_the_end_with_one_job_requeued_and_one_killed(slurm, submitted, tmp_path):
    study = write_study(tmp_path, STUDY)
    program = stand_in(tmp_path, WAIT.format(stages=4))
    assert "submitted 3 runs as job " in submitted(study, "--submit", program=program).stdout
    ranks = waiting(program, 4)
    assert submitted(study, function=status, exit_code=FAILED, program=program)["running"] >= 1
    again = submitted(study, "--submit", program=program)
    assert "submitted" not in again.stdout  # what is at work is not submitted twice
    (tmp_path / "quartic.log.again").touch()
    slurm.ask("scontrol", "requeue", f"{job_of(study)}_1")
    ended(slurm)
    assert not any(is_alive(pid) for pid in ranks)
    assert "start 2" in log_of_index(study, 1) and "start 1" in log_of_index(study, 0)
    assert attributes(folders(study)[4, 0])["slurm_restart_count"] == "1"
    assert attributes(folders(study)[8, 0])["slurm_array_task_id"] == "2"
    assert "SLURM_ARRAY_TASK_ID=2" in (folders(study)[8, 0] / "environment").read_text()
    assert submitted(study, function=status, program=program) == {"runs": 3, "complete": 3}
    assert "submitted" not in submitted(study, "--submit", program=program).stdout
    as_local(study, tmp_path)


def test_a_job_that_is_killed_is_submitted_again(slurm, submitted, tmp_path):
    study = write_study(tmp_path, STUDY)
    program = stand_in(tmp_path, WAIT.format(stages=8))
    submitted(study, "--submit", program=program)
    ranks = waiting(program, 8)
    os.kill(ranks[3], signal.SIGKILL)
    ended(slurm)
    assert submitted(study, function=status, exit_code=FAILED, program=program) == {"runs": 3, "complete": 2, "killed": 1}
    assert "killed: a rank, by a signal" in log_of_index(study, 2)
    (tmp_path / "quartic.log.again").touch()
    assert "submitted 1 runs" in submitted(study, "--retry", program=program).stdout
    assert "submitted" not in submitted(study, "--retry", program=program).stdout  # it waits, or is at work, already
    ended(slurm)
    assert submitted(study, function=status, program=program) == {"runs": 3, "complete": 3}
    as_local(study, tmp_path)


def test_the_list_of_a_waiting_array_does_not_change(slurm, submitted, tmp_path):
    study = write_study(tmp_path, STUDY)
    slurm.ask("scontrol", "update", "PartitionName=main", "State=DOWN")  # jobs are taken, and wait
    try:
        submitted(study, "--submit")
        assert submitted(study, function=status, exit_code=FAILED) == {"runs": 3, "queued": 3}
        write_study(tmp_path, STUDY.replace("[2, 4, 8]", "[4, 8, 3]"))
        assert "submitted 1 runs" in submitted(study, "--submit").stdout
    finally:
        slurm.ask("scontrol", "update", "PartitionName=main", "State=UP")
    ended(slurm)
    assert submitted(study, function=status) == {"runs": 3, "complete": 3}
    assert attributes(folders(study)[3, 0])["slurm_array_task_id"] == "0"
    assert len(list((tmp_path / "out").glob("*/trace.h5"))) == 4


def test_the_warning_before_the_time_is_up(slurm, submitted, tmp_path):
    study = write_study(tmp_path, STUDY)
    program = stand_in(tmp_path, WAIT.format(stages=2))
    submitted(study, "--submit", program=program)
    waiting(program, 2)
    slurm.ask("scancel", "--batch", "--signal=USR1", f"{job_of(study)}_0")  # as --signal=B:USR1@60 does
    ended(slurm)
    assert submitted(study, function=status, program=program, exit_code=FAILED)["missing"] == 1  # not its fault: it is made again


# Some seconds of work, and checkpoints.
LONGER = STUDY.replace("microbatches = 64", "microbatches = 60000\ncheckpoint-every = \"1000m\"")


def in_its_middle(folder):
    def has_rows():
        try:
            return min(len(rows) for rows in read_steps(folder, live=True).values())
        except (OSError, KeyError):
            return 0

    until(has_rows, "the run is at work", seconds=60)


def test_a_job_whose_time_is_up_goes_on_by_itself(slurm, submitted, tmp_path):
    """Each of the array, and it alone."""
    study = write_study(tmp_path, LONGER.replace("[2, 4, 8]", "[2, 3]"))
    program = slow_at_first(tmp_path)
    submitted(study, "--submit", program=program)
    for index, stages in enumerate((2, 3)):
        in_its_middle(folders(study)[stages, 0])
        slurm.ask("scancel", "--batch", "--signal=USR1", f"{job_of(study)}_{index}")  # as --signal=B:USR1@60 does
        until(lambda: "requeued, to continue" in log_of_index(study, index), "the run has stopped", seconds=60)
    assert submitted(study, function=status, program=program, exit_code=FAILED)["queued"] >= 1
    assert "submitted" not in submitted(study, "--retry", program=program).stdout
    ended(slurm)
    for index, stages in enumerate((2, 3)):
        said = log_of_index(study, index)
        assert said.count(", start ") == 2 and said.count("requeued, to continue") == 1 and attributes(folders(study)[stages, 0])["resumed"], said
    assert submitted(study, function=status, program=program) == {"runs": 2, "complete": 2}
    as_local(study, tmp_path)


def test_a_job_that_is_requeued_goes_on(slurm, submitted, tmp_path):
    """By an administrator, or for a job that matters more: SIGTERM to all its processes, which stop with a checkpoint."""
    study = write_study(tmp_path, LONGER.replace("[2, 4, 8]", "[2]"))
    submitted(study, "--submit", program=slow_at_first(tmp_path))
    in_its_middle(folders(study)[2, 0])
    slurm.ask("scontrol", "requeue", f"{job_of(study)}_0")
    ended(slurm)
    assert "start 2" in log_of_index(study, 0) and attributes(folders(study)[2, 0])["resumed"]
    as_local(study, tmp_path)


def test_mpirun_as_launcher(slurm, submitted, tmp_path):
    study = write_study(tmp_path, STUDY.replace("[2, 4, 8]", "[4]"))
    machine = tmp_path / "cluster.toml"
    machine.write_text(machine.read_text().replace("srun", "mpirun"))
    submitted(study, "--submit")
    ended(slurm)
    as_local(study, tmp_path)


@pytest.mark.skipif(not LONG, reason="long: tests/fault/sweep.sh")
@pytest.mark.parametrize("seed", range(5))
def test_requeued_at_random_moments(slurm, submitted, tmp_path, seed):
    generator = random.Random(seed)
    study = write_study(tmp_path, STUDY.replace("seed = [0]", "seed = [0, 1, 2, 3, 4]"))
    program = stand_in(tmp_path, "sleep 1")
    submitted(study, "--submit", program=program)
    for _ in range(8):
        time.sleep(generator.random())
        if running := [index for index, state in slurm.jobs().items() if state == "RUNNING"]:
            slurm.ask("scontrol", "requeue", f"{job_of(study)}_{generator.choice(running)}")
    ended(slurm, seconds=300)
    assert submitted(study, function=status, program=program) == {"runs": 15, "complete": 15}
    as_local(study, tmp_path)


def test_a_slurm_that_does_not_answer(submitted, tmp_path):
    """It is not said, or done, as if no job waited."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "submission-0001.job").write_text("1\n")
    squeue = tmp_path / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1\n")
    squeue.chmod(0o755)
    done = sweep(write_study(tmp_path, STUDY), "--status", exit_code=REFUSED, env={**os.environ, "PATH": f"{squeue.parent}:{os.environ['PATH']}"})
    assert done.stderr == "sweep: squeue cannot list the jobs: slurm_load_jobs error: Unable to contact slurm controller\n"


def refused(submitted, study, *words, says, **options):
    done = submitted(study, "--submit", *words, exit_code=REFUSED, **options)
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("sweep: "), done.stderr
    assert all(word in done.stderr for word in says), done.stderr


def test_more_runs_than_an_array_holds(submitted, tmp_path):
    study = write_study(tmp_path, TINY.replace("[0, 1]", str(list(range(11)))))
    refused(submitted, study, says=("22 runs", "20 jobs"))
    assert not (tmp_path / "out").exists()


def test_what_slurm_refuses(submitted, tmp_path):
    study = write_study(tmp_path)
    machine = tmp_path / "cluster.toml"
    machine.write_text(machine.read_text().replace('"main"', '"elsewhere"'))
    refused(submitted, study, says=("partition",))
    assert not list((tmp_path / "out").glob("submission*"))


def test_a_job_longer_than_the_machine_lets_in(submitted, tmp_path):
    refused(submitted, write_study(tmp_path, "minutes = 29" + TINY), says=("minutes = 29", "30"))
    assert not (tmp_path / "out").exists()


def test_the_template_loads_the_modules(tmp_path, submitted, slurm):
    """`module` is a function of the login shell; here a stand-in of that name tells what was asked of it."""
    machine = tmp_path / "cluster.toml"
    machine.write_text(machine.read_text().replace("[environment]", 'modules = ["gcc/12", "openmpi/4.1"]\n[environment]'))
    study = write_study(tmp_path, STUDY.replace("[2, 4, 8]", "[2]"))
    submitted(study, "--submit")
    ended(slurm)
    script = (tmp_path / "out" / "submission-0001.sh").read_text()
    assert all(f"module load {name} || not_started module load {name}\n" in script for name in ("gcc/12", "openmpi/4.1")) and "@" not in script.replace("@60", "")
    assert subprocess.run(["bash", "-n", tmp_path / "out" / "submission-0001.sh"]).returncode == 0
    assert str(REPOSITORY / "jobs" / "sweep.py") in script


ONE = STUDY.replace("[2, 4, 8]", "[2]")


@pytest.mark.parametrize("name", ["two words", "a \"quoted\" 'one'", "100% %a %j", "two\ntouch lines", "back\\slash $(touch dollar) `touch tick`"])
def test_names_that_a_shell_or_slurm_would_change(submitted, slurm, tmp_path, name):
    """Of the study, and of the folder that everything is in: its log included. A folder that Slurm cannot write to is refused."""
    folder = tmp_path / name
    folder.mkdir()
    study = write_study(folder, ONE, name=name)
    if "\\" in name:
        assert "backslash; give another folder" in submitted(study, "--submit", exit_code=REFUSED).stderr
        return
    submitted(study, "--submit")
    ended(slurm)
    assert submitted(study, function=status) == {"runs": 1, "complete": 1}
    assert "start 1" in log_of_index(study, 0)
    assert {path.name for path in folder.iterdir()} == {f"{name}.toml", "tiny.ipynb", "out"}
    assert not [path for path in (folder / "out").iterdir() if path.name in ("lines", "dollar", "tick")]


def on_a_bad_machine(submitted, tmp_path, keys):
    """Submitted to a machine with these keys in its file, which has the right one again then."""
    machine = tmp_path / "cluster.toml"
    good = machine.read_text()
    machine.write_text(keys + good)
    study = write_study(tmp_path, ONE)
    submitted(study, "--submit")
    machine.write_text(good)
    return study


def test_a_job_that_fails_to_launch_has_failed_with_its_reason(submitted, slurm, tmp_path):
    study = on_a_bad_machine(submitted, tmp_path, 'modules = ["no such module"]\n')
    ended(slurm)
    shown = submitted(study, "--status", exit_code=FAILED)
    assert "1       1" in shown.stdout and "failed" in shown.stdout
    assert "failed: its job did not start it: module load no such module failed on " in shown.stderr
    assert "see submission-0001.0.log" in shown.stderr and "--retry runs them again" in shown.stderr
    assert "submitted" not in submitted(study, "--submit", exit_code=FAILED).stdout
    submitted(study, "--retry")
    ended(slurm)
    assert submitted(study, function=status) == {"runs": 1, "complete": 1}


def test_a_job_whose_program_is_gone_has_failed_with_its_reason(submitted, slurm, tmp_path):
    program = stand_in(tmp_path, "")
    study = write_study(tmp_path, ONE.replace('ranks = "stages"', ""))
    slurm.ask("scontrol", "update", "partitionname=main", "state=down")
    try:
        submitted(study, "--submit", program=program)
        program.rename(tmp_path / "elsewhere")
    finally:
        slurm.ask("scontrol", "update", "partitionname=main", "state=up")
    ended(slurm)
    (tmp_path / "elsewhere").rename(program)
    shown = submitted(study, "--status", exit_code=FAILED, program=program).stderr
    assert f"failed: its job did not start it: {program}: cannot be started: No such file" in shown


def test_a_job_that_slurm_cannot_launch_has_failed_with_its_reason(submitted, slurm, tmp_path):
    """Its log cannot be written, and no line of its script is run."""
    study = write_study(tmp_path, ONE)
    slurm.ask("scontrol", "update", "partitionname=main", "state=down")
    try:
        submitted(study, "--submit")
        (study.parent / "out" / "submission-0001.0.log").mkdir()
    finally:
        slurm.ask("scontrol", "update", "partitionname=main", "state=up")
    ended(slurm)
    (study.parent / "out" / "submission-0001.0.log").rmdir()
    shown = submitted(study, "--status", exit_code=FAILED).stderr
    assert "failed: Slurm could not start its job: " in shown


def test_data_that_changes_while_a_job_waits(submitted, slurm, tmp_path):
    """Its run's folder is that of the data of before."""
    study = write_study(tmp_path, ONE.replace("rows = 64\nfeatures = 16\n", 'data = "@mine"\n') + '[data.mine]\nfile = "mine.txt"\n')
    data = tmp_path / "mine.txt"
    data.write_text("1 1:1 4:2\n0 2:1\n" * 32)
    slurm.ask("scontrol", "update", "partitionname=main", "state=down")
    try:
        submitted(study, "--submit", "--data", tmp_path)
        data.write_text("1 1:2 4:2\n0 2:1\n" * 32)
    finally:
        slurm.ask("scontrol", "update", "partitionname=main", "state=up")
    ended(slurm)
    assert f"not started: {data}: has changed since the run was submitted" in log_of_index(study, 0)
    submitted(study, "--submit", "--data", tmp_path)
    ended(slurm)
    assert submitted(study, "--data", tmp_path, function=status) == {"runs": 1, "complete": 1}
