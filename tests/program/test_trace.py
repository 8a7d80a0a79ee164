"""The run folder: the trace against the plan, config.ini, log, what is printed; the subcommands."""

import csv
import io
import json
import os
import re
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from program import quartic
from runs import attributes, read_steps, read_tables, same_bits, same_run, values_of_ini

PLANNED = ("microbatch", "minibatch", "replica", "version_forward", "version_backward", "version_applied", "staleness",
           "drift", "delay_own", "delay_oldest", "plan_forward", "plan_backward", "weight_copies", "activations")
MEASURED = ("gradient_sq", "learning_rate", "forward_begin_ns", "forward_end_ns", "backward_begin_ns", "backward_end_ns", "wait_ns")
SMALL = ("--rows", 32, "--features", 12, "--microbatch-size", 4)

SHAPES = {
    "sgd": ("--method", "sgd", "--stages", 3, "--accumulate", 2),
    "gpipe": ("--method", "gpipe", "--stages", 4, "--accumulate", 6),
    "1f1b-flush": ("--method", "1f1b-flush", "--stages", 4, "--accumulate", 6, "--cost", "real"),
    "pipedream": ("--method", "pipedream", "--stages", 6),
    "pipedream, real costs, latency": ("--method", "pipedream", "--stages", 5, "--cost", "f=1,bi=1,bw=1.5,latency=0.3"),
    "pipedream, jitter, straggler": ("--method", "pipedream", "--stages", 4, "--cost", "jitter=0.3,straggler=1:1.5", "--seed", 7),
    "async": ("--method", "async", "--stages", 5),
    "pipedream-vsync": ("--method", "pipedream-vsync", "--stages", 4),
    "pipedream-2bw": ("--method", "pipedream-2bw", "--stages", 4),
    "paci": ("--method", "paci", "--stages", 5, "--accumulate", 2, "--cost", "real"),
    "zb-1p": ("--method", "zb-1p", "--stages", 4, "--accumulate", 4, "--cost", "real"),
    "zb-2p": ("--method", "zb-2p", "--stages", 3, "--accumulate", 6),
    "zb-v": ("--method", "zb-v", "--stages", 4, "--accumulate", 6, "--cost", "real"),
    "interleaved": ("--method", "interleaved", "--stages", 4, "--stages-per-worker", 2, "--accumulate", 6),
    "rpd": ("--method", "rpd", "--stages", 4),
    "local-sgd": ("--method", "local-sgd", "--stages", 4, "--local-steps", 3, "--cost", "real"),
    "timeprest": ("--method", "timeprest", "--stages", 6, "--accumulate", 2, "--cost", "real"),
    "v-timeprest": ("--method", "v-timeprest", "--stages", 5, "--backward", "mono"),
    "i-timeprest": ("--method", "i-timeprest", "--stages", 5, "--backward", "mono", "--cost", "real"),
    "nf1b-stash": ("--method", "nf1b-stash", "--stages", 5, "--cost", "f=1,bi=1,bw=0.5,jitter=0.3"),
    "pipemare": ("--method", "pipemare", "--stages", 5, "--synchronous", 0.2),
    "spectrain": ("--method", "spectrain", "--stages", 5),
    "nesterov": ("--method", "nesterov", "--stages", 5, "--admission", "pipeline"),
    "pipeoptim": ("--method", "pipeoptim", "--stages", 4, "--accumulate", 2),
    "dc-asgd": ("--method", "dc-asgd", "--stages", 5, "--accumulate", 3),
    "delay-adaptive": ("--method", "delay-adaptive", "--stages", 4, "--cost", "real"),
    "async, greedy": ("--method", "async", "--stages", 5, "--admission", "stage", "--cost", "real"),
    "one stage": ("--method", "pipedream", "--stages", 1),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(out, *options, ranks=0):
    return quartic("run", *options, "--out", out, ranks=ranks)


@pytest.mark.parametrize("shape", SHAPES)
def test_measured_equals_planned(shape):
    """What the workers count in a run is what the plan says before it."""
    options = (*SHAPES[shape], "--microbatches", 60)
    run("run", *options, *SMALL)
    quartic("plan", *options, "--out", "plan")
    measured, planned = read_steps("run"), read_steps("plan")
    assert measured.keys() == planned.keys()
    every = list(range(60))
    if shape == "rpd":  # one stage for each microbatch
        assert sorted(np.concatenate([rows["microbatch"] for rows in measured.values()])) == every
    else:
        assert all(sorted(rows["microbatch"]) == every for rows in measured.values())
    for stage in measured:
        same_bits(measured[stage], planned[stage], PLANNED)
        for column in MEASURED:
            assert not any(np.isnan(measured[stage][column])) and min(measured[stage][column]) >= 0, column
            undefined = planned[stage][column]
            assert all(np.isnan(undefined) if undefined.dtype.kind == "f" else undefined == -1), column
        times = [measured[stage][f"{name}_ns"] for name in ("forward_begin", "forward_end", "backward_begin", "backward_end")]
        assert all(np.all(before <= after) for before, after in zip(times, times[1:]))
    assert attributes("plan")["complete"] == 1 and attributes("plan")["time_unit"] == attributes("run")["time_unit"]


def test_attributes_and_layout():
    run("run", "--microbatches", 24, "--stages", 3, *SMALL, ranks=2)
    with h5py.File("run/trace.h5", "r") as file:
        found = dict(file.attrs)
        assert set(file) == {"stage", "loss", "objective", "memory", "ranks"}
        assert list(file["stage"]) == ["0000", "0001", "0002"]
        assert [file["stage"][name].attrs["rank"] for name in file["stage"]] == [0, 0, 1]
        assert [file["stage"][name].attrs["parameters"] for name in file["stage"]] == [4, 4, 4]
        assert all(group.attrs["parameter_bytes"] == 32 and set(group) == {"steps"} for group in file["stage"].values())
        assert [row["rank"] for row in file["memory"][()]] == [0, 1]
        assert all(row["resident_bytes"] > 1e6 and row["weights_bytes"] > 0 for row in file["memory"][()])
        loss = file["loss"][()]
    texts = ("config", "config_hash", "git", "data_checksum", "cpu", "blas_core", "compiler", "flags", "blas", "hosts", "cost")
    assert all(found[name] for name in texts)
    assert (found["device"], found["products"]) == ("host", found["blas"])
    assert (found["format_version"], found["method"], found["stages"], found["complete"]) == (1, "pipedream", 3, 1)
    assert (found["steady_first"], found["steady_end"]) == (12, 21)
    assert (found["cost"], found["time_unit"]) == ("slot", "slot") and "Open MPI" in found["mpi"]
    assert re.fullmatch("[0-9a-f]{16}", found["config_hash"])
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(moment, found["started"]) and re.fullmatch(moment, found["finished"])
    assert found["started"] <= found["finished"]
    assert not [name for name in found if name.startswith("slurm")]
    assert list(loss["microbatch"]) == list(range(24)) and np.all(np.isfinite(loss["loss"]))
    assert found["config"] == open("run/config.ini").read()
    shown = subprocess.run(["h5dump", "-d", "/stage/0002/steps", "run/trace.h5"], capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0 and "version_applied" in shown.stdout and "24" in shown.stdout


def test_run_folder():
    run("run", "--microbatches", 16, *SMALL)
    assert sorted(os.listdir("run")) == ["config.ini", "log", "trace.h5"]
    log = open("run/log").read().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\S+ rank 0 info: ", line) for line in log) and log[-1].endswith("done")


@pytest.mark.parametrize("options", [
    ("--method", "async", "--stages", 3, "--microbatches", 40, "--evaluate-every", 5, "--gradient-noise", 0.2, "--seed", 9),
    ("--objective", "mlp", "--stages", 2, "--hidden", "7,5", "--epochs", 2, "--rows", 32, "--features", 12, "--microbatch-size", 4,
     "--optimizer", "momentum", "--precision", "double"),
    ("--objective", "logistic", "--rows", 30, "--microbatch-size", 7, "--drop-last", "--cost", "measured"),
], ids=["async", "mlp", "measured costs"])
def test_config_reproduces_the_run(options):
    """`--config` of a run folder names the same configuration, gives the same numbers, and prints as itself."""
    run("one", *options)
    run("two", "--config", "one/config.ini")
    same_run("one", "two")
    assert attributes("one")["config_hash"] == attributes("two")["config_hash"]
    assert open("one/config.ini").read() == open("two/config.ini").read()
    printed = quartic("run", "--config", "one/config.ini", "--print-config").stdout
    assert printed == open("one/config.ini").read() == attributes("one")["config"]


def test_command_line_wins_over_the_file(folder):
    (folder / "some.ini").write_text("stages = 3\nseed = 5  # a comment\n")
    values = values_of_ini(quartic("run", "--config", "some.ini", "--stages", 2, "--print-config").stdout)
    assert (values["stages"], values["seed"]) == ("2", "5")


@pytest.mark.parametrize("command, options", [("run", ("--objective", "mlp")), ("plan", ("--method", "paci", "--cost", "real"))])
def test_print_config_leaves_no_folder(folder, command, options):
    first = quartic(command, *options, "--print-config", "--out", "run").stdout
    (folder / "printed.ini").write_text(first)
    assert quartic(command, "--config", "printed.ini", "--print-config").stdout == first
    assert [entry.name for entry in folder.iterdir()] == ["printed.ini"]


# What is recorded on request


def test_trace_every():
    options = ("--microbatches", 40, "--stages", 2, *SMALL)
    run("all", *options)
    run("some", *options, "--trace-every", 7)
    for stage, rows in read_steps("some").items():
        assert list(rows["microbatch"]) == [0, 7, 14, 21, 28, 35]
        same_bits(rows, read_steps("all")[stage][::7])
    same_bits(read_tables("all")["loss"], read_tables("some")["loss"])


def test_trace_displacement():
    """Only every K-th microbatch; 0 where no update came between, positive where some did; changes no number."""
    options = ("--microbatches", 40, "--stages", 3, *SMALL)
    run("without", *options)
    run("with", *options, "--trace-displacement", 5)
    for stage, rows in read_steps("with").items():
        asked = rows["microbatch"] % 5 == 0
        assert np.all(np.isfinite(rows["displacement_sq"]) == asked)
        assert np.all((rows["displacement_sq"][asked] > 0) == (rows["staleness"][asked] > 0))
        same_bits(rows, read_steps("without")[stage], ("gradient_sq", *PLANNED))
    assert all(np.all(np.isnan(rows["displacement_sq"])) for rows in read_steps("without").values())


def test_stale_reads():
    """For every K-th microbatch, in the first pipeline, when stage 0 begins its backward; of each stage, and as their
    sum in the order of the stages. The copies are nobody's weight copies, and change no number."""
    options = ("--method", "pipedream", "--pipelines", 2, "--microbatches", 40, "--stages", 3, *SMALL, "--cost", "real")
    run("without", *options)
    run("with", *options, "--trace-stale-read", 7, ranks=2)
    one, other = read_tables("without"), read_tables("with")
    whole, parts = other.pop("stale_read"), [other.pop(f"stage/{stage:04}/stale_read") for stage in range(3)]
    assert one.keys() == other.keys() and "stale_read" not in one
    for name in one:
        same_bits(one[name], other[name])
    begins = {row["microbatch"]: row["plan_backward"] for row in other["stage/0000"]}
    assert list(whole["microbatch"]) == list(range(0, 40, 7))
    assert list(whole["plan_time"]) == [begins[j] for j in whole["microbatch"]]
    for part in parts:
        same_bits(part, whole, ("microbatch", "plan_time"))
        assert np.all(part["value"] >= 0) and np.all(part["value"][1:] > 0)
    assert list(whole["value"]) == [(first + second) + third for first, second, third in zip(*(part["value"] for part in parts))]


def test_trace_events():
    """Every action, in order, within the wall and the plan: enough for a Gantt chart."""
    run("run", "--microbatches", 12, "--stages", 3, *SMALL, "--trace-events")
    for stage, steps in read_steps("run").items():
        with h5py.File("run/trace.h5", "r") as file:
            events = file[f"stage/{stage:04}/events"][()]
        assert {b"F", b"B"} <= set(events["action"]) <= {b"F", b"B", b"U", b"E"}
        assert np.all(events["begin_ns"] <= events["end_ns"])
        for action, column in ((b"F", "plan_forward"), (b"B", "plan_backward")):
            own = events[events["action"] == action]
            assert list(own["microbatch"]) == list(range(12))
            assert np.array_equal(own["plan_begin"], steps[column]) and np.array_equal(own["plan_end"], steps[column] + 1)


def test_objective_at_cuts():
    run("run", "--microbatches", 20, "--stages", 2, *SMALL, "--evaluate-every", 3)
    objective = read_tables("run")["objective"]
    makespan = 2 * (20 + 2 - 1)
    assert list(objective["plan_time"]) == sorted({*range(0, makespan, 3), makespan})
    assert objective["block_updates"][0] == 0 and objective["block_updates"][-1] == 40
    assert np.all(np.diff(objective["block_updates"]) >= 0) and objective["value"][-1] < objective["value"][0]


# What is printed


def test_closing_table():
    done = run("run", "--microbatches", 16, "--stages", 3, *SMALL, ranks=3)
    for word in ("forward", "backward", "update", "waits: input", "waits: gradient", "other", "staleness and drift in updates (mean, max)",
                 "% planned, ", "peak memory"):
        assert word in done.stdout
    shares = [[float(cell) for cell in line.split()[1:7]] for line in done.stdout.splitlines() if re.match(r" +\d ", line)]
    assert re.search(r"^Time of each stage in % of [\d.e-]+ s; ", done.stdout, re.MULTILINE)
    assert len(shares) == 3 and all(abs(sum(line) - 100) < 0.5 and min(line) >= 0 for line in shares)
    assert re.search(r"^bubble: [\d.]+ % planned, [\d.]+ % measured, but this is unreliable: ", done.stdout, re.MULTILINE) and done.stdout.splitlines()[-1] == "run"


@pytest.mark.parametrize("ranks", [0, 2])
def test_quiet(ranks):
    done = quartic("run", "--microbatches", 16, *SMALL, "--quiet", "--out", "run", ranks=ranks)
    assert (done.stdout, done.stderr) == ("", "")


def test_plan_json():
    """Exactly these keys: scripts read them."""
    plan = json.loads(quartic("plan", "--stages", 4, "--microbatches", 64, "--format", "json").stdout)
    assert list(plan) == ["method", "stages", "makespan", "bubble", "delay_mean", "steady", "per_stage", "whole"]
    assert list(plan["steady"]) == ["utilisation"] and list(plan["whole"]) == ["utilisation", "per_stage"]
    for stage in plan["per_stage"] + plan["whole"]["per_stage"]:
        assert list(stage) == ["staleness", "drift", "delay_own", "delay_oldest", "weight_copies", "activations"]
        assert all(list(stage[name]) == ["min", "mean", "max"] for name in list(stage)[:4])
    assert (plan["method"], plan["stages"], plan["makespan"], plan["steady"]["utilisation"]) == ("pipedream", 4, 2 * (64 + 3), 1)
    assert [stage["delay_own"]["max"] for stage in plan["per_stage"]] == [14, 9, 6, 1]
    assert [stage["weight_copies"] for stage in plan["per_stage"]] == [4, 3, 2, 1]


def test_plan_grid_and_csv():
    """Both forms show the same actions; a worker does one at a time, each forward before its backward."""
    options = ("plan", "--stages", 3, "--microbatches", 5)
    rows = list(csv.reader(io.StringIO(quartic(*options, "--format", "csv").stdout)))
    grid = [line.split()[1:] for line in quartic(*options, "--format", "grid").stdout.splitlines()]
    assert len(rows) == len(grid) == 3 and {len(row) for row in rows} == {2 * (5 + 2)}
    for stage, (cells, boxes) in enumerate(zip(rows, grid)):
        assert [re.sub(r"^\d+F(\d+)$", r"\1", re.sub(r"^\d+B(\d+)$", r"\1b", cell)) or "." for cell in cells] == boxes
        assert sorted(cell for cell in cells if cell) == sorted(f"{stage}{kind}{j}" for kind in "FB" for j in range(5))


def test_plan_table():
    printed = quartic("plan", "--stages", 4).stdout
    for word in ("makespan", "bubble", "staleness", "drift", "own delay", "oldest delay", "copies", "activations"):
        assert word in printed


def test_subcommands_that_tell():
    assert re.fullmatch(r"quartic \d+\.\d+\.\d+\S*\n", quartic("--version").stdout)
    for name in ("run", "plan", "methods", "gather", "info"):
        assert f"quartic {name}" in quartic("--help").stdout
    assert len(re.findall(r"^pipedream ", quartic("methods").stdout, re.MULTILINE)) == 2  # in both tables
    assert "|---|" in quartic("methods", "--markdown").stdout
    for name in ("compiler", "BLAS", "MPI", "HDF5", "processor", "devices"):
        assert name in quartic("info").stdout
    assert "Open MPI" in quartic("info", ranks=2).stdout


@pytest.mark.parametrize("command", ["run", "plan"])
def test_every_option_of_the_help_is_accepted(command, folder):
    """Each is listed once; given the default that the help shows, or a value of its own, it is no mistake."""
    printed = quartic(command, "--help").stdout
    listed = re.findall(r"^  --(\S+)(?: (\S+))? .*?(?:\[(\S+)\])?$", printed, re.MULTILINE)
    names = [name for name, _, _ in listed]
    assert len(names) == len(set(names)) > 10
    values = {"admission": "fixed", "precision": "double", "data": "generate:quadratic", "out": "run", "config": "some.ini",
              "backward-weights": "live", "slack": "0.5", "check": "some.csv", "optimizer": "adamw", "delays": "fixed:3",
              "delta": "7", "beta1": "0.9", "replicas": "3", "local-steps": "2", "backward": "mono", "lambda": "inf", "annealing": "0.5",
              "correction": "0", "synchronous": "0.1", "compensation": "0.5", "delay-threshold": "4", "stages-per-worker": "4", "layers": "2", "width": "32", "heads": "4",
              "sequence": "16", "validation": "0.25", "evaluate-rows": "0", "init": "some.h5",
              "resume": "some-run", "checkpoint-every": "5m",
              "evaluate-steps": "4", "checkpoint-steps": "4", "log-csv": "log.csv",
              "cut": "even", "data-format": "csv", "token-bits": "16"}
    of_method = {"backward-weights": "paci", "slack": "paci", "delays": "rpd", "delta": "rpd", "replicas": "local-sgd",
                 "local-steps": "local-sgd", "backward": "timeprest", "lambda": "i-timeprest", "annealing": "pipemare",
                 "correction": "pipemare", "synchronous": "pipemare", "compensation": "dc-asgd", "delay-threshold": "delay-adaptive", "stages-per-worker": "interleaved"}
    objective_of = {"shuffle": "mlp", "cut": "mlp", "recompute": "mlp", "layers": "gpt", "width": "gpt", "heads": "gpt", "sequence": "gpt", "token-bits": "gpt"}
    (folder / "some.bin").write_bytes(bytes(6000))
    of_file = {"data-format": "some.csv", "token-bits": "some.bin"}
    (folder / "some.ini").write_text("")
    (folder / "some-run").mkdir()
    (folder / "some-run" / "config.ini").write_text("microbatches = 8\n")
    (folder / "some.csv").write_text("0F0,0B0\n" if command == "plan" else "1,2,3,4,5\n" * 8)
    end = ["--print-config"] if command == "run" else []
    for name, takes, default in listed:
        if name not in ("print-config", "tf32", "gpu-aware-mpi"):  # which the host refuses
            method = ["--method", of_method[name], "--accumulate", "1"] if name in of_method else []
            objective = ["--objective", objective_of[name]] if name in objective_of else []
            data = ["--data", of_file[name]] if name in of_file else []
            quartic(command, f"--{name}={values.get(name, default)}" if takes else f"--{name}", *method, *objective, *data, *end)


def test_trace_can_be_moved(folder):
    run("run", "--microbatches", 16, *SMALL)
    shutil.move(folder / "run" / "trace.h5", folder / "elsewhere.h5")
    shutil.rmtree(folder / "run")
    with h5py.File("elsewhere.h5", "r") as file:
        assert len(file["stage/0003/steps"]) == 16
