"""The sweep tool and checkpoints: what has one goes on from it, whatever ended it, and nothing else does; the bits are those of a
sweep that nothing interrupted."""

import json
import signal
import subprocess
import time

import h5py
import pytest

from program import EXECUTABLE
from runs import attributes, read_steps, same_run, until
from studies import FAILED, REFUSED, command, is_alive, listed, log_of, machine_file, slow_at_first, stand_in, status, sweep, write_study

# One run of some seconds where products are slow (slow_at_first), to be stopped in its middle.
SLOW = """
question = "Does it go on?"
notebook = "tiny.ipynb"
ranks = 2
[options]
objective = "mlp"
hidden = [64, 64, 64]
rows = 512
features = 64
microbatch-size = 8
microbatches = 8000
checkpoint-every = 4000
[[group]]
name = "paci"
[group.options]
method = "paci"
stages = 4
seed = 3
"""
# A run of a moment, with the state that kill -9 leaves which strikes while it gathers: a checkpoint, and a trace that says it is not complete.
QUICK = SLOW.replace("ranks = 2", "").replace("microbatches = 8000", "microbatches = 40").replace("4000", "15")
INTERRUPTED = f"""echo "$*" >> $LOG
case "$*" in *--resume*) ;; *)
  {EXECUTABLE} "$@" || exit
  out=$(grep -o '[-][-]out=[^ ]*' <<< "$*")
  /usr/bin/python3 -c 'import h5py, sys; h5py.File(sys.argv[1], "r+").attrs["complete"] = 0' "${{{{out#--out=}}}}/trace.h5"
  {{end}};;
esac"""


def interrupted(tmp_path, end, exit_code=FAILED):
    """A study whose run has been ended so, and the program that did it."""
    study, program = write_study(tmp_path, QUICK), stand_in(tmp_path, INTERRUPTED.format(end=end))
    sweep(study, "--local", program=program, exit_code=exit_code)
    return study, program


def folder_of(study):
    (row,) = listed(study)
    return study.parent / "out" / row["folder"]


def record_of(study):
    return json.loads((folder_of(study) / "sweep.json").read_text())


def ends_as_if_nothing_had_happened(study, tmp_path, program=EXECUTABLE, words=("--local",)):
    """It goes on from its checkpoint to the end, with the bits of a sweep that went through."""
    sweep(study, *words, program=program)
    record = record_of(study)
    assert f"--resume={folder_of(study)}" in record["command"] and record["outcome"] == "complete"
    assert attributes(folder_of(study))["resumed"] and attributes(folder_of(study))["complete"] == 1
    (tmp_path / "whole").mkdir()
    whole = write_study(tmp_path / "whole", study.read_text())
    sweep(whole, "--local")
    same_run(folder_of(whole), folder_of(study))


def start(study, program=EXECUTABLE):
    return subprocess.Popen(command(study, "--local", program=program), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, cwd=study.parent)


def at_work(study):
    """Waits until the run has rows."""
    def has_rows():
        try:
            return min(len(rows) for rows in read_steps(folder_of(study), live=True).values())
        except (OSError, KeyError):
            return 0

    until(has_rows, "the run is at work", seconds=60)


def stopped_in_its_middle(tmp_path, number, text=SLOW, script=""):
    study = write_study(tmp_path, text)
    process = start(study, slow_at_first(tmp_path, script))
    at_work(study)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return study, process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_that_is_stopped_stops_its_runs_with_a_checkpoint(number, tmp_path):
    study, code, errors = stopped_in_its_middle(tmp_path, number)
    assert code == FAILED and "stopping 1 runs, with a checkpoint" in errors and errors.endswith("sweep: stopped; repeat the command to continue\n")
    assert record_of(study)["outcome"] == "stopped" and record_of(study)["exit_code"] == 4
    assert status(study, exit_code=FAILED) == {"runs": 1, "stopped": 1}
    said = sweep(study, "--status", exit_code=FAILED).stderr
    assert said == "sweep: 1 of 1 runs stopped before their end; --local or --submit continues them\n"
    before = record_of(study)["seconds"]
    ends_as_if_nothing_had_happened(study, tmp_path)
    assert record_of(study)["seconds"] > before  # of both attempts


def test_a_warning_that_the_time_is_nearly_up(tmp_path):
    """SIGUSR1, of whoever started the sweep: sbatch --signal in a script of one's own."""
    study, code, _ = stopped_in_its_middle(tmp_path, signal.SIGUSR1)
    assert code == FAILED and record_of(study)["message"] == "by a signal" and status(study, exit_code=FAILED) == {"runs": 1, "stopped": 1}
    ends_as_if_nothing_had_happened(study, tmp_path)


# srun's exit code is 0 where Slurm has killed ranks that did not end in time.
SAYS_DONE = f"""trap : USR1
{EXECUTABLE} "$@"
exit 0"""


def test_a_launcher_that_says_done_of_a_run_that_has_stopped(tmp_path):
    study, code, _ = stopped_in_its_middle(tmp_path, signal.SIGINT, SLOW.replace("ranks = 2", ""), SAYS_DONE)
    assert code == FAILED and record_of(study)["exit_code"] == 0 and status(study, exit_code=FAILED) == {"runs": 1, "stopped": 1}
    ends_as_if_nothing_had_happened(study, tmp_path)


def test_a_launcher_that_says_done_of_a_run_that_was_killed(tmp_path):
    """Its ranks outlive it for a moment, in which the run is not yet anybody else's."""
    program = stand_in(tmp_path, SAYS_DONE.replace(f"{EXECUTABLE}", f"sleep 2 &\ntimeout --signal=KILL 1 {EXECUTABLE}"))
    study = write_study(tmp_path, SLOW.replace("ranks = 2", "").replace("8000", "2000000"))
    said = sweep(study, "--local", program=program, exit_code=FAILED).stderr
    assert "although its launcher exited with code 0" in said and record_of(study)["outcome"] == "killed"


def test_a_run_that_did_not_go_on_to_its_end(tmp_path):
    """Of one that has a whole trace, which says that it diverged, and goes on from its checkpoint."""
    study, _ = interrupted(tmp_path, "kill -KILL $$")
    sweep(study, "--local", program=stand_in(tmp_path, "exit 0"), exit_code=FAILED)
    assert record_of(study)["outcome"] == "killed"
    ends_as_if_nothing_had_happened(study, tmp_path)


def test_nobody_reads_what_the_sweep_says(tmp_path):
    """As where the terminal has closed: the run stops with a checkpoint all the same."""
    study = write_study(tmp_path, SLOW)
    process = start(study, slow_at_first(tmp_path))
    at_work(study)
    process.stderr.close()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    process.wait(60)
    assert record_of(study)["outcome"] == "stopped"


def test_a_sweep_that_cannot_go_on_stops_its_runs_with_a_checkpoint(tmp_path):
    """The executable is gone when a third run is to start."""
    study = write_study(tmp_path, SLOW.replace("ranks = 2", "").replace("8000", "2000000").replace("4000", '"1000m"').replace("seed = 3", "")
                        + "[group.vary]\nseed = [0, 1, 2]\n")
    program = stand_in(tmp_path, f'case "$*" in *seed=1*) sleep 2; rm {tmp_path}/quartic; exit 1;; esac')
    done = sweep(study, "--local", "--machine", machine_file(tmp_path, cores=2), program=program, exit_code=REFUSED)
    assert "cannot be started" in done.stderr
    first = study.parent / "out" / listed(study)[0]["folder"]
    assert list(first.glob("checkpoint/*/manifest"))


STOPS_SLOWLY = """trap "sleep 2; {end}" USR1
echo $$ >> $LOG; while true; do sleep 0.1; done"""


def test_a_ctrl_c_while_a_run_stops_is_its_first(tmp_path):
    """Its time was up a moment before."""
    study, program = write_study(tmp_path, "minutes = 0.03\n" + QUICK), stand_in(tmp_path, STOPS_SLOWLY.format(end="exit 4"))
    process = start(study, program)
    until(lambda: log_of(program), "the run is at work")
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert record_of(study)["outcome"] == "stopped" and record_of(study)["exit_code"] == 4


def test_an_error_while_it_stops_is_the_runs(tmp_path):
    study = write_study(tmp_path, "minutes = 0.03\n" + QUICK)
    program = stand_in(tmp_path, STOPS_SLOWLY.format(end="echo quartic: the disk is full >&2; exit 1"))
    sweep(study, "--local", program=program, exit_code=FAILED)
    assert record_of(study)["message"] == "the disk is full"


def test_the_time_limit_of_a_run(tmp_path):
    study = write_study(tmp_path, "minutes = 0.1\n" + SLOW.replace("8000", "2000000").replace("ranks = 2", ""))
    sweep(study, "--local", exit_code=FAILED)
    assert record_of(study)["message"] == "the time limit of 0.1 minutes was reached" and record_of(study)["outcome"] == "stopped"
    before = (folder_of(study) / "checkpoint").iterdir().__next__().name
    sweep(study, "--local", exit_code=FAILED)
    assert (folder_of(study) / "checkpoint").iterdir().__next__().name > before


@pytest.mark.parametrize("end, words, state", [("kill -KILL $$", ("--local",), "killed"), ("exit 1", ("--retry",), "failed")])
def test_what_was_killed_or_failed_goes_on(end, words, state, tmp_path):
    study, program = interrupted(tmp_path, end)
    assert status(study, program=program, exit_code=FAILED) == {"runs": 1, state: 1}
    ends_as_if_nothing_had_happened(study, tmp_path, program, words)
    assert len(log_of(program)) == 2


def test_without_a_record_it_is_the_checkpoint_that_tells(tmp_path):
    """As when the sweep, or the machine, has ended with the run."""
    study, program = interrupted(tmp_path, "kill -KILL $$")
    (folder_of(study) / "sweep.json").unlink()
    assert status(study, program=program, exit_code=FAILED) == {"runs": 1, "stopped": 1}
    assert "--resume=" in sweep(study, "--dry-run", program=program).stdout
    ends_as_if_nothing_had_happened(study, tmp_path, program)


@pytest.mark.parametrize("damage", ["no checkpoint", "an unfinished one", "no trace", "a complete trace that is damaged"])
def test_what_cannot_go_on_starts_again(damage, tmp_path):
    study, program = interrupted(tmp_path, "kill -KILL $$")
    folder = folder_of(study)
    if damage == "a complete trace that is damaged":
        sweep(study, "--local", program=program)
        with h5py.File(folder / "trace.h5", "r+") as trace:
            trace.attrs["complete"] = 0
    (checkpoint,) = (folder / "checkpoint").iterdir()
    if damage == "no checkpoint":
        (checkpoint / "manifest").unlink()
    if damage == "an unfinished one":
        checkpoint.rename(checkpoint.with_suffix(".part"))
    if damage == "no trace":
        (folder / "trace.h5").unlink()
    before = len(log_of(program))
    assert status(study, program=program, exit_code=FAILED)["runs"] == 1
    stand_in(tmp_path, 'echo "$*" >> $LOG')
    sweep(study, "--local", program=program)
    assert "--resume" not in log_of(program)[before] and attributes(folder)["complete"] == 1 and "resumed" not in attributes(folder)


def test_a_second_ctrl_c_ends_the_runs_at_once(tmp_path):
    study, program = write_study(tmp_path, QUICK), stand_in(tmp_path, 'echo $$ >> $LOG; trap "" USR1; while true; do sleep 0.1; done')
    process = start(study, program)
    until(lambda: log_of(program), "the run is at work")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == FAILED and not is_alive(int(log_of(program)[0]))
    assert status(study, program=program, exit_code=FAILED) == {"runs": 1, "missing": 1}


def test_what_does_not_stop_in_time_is_ended(tmp_path):
    study, program = write_study(tmp_path, QUICK), stand_in(tmp_path, 'echo $$ >> $LOG; trap "" USR1; while true; do sleep 0.1; done')
    process = subprocess.Popen(command(study, "--local", "--machine", machine_file(tmp_path, cores=2, grace=1), program=program), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    until(lambda: log_of(program), "the run is at work")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == FAILED and not is_alive(int(log_of(program)[0]))
