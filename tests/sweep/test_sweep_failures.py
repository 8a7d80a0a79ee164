"""The sweep tool when runs fail, take too long or diverge: each is told once with its reason, and the others go on."""

import json
import os
import pty
import subprocess

from runs import attributes
from studies import FAILED, TINY, command, folders, log_of, records, stand_in, status, sweep, write_study

# The run of 4 stages and seed 1, as its command line has it.
ONE = '*--stages=4*--seed=1*'
FAIL_ONE = f'case "$*" in {ONE}) echo noise; echo "quartic: rank 0: the disk is full" >&2; echo "mpirun has a banner" >&2; exit 1;; esac'
COUNT = 'echo "$*" >> $LOG\n'


def ended(study, program, exit_code=FAILED, words=("--local",)):
    done = sweep(study, *words, program=program, exit_code=exit_code)
    return done.stderr.splitlines()


def test_a_run_that_fails_is_told_once_and_the_others_go_on(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, COUNT + FAIL_ONE)
    line, last = ended(study, program)
    assert folders(study)[4, 1].name in line and "pipedream, stages 4, seed 1" in line and "failed: rank 0: the disk is full" in line
    assert "1 of 4 runs failed" in last and "--retry" in last
    assert status(study, exit_code=FAILED, program=program) == {"runs": 4, "complete": 3, "failed": 1}
    assert "the disk is full" in sweep(study, "--status", exit_code=FAILED, program=program).stderr


def test_a_run_of_two_groups_is_told_once(tmp_path):
    second = "\n[[group]]\nname = \"again\"\n[group.options]\nmethod = \"pipedream\"\nstages = 4\nseed = 1\n"
    study, program = write_study(tmp_path, TINY + second), stand_in(tmp_path, FAIL_ONE)
    line, last = ended(study, program)
    assert "the disk is full" in line and "1 of 5 runs failed" in last


def test_what_failed_is_made_again_by_retry_alone(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, COUNT + FAIL_ONE)
    ended(study, program)
    before = records(study)
    assert "the disk is full" in ended(study, program)[0]  # told again, not run again
    assert len(log_of(program)) == 4 and records(study) == before
    ended(study, program, words=("--retry",))
    assert len(log_of(program)) == 5
    stand_in(tmp_path, COUNT)
    assert ended(study, program, exit_code=0, words=("--retry",)) == []
    assert len(log_of(program)) == 6 and attributes(folders(study)[4, 1])["complete"] == 1


def test_retry_makes_what_is_missing_too(tmp_path):
    study = write_study(tmp_path)
    sweep(study, "--retry")
    assert len(records(study)) == 4


def test_a_run_that_is_killed_is_made_again(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, COUNT + f'case "$*" in {ONE}) kill -KILL $$;; esac')
    assert "killed: by SIGKILL" in ended(study, program)[0]
    stand_in(tmp_path, COUNT)
    sweep(study, "--local", program=program)
    assert len(log_of(program)) == 5


def test_a_rank_that_is_killed(tmp_path):
    study = write_study(tmp_path, "ranks = 2" + TINY)
    program = stand_in(tmp_path, f'case "$*" in {ONE}) test $OMPI_COMM_WORLD_RANK = 0 || kill -KILL $$;; esac')
    assert "killed: a rank, by a signal" in ended(study, program)[0]
    assert status(study, exit_code=FAILED, program=program) == {"runs": 4, "complete": 3, "killed": 1}


def test_the_time_limit(tmp_path):
    study = write_study(tmp_path, "minutes = 0.05" + TINY)
    program = stand_in(tmp_path, f'case "$*" in {ONE}) echo $$ >> $LOG; sleep 100;; esac')
    assert "failed: the time limit of 0.05 minutes was reached" in ended(study, program)[0]
    assert len(records(study)) == 4
    ended(study, program)
    assert len(log_of(program)) == 1


def test_no_trace_is_no_success(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, f'case "$*" in {ONE}) exit 0;; esac')
    assert "there is no trace.h5" in ended(study, program)[0]
    assert status(study, exit_code=FAILED, program=program)["failed"] == 1


DIVERGING = TINY.replace("[group.vary]\n", "[group.vary]\nlearning-rate = [0.01, 1e300]\n").replace("microbatches = 8", "microbatches = 64")


def test_divergence(tmp_path):
    study = write_study(tmp_path, DIVERGING)
    done = sweep(study, "--local", exit_code=FAILED)
    assert done.stderr.count("diverged: ") >= 4 and "4 of 8 runs failed" in done.stderr
    assert status(study, exit_code=FAILED) == {"runs": 8, "complete": 4, "diverged": 4}
    before = records(study)
    write_study(tmp_path, "may-diverge = true" + DIVERGING)
    done = sweep(study, "--local")
    assert done.stderr == "" and "4 complete, 4 diverged" in done.stdout and records(study) == before


def on_a_terminal(words, folder):
    """What the command shows on one, and its exit code."""
    reader, writer = pty.openpty()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=writer, stdin=subprocess.DEVNULL, cwd=folder)
    os.close(writer)
    shown = b""
    while part := read_terminal(reader):
        shown += part
    return shown.decode(), process.wait(30)


def read_terminal(reader):
    try:
        return os.read(reader, 4096)
    except OSError:  # Linux's way to say that the other side is closed
        return b""


def test_progress(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, "sleep 0.5")
    shown, code = on_a_terminal(command(study, "--local", program=program), tmp_path)
    assert code == 0 and "/4 runs, 2 running, " in shown and "s left" in shown and "\r[" in shown
    assert shown.endswith("\r\x1b[K")  # the bar is gone at the end
    assert sweep(study, "--local", program=program).stderr == ""
    study = write_study(tmp_path, TINY.replace("[0, 1]", "[2, 3]"))
    assert sweep(study, "--local", program=program).stderr == ""  # a line a minute where there is no terminal


def test_a_record_says_what_was_run(tmp_path):
    study = write_study(tmp_path)
    sweep(study, "--local")
    record = json.loads((folders(study)[2, 1] / "sweep.json").read_text())
    assert record["outcome"] == "complete" and record["exit_code"] == 0 and record["seconds"] > 0
    assert "--seed=1" in record["command"] and f"--out={folders(study)[2, 1]}" in record["command"]
