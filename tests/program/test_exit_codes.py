"""Every refusal of a command line: exit 2, one line that names the option and what is valid, no folder."""

import os
import shutil
import socket
import subprocess

import pytest

from program import EXECUTABLE, MPIRUN, preload, quartic
from runs import DIVERGED, DONE, LONG_RUN, REFUSED, LiveRun, attributes, lines_of_quartic, read_steps, read_tables, refused, until

# Numeric options, each with values outside its range; every one is refused with its name and its value.
OUT_OF_RANGE = {
    "stages": ("0", "-1", "1048577", "2.5", "x", "", "99999999999999999999"),
    "accumulate": ("-1", "x", "99999999999999999999"),
    "microbatches": ("-1", "x", "4294967297"),
    "epochs": ("-1", "x", "9223372036854775807"),
    "seed": ("-1", "x", "18446744073709551616"),
    "hidden": ("0", "x", "8,y", "8,-8"),
    "l2": ("-1", "x", "nan", "inf"),
    "width-factor": ("0", "-1", "65", "x", "inf"),
    "depth": ("-1", "x", "1.5"),
    "rows": ("0", "-5", "x"),
    "features": ("-1", "x"),
    "sequence": ("0", "-1", "x"),
    "vocabulary": ("-1", "65537", "x"),
    "microbatch-size": ("0", "-8", "x", "4097"),
    "learning-rate": ("0", "-1", "x", "nan", "inf", "1e999"),
    "momentum": ("-0.1", "x", "nan"),
    "weight-decay": ("-0.1", "x", "inf"),
    "warmup": ("-1", "x", "4294967297"),
    "clip": ("-0.1", "x", "inf"),
    "beta1": ("-0.1", "1", "x"),
    "beta2": ("-0.1", "1", "nan"),
    "pipelines": ("0", "-2", "4097", "x"),
    "synchronize-every": ("0", "-1", "x"),
    "outer-rate": ("0", "-1", "inf"),
    "outer-momentum": ("-0.1", "1", "x"),
    "gradient-noise": ("-0.1", "x", "nan"),
    "evaluate-every": ("-1", "x", "nan", "1e-300", "1e+300"),
    "evaluate-updates": ("-1", "x", "0.5"),
    "evaluate-steps": ("-1", "x", "0.5"),
    "checkpoint-steps": ("-1", "x", "0.5"),
    "trace-displacement": ("-1", "x"),
    "trace-stale-read": ("-1", "x", "0.5"),
    "trace-every": ("0", "-1", "x"),
    "memory-bound": ("-1", "x"),
    "layers": ("0", "-1", "x"),
    "width": ("0", "-1", "x"),
    "heads": ("0", "-1", "x"),
    "evaluate-rows": ("-1", "x"),
    "patience": ("-1", "x", "nan"),
    "threads": ("0", "1025", "x"),
    "checkpoint-every": ("", "0", "-1", "x", "m", "0m", "1.5m", "5s", "9999999999"),
}
RANGES = [(name, value) for name, values in OUT_OF_RANGE.items() for value in values]

CHOICES = {
    "method": ("gpipe", "pipedream", "async"),
    "objective": ("quadratic", "logistic", "mlp", "conv", "gpt"),
    "model": ("vgg16", "vgg16-bn", "resnet50"),
    "activation": ("relu", "tanh", "gelu"),
    "precision": ("valid: float, double",),
    "optimizer": ("sgd", "momentum", "nesterov-momentum", "adamw", "nadam"),
    "decay": ("constant", "linear", "cosine"),
    "order": ("plan", "arrival"),
    "device": ("host", "gpu"),
    "admission": ("pipeline", "stage", "fixed"),
    "drop-last": ("true", "false"),
    "recompute": ("true", "false"),
    "shuffle": ("true", "false"),
    "save-parameters": ("true", "false"),
    "augment": ("none", "flip", "crop", "flip-crop"),
}

MISTAKES = {
    "no command": ((), "methods"),
    "unknown command": (("train",), ("train", "run, plan, methods")),
    "unknown option": (("run", "--stage", "4"), ("--stage", "quartic run --help")),
    "no short options": (("run", "-S", "4"), "-S"),
    "a stray word": (("run", "stages"), "stages"),
    "no value": (("run", "--stages"), "--stages"),
    "given twice": (("run", "--stages", "2", "--stages", "2"), ("--stages", "twice")),
    "an option of run": (("plan", "--objective", "mlp"), ("--objective", "quartic plan --help")),
    "another method's option": (("run", "--method", "gpipe", "--admission", "fixed"), ("--admission", "gpipe")),
    "both counts": (("run", "--microbatches", 8, "--epochs", 1), ("--microbatches", "--epochs")),
    "both cuts": (("run", "--evaluate-every", 8, "--evaluate-updates", 8), "--evaluate-updates"),
    "two of three": (("run", "--evaluate-steps", 8, "--evaluate-updates", 8), "--evaluate-steps"),
    "two kinds of checkpoints": (("run", "--checkpoint-steps", 8, "--checkpoint-every", 8), ("--checkpoint-steps", "--checkpoint-every")),
    "checkpoints by steps on arrival": (("run", "--order", "arrival", "--checkpoint-steps", 8), ("--checkpoint-steps", "--order plan")),
    "plan time on arrival": (("run", "--order", "arrival", "--evaluate-every", 8), "--evaluate-steps"),
    "moments of a plan on arrival": (("run", "--order", "arrival", "--trace-stale-read", 2), ("--trace-stale-read", "--order plan")),
    "a stale read of a plan": (("plan", "--trace-stale-read", 2), ("--trace-stale-read", "quartic plan --help")),
    "updates of one stage": (("run", "--order", "arrival", "--evaluate-updates", 6), ("6", "number of stages, 4")),
    "shuffled rows of a linear objective": (("run", "--shuffle"), ("--shuffle", "quadratic", "networks")),
    "changed rows of a linear objective": (("run", "--augment", "flip"), ("--augment", "quadratic", "networks")),
    "images of no shape": (("run", "--objective", "mlp", "--features", 13, "--augment", "flip"), ("--augment", "generate:images", "CIFAR")),
    "images too small to crop": (("run", "--objective", "mlp", "--features", 16, "--augment", "crop"), ("--augment", "4 x 4", "flip")),
    "l2 of a network": (("run", "--objective", "mlp", "--l2", 1), ("--l2", "logistic")),
    "more stages than coordinates": (("run", "--features", 3), ("--stages 4", "at most 3")),
    "more stages than layers": (("run", "--objective", "mlp", "--hidden", "8,8"), ("--stages 4", "at most 3")),
    "more stages than convolutions": (("run", "--objective", "conv", "--depth", 1, "--stages", 7), ("--stages 7", "vgg16", "at most 6")),
    "more stages than blocks": (("run", "--objective", "conv", "--model", "resnet50", "--stages", 19), ("--stages 19", "resnet50", "at most 18")),
    "heads that do not divide": (("run", "--objective", "gpt", "--heads", 3), ("--heads 3", "--width 128")),
    "more stages than blocks of a gpt": (("run", "--objective", "gpt", "--stages", 7), ("--stages 7", "gpt", "at most 6")),
    "no such cut": (("run", "--objective", "gpt", "--cut", "fair"), ("--cut fair", "even, counted, measured")),
    "a cut of too few": (("run", "--objective", "gpt", "--cut", "3,5"), ("--cut 3,5", "stages 1 to 3", "2,4,5")),
    "a cut that repeats": (("run", "--objective", "gpt", "--cut", "2,2,5"), ("--cut 2,2,5", "ascending")),
    "a cut of a linear objective": (("run", "--cut", "even"), ("--cut", "quadratic", "columns")),
    "a bound that no cut meets": (("run", "--objective", "gpt", "--memory-bound", 1000), ("--memory-bound 1000", "the smallest possible is")),
    "a bound without a choice": (("run", "--objective", "gpt", "--cut", "even", "--memory-bound", 1000), ("--memory-bound", "counted")),
    "an empty preset": (("run", "--preset", ""), ("--preset ''", "tiny, nano, small, medium")),
    "a remark in a value": (("run", "--init", "a#b.h5"), ("--init 'a#b.h5'", "must not contain #")),
    "a blank behind a value": (("run", "--data", "a.h5 "), ("--data 'a.h5 '", "end with a blank")),
    "a value of two lines": (("run", "--validation", "a\nrows = 1"), ("--validation 'a?rows = 1'", "control characters")),
    "no such preset": (("run", "--objective", "gpt", "--preset", "huge"), ("--preset 'huge'", "tiny, nano, small, medium")),
    "held-out rows of a file that is not there": (("run", "--validation", "nowhere"), "nowhere"),
    "all rows held out": (("run", "--validation", "1"), ("--validation 1", "fraction", "4096")),
    "no rows held out": (("run", "--validation", "0"), ("--validation 0", "fraction")),
    "generated held-out rows": (("run", "--validation", "generate:quadratic"), ("--validation", "repeat", "fraction")),
    "no number of held-out rows": (("run", "--validation", "nan"), ("--validation nan", "fraction")),
    "some rows of a linear objective": (("run", "--evaluate-rows", 8), ("--evaluate-rows", "quadratic")),
    "rows that are no images": (("run", "--objective", "conv", "--features", 31), ("--objective conv", "images", "square")),
    "updates every microbatch": (("run", "--accumulate", 2), ("--accumulate 2", "must be 1")),
    "microbatches left over": (("run", "--method", "gpipe", "--microbatches", 20), ("20", "16 and 24")),
    "rows left over": (("run", "--rows", 100), ("--microbatch-size 8", "100", "is 10,", "--drop-last")),
    "more rows than there are": (("run", "--rows", 5), ("--microbatch-size 8", "5 rows")),
    "no such cost": (("run", "--cost", "slow"), ("--cost", "slot, real, measured")),
    "no such cost key": (("run", "--cost", "g=1"), ("--cost", "'g'", "latency")),
    "cost of nothing": (("run", "--cost", "f=0"), ("--cost", "f=0")),
    "jitter": (("run", "--cost", "jitter=1"), ("--cost", "jitter=1", "below 1")),
    "straggler": (("run", "--cost", "straggler=4:2"), ("--cost", "straggler=4:2", "0 to 3")),
    "costs of other stages": (("run", "--cost", "f=1/2"), ("--cost", "2 entries", "4 stages")),
    "no such generator": (("run", "--data", "generate:noise"), ("generate:noise", "quadratic")),
    "a generator of another objective": (("run", "--objective", "logistic", "--data", "generate:quadratic"), "logistic"),
    "no device": (("run", "--device", "gpu"), ("--device", "host")),
    "TF32 on the host": (("run", "--tf32"), ("--tf32", "--device gpu")),
    "GPU-aware MPI on the host": (("run", "--gpu-aware-mpi"), ("--gpu-aware-mpi", "--device gpu")),
    "too many rows": (("run", "--rows", 2**40), (2**40, 2**33)),
    "two lines in a word": (("run", "--stages", "4\nfour"), "'4?four'"),
    "too many features": (("run", "--features", 2**62), (2**62, 2**33)),
    "checkpoints on arrival": (("run", "--order", "arrival", "--checkpoint-every", 8), ("--checkpoint-every", "--order plan")),
    "going on with nothing": (("run", "--resume", ""), ("--resume", "config.ini")),
    "going on elsewhere": (("run", "--resume", "nowhere"), ("--resume nowhere", "config.ini")),
    "going on with something else": (("run", "--resume", "nowhere", "--stages", 2), ("--stages", "--microbatches", "--checkpoint-every")),
    "no such plan format": (("plan", "--format", "xml"), ("--format", "grid", "json")),
    "a plan of measured costs": (("plan", "--cost", "measured"), "quartic run"),
    "a plan too long": (("plan", "--method", "gpipe", "--accumulate", 2**62), "--accumulate"),
    "gather nothing": (("gather",), "run folder"),
    "gather elsewhere": (("gather", "nowhere"), "nowhere"),
    "methods of what": (("methods", "gpipe"), "methods"),
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Every test runs in a folder that a refusal must leave as it was."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_behind():
    return sorted(os.listdir())


@pytest.mark.parametrize("option, value", RANGES, ids=[f"{name}={value}" for name, value in RANGES])
def test_value_out_of_range(option, value):
    objective = {"l2": ("--objective", "logistic"), "hidden": ("--objective", "mlp")}.get(option, ())
    refused("run", *objective, f"--{option}={value}", says=(f"--{option}", value.split(",")[-1]))
    assert left_behind() == []


def test_every_numeric_option_has_a_range():
    """A new option with a default that is a number must be in the table above."""
    shown = quartic("run", "--print-config").stdout.splitlines()
    numeric = {line.split(" = ")[0] for line in shown if line.split(" = ")[1].replace(".", "").replace(",", "").isdigit()}
    assert numeric - set(OUT_OF_RANGE) == {"classes"}  # its range depends on the data: test_bad_input.py


@pytest.mark.parametrize("option", CHOICES)
def test_value_that_is_no_choice(option):
    refused("run", f"--{option}=nonsense", says=(f"--{option}", "nonsense", *CHOICES[option]))
    assert left_behind() == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(mistake):
    arguments, says = MISTAKES[mistake]
    refused(*arguments, says=says)
    assert left_behind() == []


def test_mistake_on_several_ranks():
    arguments, says = MISTAKES["rows left over"]
    refused(*arguments, says=says, ranks=3)
    assert left_behind() == []


def test_more_ranks_than_workers():
    refused("run", "--stages", 2, "--out", "run", says=("3 ranks", "at most 2", "--stages"), ranks=3)
    assert left_behind() == []


def test_plan_runs_in_one_process():
    refused("plan", says="without mpirun", ranks=2)


# --config


BAD_FILES = {
    "unknown key": ("stagez = 4\n", "stagez"),
    "value out of range": ("stages = 0\n", "--stages '0'"),
    "given twice": ("stages = 4\nstages = 4\n", ("--stages", "twice")),
    "no assignment": ("method = sgd\nfour stages\n", ("bad.ini", "four stages")),
    "bytes": (b"\x7fELF\x02\x01\x00\x1b[31m\xff\xfe" * 50 + b"\n", "bad.ini"),
    "a name that Boost would put its own message into": ("%canonical_option% = 3\n", ("'%canonical_option% '", "no option has a %")),
    "a line that it would put into itself": ("%invalid_line%\n", "'%invalid_line%'"),
    "a section that it would put into itself": ("[%original_token%]\nstages = 4\n", "no option has a %"),
    "a section": ("[run]\nstages = 4\n", "run.stages"),
}


@pytest.mark.parametrize("mistake", BAD_FILES)
def test_configuration_file(mistake, tmp_path):
    text, says = BAD_FILES[mistake]
    (tmp_path / "bad.ini").write_bytes(text if isinstance(text, bytes) else text.encode())
    line = refused("run", "--config", "bad.ini", says=says)
    assert line.isprintable() and len(line) < 300, line
    assert left_behind() == ["bad.ini"]


@pytest.mark.parametrize("path, says", [("nowhere.ini", "cannot be read"), ("/", "is a folder")])
def test_configuration_that_is_no_file(path, says):
    refused("run", "--config", path, says=(path, says))


def test_configurations_that_differ_between_ranks(tmp_path):
    """Each rank is started with its own file: all are told so, none goes on."""
    for rank in range(3):
        (tmp_path / f"{rank}.ini").write_text(f"learning-rate = 0.0{max(1, rank)}\n")
    script = tmp_path / "start.sh"
    script.write_text(f'#!/bin/sh\nexec "{EXECUTABLE}" run --out run --config $OMPI_COMM_WORLD_RANK.ini\n')
    script.chmod(0o755)
    done = subprocess.run([MPIRUN, "-n", "3", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert len(lines_of_quartic(done)) == 1 and "differs between rank 0 and rank 2" in done.stderr
    assert not (tmp_path / "run").exists()


# The run folder


SHORT_RUN = ("--microbatches", 16, "--quiet")


def test_finished_folder_is_kept():
    quartic("run", *SHORT_RUN, "--out", "run")
    before = (os.stat("run/trace.h5").st_mtime_ns, left_behind())
    refused("run", *SHORT_RUN, "--out", "run", says=("run", "finished", "--overwrite"))
    refused("plan", "--out", "run", says=("run", "finished", "--overwrite"))
    refused("gather", "run", says=("run", "already gathered"))
    assert before == (os.stat("run/trace.h5").st_mtime_ns, left_behind())
    quartic("run", *SHORT_RUN, "--out", "run", "--seed", 1, "--overwrite")
    assert "seed = 1\n" in attributes("run")["config"]


def test_what_others_have_left_is_kept():
    os.makedirs("run/checkpoint")
    for path, says in (("run/checkpoint/model.pt", "not written by a run"), ("run/lock", "not written by a run")):
        with open(path, "w") as file:
            file.write("mine")
        refused("run", *SHORT_RUN, "--out", "run", says=("run", says))
        assert open(path).read() == "mine"


def test_two_that_begin_at_once():
    """One of them has the folder, and the other leaves it alone."""
    for number in range(15):
        both = [subprocess.Popen([EXECUTABLE, "run", *map(str, SHORT_RUN), "--out", f"new/{number}"], stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
        ends = sorted((process.wait(30), process.stderr.read()) for process in both)
        assert ends[0][0] == DONE and attributes(f"new/{number}")["complete"] == 1, ends
        assert ends[1][0] in (DONE, REFUSED) and ("in use" in ends[1][1] or "finished" in ends[1][1]), ends
        shutil.rmtree("new")


def test_a_folder_whose_lock_was_removed_while_a_run_waited_for_it(tmp_path):
    """What the run holds then is no lock that anybody else sees: it takes the new one."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LD_PRELOAD", preload(tmp_path, "lost_lock"))
        running = LiveRun("run", *LONG_RUN)
    with running:
        running.has_rows()
        refused("run", "--out", "run", says=("run", "in use", f"process {running.process.pid} on"))


def test_folder_in_use():
    with LiveRun("run", *LONG_RUN) as running:
        running.has_rows()
        for command in (("run", "--out", "run", "--overwrite"), ("run", "--resume", "run"), ("plan", "--out", "run"), ("gather", "run")):
            refused(*command, says=("run", "in use", f"process {running.process.pid} on {socket.gethostname()}"))
        refused("run", "--out", "run", ranks=2, says=("run", "in use"))
        rows = running.rows()
        until(lambda: running.rows() > rows, "the run goes on undisturbed")


@pytest.mark.parametrize("path, ranks", [("/proc/run", 0), ("file/run", 0), ("file", 0), ("/dev/null", 0), ("file/run", 2)])
def test_folder_that_cannot_be(path, ranks, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused("run", *SHORT_RUN, "--out", path, ranks=ranks, says=("--out", path))
    refused("plan", "--out", path, says=("--out", path))
    assert left_behind() == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_run_folder_by_default_is_named_by_its_configuration(tmp_path):
    quartic("run", *SHORT_RUN)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == attributes(folder)["config_hash"]


def test_folder_of_somebody_else(tmp_path):
    """Only what a run has left is ever replaced."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "mine").write_text("mine")
    refused("run", *SHORT_RUN, "--out", ".", "--overwrite", says=("log", "not written by a run"))
    assert left_behind() == ["log"] and (tmp_path / "log" / "mine").exists()


def test_stdout_that_takes_nothing():
    """A failure never exits 0."""
    for command in ("plan", "--help"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([EXECUTABLE, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        assert done.returncode == 1 and "stdout" in done.stderr


def test_configuration_from_a_pipe(tmp_path):
    (tmp_path / "two.ini").write_text("stages = 2\n")
    command = ["bash", "-c", '"$0" run --print-config --config <(cat two.ini)', str(EXECUTABLE)]
    assert "stages = 2\n" in subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


# Divergence


def test_goodbye_that_mpirun_misses(tmp_path):
    """A starved mpirun may not hear in time that a rank is done; the run is no failure for that."""
    quartic("run", "--microbatches", 8, "--stages", 2, "--quiet", "--out", tmp_path / "run", ranks=2, env={"LD_PRELOAD": preload(tmp_path, "no_goodbye")})


@pytest.mark.parametrize("objective, ranks", [("quadratic", 0), ("quadratic", 4), ("mlp", 0)])
def test_divergence(objective, ranks):
    options = ("run", "--objective", objective, "--microbatches", 64, "--out", "run")
    refused(*options, "--learning-rate", 1e300, "--quiet", says=("diverged", "stage ", "microbatch ", "trace", "run"),
            ranks=ranks, code=DIVERGED)
    assert attributes("run")["complete"] == 0
    assert sum(len(rows) for rows in read_steps("run").values()) < 4 * 64 and len(read_tables("run")["loss"]) > 0
    assert "diverged" in open("run/log").read() and not os.path.exists("run/ranks")
    quartic(*options, "--quiet", "--learning-rate", 1e-3, exit_code=DONE)
    assert attributes("run")["complete"] == 1
