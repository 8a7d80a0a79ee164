"""The sweep tool killed at any moment, stopped, and two of them at once: it goes on, and no run is made twice."""

import os
import random
import re
import signal
import subprocess

import pytest

from program import EXECUTABLE, LONG
from runs import attributes, same_run, until
from studies import FAILED, TINY, command, folders, is_alive, log_of, machine_file, records, stand_in, status, sweep, write_study

MANY = TINY.replace("[0, 1]", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]")
# Its process id and then its seed and stages, before it begins.
TELL = 'echo "$$ $(grep -o "stages=[0-9]*" <<< "$*") $(grep -o "seed=[0-9]*" <<< "$*")" >> $LOG\n'


def start(study, program=EXECUTABLE, **options):
    """On two cores, whatever this machine has."""
    machine = machine_file(study.parent, cores=2)
    return subprocess.Popen(command(study, "--local", "--machine", machine, program=program), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=study.parent, **options)


def begun(program):
    """[(process id, which run)]"""
    return [tuple(line.split(" ", 1)) for line in log_of(program)]


@pytest.mark.parametrize("seed", range(20 if LONG else 1))
def test_killed_at_random_moments(tmp_path, seed):
    generator = random.Random(seed)
    # 20 runs of 0.4 s on two cores are not done within the first second, nor within two more.
    study, program = write_study(tmp_path, MANY), stand_in(tmp_path, TELL + "sleep 0.4")
    kept, kills = {}, 0
    while True:
        process = start(study, program)
        try:
            assert process.wait(generator.uniform(0.3, 1) * (1 + kills)) == 0, process.stderr.read()
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        now = records(study)
        assert kept.items() <= now.items(), "a complete run was made again"
        kept = now
    assert kills >= 2 and kept.items() <= records(study).items() and len(folders(study)) == 20
    assert all(attributes(folder)["complete"] == 1 for folder in folders(study).values())
    (tmp_path / "again").mkdir()
    again = write_study(tmp_path / "again", MANY)
    sweep(again, "--local")
    for key, folder in folders(again).items():
        same_run(folder, folders(study)[key])


LONG_RUN = """
question = "How far is it?"
notebook = "tiny.ipynb"
[options]
objective = "mlp"
data = "generate:images"
rows = 256
microbatches = 2000000
[[group]]
name = "long"
"""


def test_the_status_of_a_run_at_work_says_how_far_it_is_and_its_last_loss(tmp_path):
    study = write_study(tmp_path, LONG_RUN)
    process = start(study, EXECUTABLE)
    try:
        until(lambda: any("microbatch " in log.read_text() for log in (tmp_path / "out").glob("*/log")), "a line in its log")
        said = sweep(study, "--status", exit_code=FAILED).stderr.splitlines()[0]
        assert re.fullmatch(r"sweep: out/[0-9a-f]+ \(long\): running: 0 %, loss [\d.]+", said), said
    finally:
        process.terminate()
        process.communicate()


def test_runs_end_with_a_sweep_that_is_killed(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, TELL + "exec sleep 100")
    process = start(study, program)
    until(lambda: len(begun(program)) == 2, "two runs at work")
    assert status(study, exit_code=FAILED, program=program) == {"runs": 4, "running": 2, "missing": 2}
    process.kill()
    process.communicate()
    until(lambda: not any(is_alive(pid) for pid, _ in begun(program)), "the runs have ended", seconds=5)
    assert status(study, exit_code=FAILED, program=program) == {"runs": 4, "missing": 4}


def test_a_run_that_outlives_its_sweep_is_waited_for(tmp_path):
    """It still holds the folder's lock, so nothing else is started there."""
    study, program = write_study(tmp_path), stand_in(tmp_path, TELL + 'trap "" TERM; sleep 2; echo "$$ ended" >> $LOG')
    process = start(study, program)
    until(lambda: len(begun(program)) == 2, "two runs at work")
    process.kill()
    process.communicate()
    outliving = begun(program)
    assert all(is_alive(pid) for pid, _ in outliving)
    stand_in(tmp_path, TELL)
    sweep(study, "--local", program=program)
    order = begun(program)[2:]
    for pid, what in outliving:
        again = next(place for place, entry in enumerate(order) if entry[1] == what)
        assert order.index((pid, "ended")) < again
    assert len(order) == 2 + 4


def test_stopped_by_ctrl_c(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, TELL + "exec sleep 100")
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell that has put the tests into the background has them ignore Ctrl-C, and so all they start.
        process = start(study, program, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        until(lambda: len([pid for pid, _ in begun(program) if is_alive(pid)]) == 2, "two runs at work")
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == FAILED and not any(is_alive(pid) for pid, _ in begun(program))
        assert errors.splitlines()[-1] == "sweep: stopped; repeat the command to continue"
        assert status(study, exit_code=FAILED, program=program) == {"runs": 4, "missing": 4}
    stand_in(tmp_path, TELL)
    sweep(study, "--local", program=program)


def test_what_nohup_ignores_is_ignored(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, TELL + "sleep 1")
    process = start(study, program, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(lambda: len(begun(program)) == 2, "two runs at work")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 0 and len(records(study)) == 4


def test_a_child_that_is_killed(tmp_path):
    study, program = write_study(tmp_path, MANY), stand_in(tmp_path, TELL + "sleep 0.2")
    process = start(study, program)
    until(lambda: begun(program), "a run at work")
    pid, _ = begun(program)[0]
    os.kill(int(pid), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == FAILED and errors.count("killed: by SIGKILL") == 1
    assert status(study, exit_code=FAILED, program=program) == {"runs": 20, "complete": 19, "killed": 1}
    sweep(study, "--local", program=program)
    assert len(begun(program)) == 21


def test_two_at_once(tmp_path):
    study, program = write_study(tmp_path, MANY), stand_in(tmp_path, TELL + "sleep 0.1")
    both = [start(study, program) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all("20 complete" in out and errors == "" for out, errors in outputs)
    assert len(begun(program)) == 20 and len({what for _, what in begun(program)}) == 20


def test_two_at_once_tell_of_one_failure(tmp_path):
    """The second does not make again what the first has just seen fail."""
    study = write_study(tmp_path)
    program = stand_in(tmp_path, TELL + 'sleep 0.5\ncase "$*" in *stages=4*seed=1*) exit 1;; esac')
    both = [start(study, program) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [FAILED, FAILED] and len(begun(program)) == 4
    assert all("1 of 4 runs failed" in errors for _, errors in outputs)
