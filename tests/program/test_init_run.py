"""--init RUN: a run that starts from another's weights and optimizer state continues it, bitwise; state that does not fit."""

import os
import shutil

import h5py
import numpy as np
import pytest

from program import quartic
from runs import FAILED, attributes, read_tables, refused, same_run

# 8 microbatches an epoch, in the order of the data: the second run begins where the first ended.
MLP = ("--objective", "mlp", "--rows", 32, "--features", 9, "--classes", 3, "--hidden", "8,7,6", "--microbatch-size", 4)
QUADRATIC = ("--objective", "quadratic", "--rows", 32, "--features", 13, "--microbatch-size", 4)
# Its batch normalisations have statistics, which have no state.
CONV = ("--objective", "conv", "--model", "vgg16-bn", "--width-factor", 0.03, "--depth", 1, "--rows", 16, "--features", 16,
        "--microbatch-size", 2)
ARRAYS = {"momentum": ["momentum_buffer"], "nesterov-momentum": ["momentum_buffer"],
          "adamw": ["exp_avg", "exp_avg_sq"], "nadam": ["exp_avg", "exp_avg_sq"]}
HALF = 24


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(out, *options, optimizer="adamw", model=MLP, stages=4, microbatches=HALF, ranks=0, method="sgd", flags=("--quiet", "--save-parameters")):
    return quartic("run", *model, "--method", method, "--optimizer", optimizer, "--stages", stages, "--learning-rate", 0.01,
                   "--microbatches", microbatches, *flags, *options, "--out", out, ranks=ranks)


def losses(folder):
    with h5py.File(f"{folder}/trace.h5") as file:
        return file["loss"]["loss"][()]


def arrays(path):
    with h5py.File(path) as file:
        return {name: (dataset[()].tobytes(), dataset.attrs.get("steps")) for name, dataset in file.items()}


def same_end(one, other, files=("parameters.h5", "optimizer.h5")):
    for name in files:
        left, right = arrays(f"{one}/{name}"), arrays(f"{other}/{name}")
        assert left.keys() == right.keys()
        assert [array for array in left if left[array] != right[array]] == []


def second_half_of(whole, part):
    assert losses(whole)[-HALF:].tobytes() == losses(part).tobytes()
    same_end(whole, part)


@pytest.mark.parametrize("model", [MLP, QUADRATIC, CONV], ids=["mlp", "quadratic", "conv"])
@pytest.mark.parametrize("optimizer", ARRAYS)
def test_two_runs_are_one(optimizer, model):
    run("whole", optimizer=optimizer, model=model, microbatches=2 * HALF)
    run("a", optimizer=optimizer, model=model)
    run("b", "--init", "a", optimizer=optimizer, model=model)
    second_half_of("whole", "b")
    run("weights", "--init", "a/parameters.h5", optimizer=optimizer, model=model)
    assert losses("weights").tobytes() != losses("b").tobytes()


@pytest.mark.parametrize("precision", ["float", "double"])
@pytest.mark.parametrize("stages, ranks", [(2, 0), (4, 2), (2, 2), (1, 0)])
def test_any_cut_ranks_and_precision(stages, ranks, precision):
    run("whole", "--precision", precision, microbatches=2 * HALF)
    run("a", "--precision", precision, ranks=4)
    run("b", "--precision", precision, "--init", "a", stages=stages, ranks=ranks)
    second_half_of("whole", "b")


def test_a_vector_that_the_cut_divides():
    run("a", model=QUADRATIC, stages=4)
    run("b", "--init", "a", model=QUADRATIC, stages=3, ranks=3)
    run("c", "--init", "a", model=QUADRATIC, stages=3)
    same_end("b", "c")
    assert {name: array for name, (_, array) in arrays("b/optimizer.h5").items()} == {"exp_avg.weight": 48, "exp_avg_sq.weight": 48}


def test_another_precision():
    run("a", "--precision", "double")
    run("b", "--precision", "float", "--init", "a", microbatches=8)
    assert attributes("b")["init_optimizer_checksum"].startswith("crc32:")


@pytest.mark.parametrize("optimizer", ["adamw", "nadam", "momentum"])
def test_a_resumed_one(optimizer):
    """The checkpoint knows how many steps lie before the run."""
    run("a", optimizer=optimizer)
    run("b", "--init", "a", optimizer=optimizer)
    run("cut", "--init", "a", "--checkpoint-every", 50, optimizer=optimizer)
    with h5py.File("cut/trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    shutil.rmtree("a")
    quartic("run", "--resume", "cut", "--quiet", ranks=2)
    same_run("b", "cut")
    same_end("b", "cut")
    for name in ("init_checksum", "init_optimizer_checksum"):
        assert attributes("b")[name] == attributes("cut")[name]


def test_a_third_run():
    run("whole", optimizer="nadam", microbatches=3 * HALF)
    run("a", optimizer="nadam")
    run("b", "--init", "a", optimizer="nadam")
    run("c", "--init", "b", optimizer="nadam")
    second_half_of("whole", "c")


@pytest.mark.parametrize("method, options", [("local-sgd", ("--replicas", 2, "--local-steps", 5)), ("pipedream", ("--pipelines", 2)),
                                             ("rpd", ()), ("spectrain", ())], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("ranks", [0, 2])
def test_methods(method, options, ranks):
    """What they leave is of the model's shapes, and any method begins with it."""
    run("a", *options, optimizer="momentum", method=method, ranks=ranks)
    run("alone", *options, optimizer="momentum", method=method)
    same_end("a", "alone")
    run("b", *options, "--init", "a", optimizer="momentum", method=method, ranks=ranks)
    run("c", *options, "--init", "a", optimizer="momentum", method=method)
    same_run("b", "c")


def test_arrays_after_different_numbers_of_steps():
    """A stage that has several of them counts on from the fewest."""
    run("a")
    with h5py.File("a/optimizer.h5", "r+") as file:
        for array in ("exp_avg", "exp_avg_sq"):
            file[f"{array}.0.bias"].attrs["steps"] = 20
    assert "its adamw after 20 to 24 updates\n" in run("b", "--init", "a", stages=2, flags=("--save-parameters",)).stdout
    with h5py.File("b/optimizer.h5") as file:
        steps = {name: int(dataset.attrs["steps"]) - HALF for name, dataset in file.items()}
    assert (steps["exp_avg.0.weight"], steps["exp_avg_sq.2.bias"], steps["exp_avg.4.weight"]) == (20, 20, 24)


def test_a_run_that_acts_on_arrival():
    run("a", method="pipedream", stages=2)
    run("b", "--init", "a", "--order", "arrival", method="pipedream", stages=2, ranks=2)
    with h5py.File("b/optimizer.h5") as file:
        assert {int(dataset.attrs["steps"]) for dataset in file.values()} == {2 * HALF}


@pytest.mark.parametrize("optimizer", ARRAYS)
def test_names_and_attributes(optimizer):
    run("a", optimizer=optimizer, stages=2)
    assert not any(name.endswith(".part") for name in os.listdir("a"))
    with h5py.File("a/optimizer.h5") as state, h5py.File("a/parameters.h5") as weights:
        assert {name: dataset.shape for name, dataset in state.items()} == {
            f"{array}.{name}": dataset.shape for array in ARRAYS[optimizer] for name, dataset in weights.items()}
        assert dict(state.attrs) == {**dict(weights.attrs), "optimizer": optimizer}
        assert {int(dataset.attrs["steps"]) for dataset in state.values()} == {HALF}


def test_statistics_have_no_state():
    run("a", model=CONV, microbatches=8)
    with h5py.File("a/optimizer.h5") as state, h5py.File("a/parameters.h5") as weights:
        trained = [name for name in weights if "running" not in name]
        assert len(trained) < len(weights)
        assert sorted(state) == sorted(f"{array}.{name}" for array in ARRAYS["adamw"] for name in trained)


def test_sgd_has_no_state():
    run("a", optimizer="sgd")
    assert sorted(os.listdir("a")) == ["checkpoint", "config.ini", "log", "parameters.h5", "trace.h5"]
    done = run("b", "--init", "a", optimizer="sgd", flags=())
    assert "init: weights of a; sgd has no state\n" in done.stdout and done.stderr == ""


def test_the_line():
    run("a")
    done = run("b", "--init", "a", "--beta1", 0.5, flags=())
    line = "init: weights of a, and the state of its adamw after 24 updates"
    assert f"{line}\n" in done.stdout and done.stderr == ""
    with open("b/log") as log:
        assert line in log.read()
    assert run("c", "--init", "a").stdout == ""
    assert "init = a\n" in attributes("b")["config"]
    assert "init_optimizer_checksum" in attributes("b")


@pytest.mark.parametrize("optimizer, says", [("nadam", "its optimizer.h5 is of 'adamw', but this run uses nadam"),
                                             ("sgd", "its optimizer.h5 is of 'adamw', but this run uses sgd"),
                                             ("adamw", "optimizer.h5 is missing, which --save-parameters writes")])
@pytest.mark.parametrize("ranks", [0, 2])
def test_state_that_does_not_fit(optimizer, says, ranks):
    run("a")
    if optimizer == "adamw":
        os.remove("a/optimizer.h5")
    done = run("b", "--init", "a", optimizer=optimizer, ranks=ranks)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("quartic: "))
    assert line.startswith("quartic: init: weights of a without the state of an optimizer: ") and says in line
    with open("b/log") as log:
        assert says in log.read()
    run("c", "--init", "a/parameters.h5", optimizer=optimizer)
    same_run("b", "c")
    assert attributes("b")["init_checksum"] == attributes("c")["init_checksum"]
    assert "init_optimizer_checksum" not in attributes("b")


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_folder_without_parameters(ranks):
    os.mkdir("empty")
    refused("run", *MLP, "--init", "empty", "--out", "run", says=("--init empty", "no parameters.h5", "--save-parameters"), ranks=ranks)
    assert os.listdir() == ["empty"]


def without_an_array(file):
    del file["exp_avg.2.bias"]


def of_another_shape(file):
    del file["exp_avg.2.bias"]
    file["exp_avg.2.bias"] = np.zeros(6)


def not_finite(file):
    file["exp_avg_sq.6.bias"][1] = np.nan


def without_steps(file):
    del file["exp_avg.0.bias"].attrs["steps"]


def steps_of(value):
    def change(file):
        file["exp_avg.0.bias"].attrs["steps"] = value
    return change


def named(value):
    def change(file):
        del file.attrs["optimizer"]
        if value is not None:
            file.attrs["optimizer"] = value
    return change


BAD = {
    "an array is missing": (without_an_array, "missing: exp_avg.2.bias"),
    "another shape": (of_another_shape, "exp_avg.2.bias [6] instead of [7]"),
    "not finite": (not_finite, ("/exp_avg_sq.6.bias element 1", "nan", "finite")),
    "no steps": (without_steps, ("/exp_avg.0.bias", "no attribute steps")),
    "negative steps": (steps_of(-1), ("/exp_avg.0.bias", "steps", "-1")),
    "too many steps": (steps_of(2**60), ("/exp_avg.0.bias", "steps", "valid: 0 to")),
    "several steps": (steps_of([1, 2, 3]), ("/exp_avg.0.bias", "steps", "not a single integer")),
    "half a step": (steps_of(0.5), ("/exp_avg.0.bias", "steps", "not a single integer")),
    "no name": (named(None), "no attribute optimizer"),
    "a number for a name": (named(7), "not a single string"),
    "several names": (named(["adamw", "adamw"]), "not a single string"),
}


@pytest.mark.parametrize("wrong, ranks", [*((wrong, 0) for wrong in BAD), ("no steps", 2), ("not finite", 3)])
def test_a_wrong_file(wrong, ranks):
    change, says = BAD[wrong]
    run("a")
    with h5py.File("a/optimizer.h5", "r+") as file:
        change(file)
    refused("run", *MLP, "--optimizer", "adamw", "--init", "a", "--out", "b", ranks=ranks,
            says=("a/optimizer.h5", *([says] if isinstance(says, str) else says)))
    assert os.listdir() == ["a"]


def test_a_damaged_file():
    run("a")
    os.truncate("a/optimizer.h5", os.path.getsize("a/optimizer.h5") // 2)
    refused("run", *MLP, "--optimizer", "adamw", "--init", "a", "--out", "b", says="a/optimizer.h5")


def test_very_many_steps_take_no_time():
    run("a", optimizer="nadam")
    with h5py.File("a/optimizer.h5", "r+") as file:
        for dataset in file.values():
            dataset.attrs["steps"] = 2**52
    run("b", "--init", "a", optimizer="nadam")
    with h5py.File("b/optimizer.h5") as file:
        assert {int(dataset.attrs["steps"]) for dataset in file.values()} == {2**52 + HALF}


def test_the_folder_itself():
    """Its files are read before they go, and a run that saves none leaves none."""
    run("whole", microbatches=2 * HALF)
    run("a")
    run("a", "--init", "a", "--overwrite")
    second_half_of("whole", "a")
    run("a", "--overwrite", flags=("--quiet",))
    assert sorted(os.listdir("a")) == ["config.ini", "log", "trace.h5"]


def test_an_old_state_goes_before_new_weights_come():
    """A run that ends between the two leaves no pair of files that do not belong together."""
    run("a", "--checkpoint-every", 90)
    os.remove("a/parameters.h5")
    os.makedirs("a/parameters.h5/in the way")
    refused("run", "--resume", "a", "--microbatches", 2 * HALF, "--quiet", code=FAILED, says="a/parameters.h5")
    assert not os.path.exists("a/optimizer.h5")


def test_a_longer_run_leaves_the_pair_of_its_end():
    run("whole", microbatches=2 * HALF)
    run("a", "--checkpoint-every", 90)
    quartic("run", "--resume", "a", "--microbatches", 2 * HALF)
    same_end("whole", "a")
    assert read_tables("a")["objective"]["value"][-1] == read_tables("whole")["objective"]["value"][-1]
