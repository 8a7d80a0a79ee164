"""What a run shows while it goes on, and when it ends: lines in a pipe and under mpirun, a bar on a terminal, all of it in the log."""

import csv
import os
import pty
import re
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from program import EXECUTABLE, PATIENCE, quartic
from runs import attributes, read_steps, read_tables, refused, same_run
from test_hosting import METHODS, OBJECTIVES, RUN, options_of
from test_resume import checkpoints_of

NETWORK = ("--objective", "mlp", "--data", "generate:images", "--rows", 256, "--features", 64, "--hidden", "32,32,32", "--validation", 0.25,
           "--stages", 4, "--microbatch-size", 8, "--learning-rate", 0.05, "--epochs", 4)
NUMBER = r"[\d.e+-]+"
FIRST = re.compile(rf"^microbatch 1/96 · loss {NUMBER}( · val {NUMBER} · acc {NUMBER} %)? · [\d,.]+ rows/s · \d+:\d\d left$")
RESULT = re.compile(rf"^loss ({NUMBER}) → ({NUMBER}) · held-out ({NUMBER}) → ({NUMBER}) \(best at step (\d+)(: {NUMBER})?\) · [\d.e-]+ s( of training, [\d.e-]+ s of evaluation)? · [\d,.]+ rows/s$")


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def order_of(lines):
    """What each line is, of those that are one of these."""
    kinds = {"data": "data: ", "cut": "stage layers ", "evaluation": "evaluation: ", "progress": "microbatch ", "result": "loss ", "table": "Time of each stage",
             "bubble": "bubble: ", "memory": "peak memory", "folder": "run"}
    return [next(kind for kind, begin in kinds.items() if line.strip().startswith(begin)) for line in lines
            if any(line.strip().startswith(begin) for begin in kinds.values())]


@pytest.mark.parametrize("ranks", [0, 1, 2])
def test_a_pipe_gets_every_line_in_order_and_so_does_the_log(ranks):
    done = quartic("run", *NETWORK, "--out", "run", ranks=ranks)
    lines = done.stdout.splitlines()
    assert order_of(lines) == ["data", "cut", "evaluation", "progress", "result", "table", "bubble", "memory", "folder"]
    assert lines[-1] == "run" and not done.stderr
    assert FIRST.match(next(line for line in lines if line.startswith("microbatch"))), done.stdout
    logged = Path("run/log").read_text()
    assert all(line in logged for line in lines[:-1])
    told = [line.split(" info: ")[-1] for line in logged.splitlines()]
    assert order_of(told) == ["data", "cut", "evaluation", "progress", "result", "table", "bubble", "memory"]


@pytest.mark.parametrize("ranks", [0, 2])
def test_quiet_prints_nothing_and_the_log_has_it(ranks):
    done = quartic("run", *NETWORK, "--quiet", "--out", "run", ranks=ranks)
    assert (done.stdout, done.stderr) == ("", "")
    assert {"data", "progress", "result", "table"} <= set(order_of(line.split(" info: ")[-1] for line in Path("run/log").read_text().splitlines()))


def test_the_result_is_that_of_the_trace():
    done = quartic("run", *NETWORK, "--evaluate-steps", 16, "--out", "run")
    first, last, held_first, held_last, best = RESULT.match(next(line for line in done.stdout.splitlines() if line.startswith("loss "))).groups()[:5]
    objective, validation = (read_tables("run")[name]["value"] for name in ("objective", "validation"))
    assert [first, last, held_first, held_last] == [f"{value:.4g}" for value in (objective[0], objective[-1], validation[0], validation[-1])]
    assert int(best) == 16 * np.argmin(validation)


def test_a_linear_objective_says_objective():
    done = quartic("run", "--objective", "quadratic", "--microbatches", 64, "--evaluate-steps", 8, "--out", "run")
    values = read_tables("run")["objective"]["value"]
    (result,) = [line for line in done.stdout.splitlines() if line.startswith("objective ")]
    assert result.startswith(f"objective {values[0]:.4g} → {values[-1]:.4g} · ") and result.endswith(" rows/s")
    assert "loss" not in done.stdout


def test_text_is_counted_in_tokens():
    done = quartic("run", *OBJECTIVES["gpt"], *RUN[:-1], "--stages", 3, "--out", "run")
    assert re.search(r"^microbatch 1/48 · loss \S+ .*· [\d,.]+ tokens/s · ", done.stdout, re.MULTILINE)
    assert re.search(r"^loss .* tokens/s$", done.stdout, re.MULTILINE)


SLOW = ("--objective", "mlp", "--data", "generate:images", "--rows", 4096, "--hidden", "1024,1024,1024", "--stages", 4, "--microbatch-size", 32,
        "--epochs", 400, "--learning-rate", 0.01, "--evaluate-rows", 32, "--out", "run")


@pytest.mark.parametrize("launcher", [(), ("mpirun", "--oversubscribe", "--allow-run-as-root", "-n", "2")])
def test_lines_come_while_it_runs_after_the_first_microbatch_and_every_ten_seconds(launcher):
    environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
    process = subprocess.Popen([*launcher, EXECUTABLE, "run", *map(str, SLOW)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        times = []
        for line in process.stdout:
            if line.startswith("microbatch "):
                times.append(time.monotonic())
                if len(times) == 2:
                    break
        assert process.poll() is None and 9.5 <= times[1] - times[0] < 10 + 5 * PATIENCE
    finally:
        process.terminate()
        process.communicate(timeout=60 * PATIENCE)


def test_evaluation_after_the_training_has_a_line_and_counts_in_the_time():
    done = quartic("run", "--objective", "mlp", "--data", "generate:images", "--rows", 32768, "--hidden", "1024,1024,1024,1024", "--stages", 4,
                   "--microbatch-size", 32, "--microbatches", 40, "--evaluate-rows", 0, "--out", "run", timeout=120)
    assert re.search(r"^evaluating after microbatch 40/40: \d+ of 64 passes · \d:\d\d left$", done.stdout, re.MULTILINE), done.stdout
    training, evaluation = re.search(r"^loss .* · ([\d.]+) s of training, ([\d.]+) s of evaluation · ", done.stdout, re.MULTILINE).groups()
    assert float(evaluation) > float(training)


def test_a_terminal_shows_a_bar_that_ends_before_the_result():
    reader, writer = pty.openpty()
    options = (*NETWORK[:-1], 4000)
    process = subprocess.Popen([EXECUTABLE, "run", *map(str, options), "--out", "run"], stdout=writer, stderr=writer, stdin=subprocess.DEVNULL)
    os.close(writer)
    shown = b""
    try:
        while chunk := os.read(reader, 4096):
            shown += chunk
    except OSError:  # how Linux says that nobody writes any more
        pass
    assert process.wait(60 * PATIENCE) == 0
    text = shown.decode()
    assert re.search(r"\r(\[=* *\] )?microbatch [\d,]+/96,000 · loss \S+ · .*left\x1b\[K", text)
    assert re.search(r"\x1b\[K\r\nloss \S+ → ", text), text[-2000:]


# Steps


def steps_at(run, time):
    """How many minibatches every stage has applied by then: of the stage that has applied fewest, over all its replicas."""
    return min(len({(row["replica"], row["version_applied"]) for row in rows if row["plan_backward"] + 1 <= time}) for rows in read_steps(run).values())


@pytest.mark.parametrize("method", ["sgd M=4", "gpipe", "pipedream stage", "async fixed", "pipedream-2bw", "paci", "local-sgd R=3", "i-timeprest mono"])
def test_an_evaluation_by_steps_is_once_every_stage_has_applied_the_minibatch(method):
    options = options_of(method, "quadratic")
    quartic("run", *RUN, *options, "--stages", 4, "--cost", "f=1,bi=0,bw=1" if "zb" in method else "slot", "--evaluate-steps", 3, "--out", "run")
    accumulate = int(attributes("run")["config"].split("accumulate = ")[1].split()[0])
    total = 48 // accumulate
    times = read_tables("run")["objective"]["plan_time"]
    assert len(times) == 1 + -(-total // 3)
    if "timeprest" not in method:  # whose backward of several microbatches takes longer
        assert [steps_at("run", time) for time in times] == [min(3 * k, total) for k in range(len(times))]


def test_a_step_of_rpd_is_a_minibatch_which_one_stage_applies():
    quartic("run", *RUN, *options_of("rpd", "quadratic"), "--stages", 4, "--evaluate-steps", 6, "--out", "run")
    assert list(read_tables("run")["objective"]["block_updates"]) == list(range(0, 49, 6))


def test_steps_on_arrival():
    quartic("run", *RUN, *options_of("async fixed", "quadratic"), "--stages", 4, "--order", "arrival", "--evaluate-steps", 8, "--out", "run", ranks=2)
    assert len(read_tables("run")["objective"]) == 1 + 6


@pytest.mark.parametrize("method", ["pipedream stage", "rpd", "local-sgd R=3"])
def test_a_checkpoint_by_steps(method):
    options = (*RUN, *options_of(method, "mlp float"), "--stages", 4)
    quartic("run", *options, "--checkpoint-steps", 30, "--out", "run")
    quartic("run", *options, "--out", "whole")
    manifests = [(folder / "manifest").read_text() for folder in checkpoints_of(Path("run"))]
    updates = max(int(re.search(r"^block_updates = (\d+)$", text, re.MULTILINE)[1]) for text in manifests)
    assert updates >= (30 if method == "rpd" else 4 * 30)
    with h5py.File("run/trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    quartic("run", "--resume", "run", "--checkpoint-steps", 40, "--quiet", ranks=2)
    same_run("whole", "run")


# The default size of an evaluation


@pytest.mark.parametrize("options, rows", [
    (("--objective", "gpt", "--microbatches", 8), 16),
    (("--objective", "gpt", "--microbatches", 2), 8),
    (("--objective", "gpt", "--microbatches", 32), 256),
    (("--objective", "mlp", "--rows", 512, "--microbatches", 16), 32),
    (("--objective", "mlp", "--rows", 512, "--epochs", 1), 0),
    (("--objective", "mlp", "--rows", 512, "--microbatches", 16, "--evaluate-rows", 100), 100),
])
def test_a_short_run_evaluates_a_quarter_of_what_it_trains_on(options, rows):
    done = quartic("run", *options, "--microbatch-size", 8, "--stages", 2, "--print-config")
    assert f"evaluate-rows = {rows}\n" in done.stdout


# --log-csv


def table(file):
    with open(file, newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_csv_has_a_line_for_each_evaluation(ranks):
    quartic("run", *NETWORK, "--evaluate-steps", 20, "--log-csv", "log.csv", "--out", "run", ranks=ranks)
    rows, tables = table("log.csv"), read_tables("run")
    assert [int(row["step"]) for row in rows] == [0, 20, 40, 60, 80, 96]
    for column, name, field in (("objective", "objective", "value"), ("accuracy", "objective", "accuracy"), ("plan_time", "objective", "plan_time"),
                                ("validation_loss", "validation", "value"), ("validation_accuracy", "validation", "accuracy")):
        assert [float(row[column]) for row in rows] == list(tables[name][field]), column
    losses, before = tables["loss"], -1
    for row in rows:
        between = losses["loss"][(losses["plan_time"] > before) & (losses["plan_time"] <= float(row["plan_time"]))]
        before = float(row["plan_time"])
        assert int(row["microbatches"]) == (losses["plan_time"] <= before).sum()
        assert row["loss"] == "" if len(between) == 0 else np.isclose(float(row["loss"]), between.mean(), rtol=1e-14)


def test_a_csv_that_no_run_has_written_is_left_alone():
    Path("log.csv").write_text("mine\n")
    refused("run", *NETWORK, "--log-csv", "log.csv", "--out", "run", says=("--log-csv log.csv", "not written by a run"))
    assert Path("log.csv").read_text() == "mine\n" and not Path("run").exists()
    refused("run", *NETWORK, "--log-csv", "nowhere/log.csv", "--out", "run", says="--log-csv nowhere/log.csv: cannot be written")


def test_a_csv_of_a_resumed_run_is_whole():
    quartic("run", *NETWORK, "--evaluate-steps", 20, "--save-parameters", "--quiet", "--out", "run")
    longer = (*NETWORK[:-1], 6)
    quartic("run", "--resume", "run", "--epochs", 6, "--log-csv", "resumed.csv", "--quiet")
    quartic("run", *longer, "--evaluate-steps", 20, "--log-csv", "whole.csv", "--quiet", "--out", "whole")
    without_clock = [[{name: cell for name, cell in row.items() if name != "wall_s"} for row in table(file)] for file in ("resumed.csv", "whole.csv")]
    assert without_clock[0] == without_clock[1]
