"""Named parameters: what --save-parameters leaves, --init starts from, bitwise and at any cut; files that do not fit."""

import os
import shutil

import h5py
import numpy as np
import pytest

from program import quartic
from runs import attributes, read_tables, refused, same_run

MLP = ("--objective", "mlp", "--rows", 32, "--features", 9, "--classes", 3, "--hidden", "8,7,6", "--microbatch-size", 4)
MODELS = {
    "quadratic": ("--rows", 32, "--features", 13, "--microbatch-size", 4),
    "mlp": MLP,
    "gpt": ("--objective", "gpt", "--rows", 8, "--vocabulary", 11, "--sequence", 6, "--layers", 2, "--width", 8, "--heads", 2,
            "--evaluate-rows", 0, "--microbatch-size", 2),
    "conv": ("--objective", "conv", "--model", "vgg16-bn", "--width-factor", 0.03, "--depth", 1, "--rows", 16, "--features", 16,
             "--microbatch-size", 4),  # statistics are parameters too
}
SHORT = ("--microbatches", 24, "--learning-rate", 0.1, "--quiet")
# Of mlp, which has four units.
SHAPES = {"0.weight": (8, 9), "0.bias": (8,), "2.weight": (7, 8), "2.bias": (7,), "4.weight": (6, 7), "4.bias": (6,),
          "6.weight": (3, 6), "6.bias": (3,)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(out, *options, ranks=0):
    quartic("run", *options, *SHORT, "--out", out, ranks=ranks)


def parameters(path):
    with h5py.File(path) as file:
        return {name: dataset[()] for name, dataset in file.items()}


def write(path, values):
    with h5py.File(path, "w") as file:
        for name, array in values.items():
            file[name] = array


def good():
    random = np.random.default_rng(1)
    return {name: random.normal(size=shape) for name, shape in SHAPES.items()}


def same_parameters(one, other):
    left, right = parameters(one), parameters(other)
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype and left[name].tobytes() == right[name].tobytes(), name


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", [("sgd",), ("local-sgd", "--replicas", 2, "--local-steps", 5), ("pipedream", "--pipelines", 2)],
                         ids=lambda method: method[0])
def test_a_run_goes_on_where_another_ended(model, method):
    """The objective at the start of the second is, to the last bit, that at the end of the first."""
    run("a", *MODELS[model], "--method", *method, "--stages", 3, "--save-parameters")
    run("b", *MODELS[model], "--method", "sgd", "--stages", 3, "--init", "a/parameters.h5")
    assert read_tables("a")["objective"]["value"][-1] == read_tables("b")["objective"]["value"][0]


@pytest.mark.parametrize("model", MODELS)
def test_any_hosting(model):
    options = (*MODELS[model], "--gradient-noise", 0.1, "--stages", 4, "--save-parameters")
    run("first", *options)
    assert not any(name.endswith(".part") for name in os.listdir("first"))
    for ranks in (0, 2, 4):
        run(f"on-{ranks}", *options, "--init", "first/parameters.h5", ranks=ranks)
    for ranks in (2, 4):
        same_run("on-0", f"on-{ranks}")
        same_parameters("on-0/parameters.h5", f"on-{ranks}/parameters.h5")


def test_several_pipelines_on_any_hosting():
    """Of pipelines that are not equal at the end the first's are left, whoever hosts it."""
    options = (*MLP, "--stages", 2, "--pipelines", 2, "--synchronize-every", 100, "--save-parameters")
    run("first", *options)
    run("alone", *options, "--init", "first/parameters.h5")
    for ranks in (2, 4):
        run(f"on-{ranks}", *options, "--init", "first/parameters.h5", ranks=ranks)
        same_parameters("alone/parameters.h5", f"on-{ranks}/parameters.h5")
        same_run("alone", f"on-{ranks}")


@pytest.mark.parametrize("model", MODELS)
def test_any_cut(model):
    """Serial SGD is the same at every cut, and so is what it starts from and leaves; a linear objective has one vector."""
    for stages in (1, 2, 4):
        start = ("--init", "1/parameters.h5") if stages > 1 else ()
        run(f"{stages}", *MODELS[model], "--method", "sgd", "--stages", stages, *start, "--save-parameters")
    two, four = parameters("2/parameters.h5"), parameters("4/parameters.h5")
    assert two.keys() == four.keys()
    for name in two:
        assert two[name].shape == four[name].shape
        np.testing.assert_allclose(two[name], four[name], rtol=1e-5, atol=1e-6)
    if model == "quadratic":
        assert two["weight"].shape == (13,)


@pytest.mark.parametrize("method", [("pipemare", "--synchronous", 0.25), ("spectrain", "--optimizer", "momentum"),
                                    ("nesterov", "--optimizer", "nadam"), ("local-sgd", "--replicas", 3, "--local-steps", 2),
                                    ("i-timeprest",), ("pipedream", "--order", "arrival"),
                                    ("async", "--pipelines", 2, "--outer-rate", 0.7, "--outer-momentum", 0.9)],
                         ids=lambda method: " ".join(map(str, method)))
def test_the_start_of_a_model_given_to_it(method):
    """All that a method and an average over pipelines keep of the start weights knows of those that were given."""
    quartic("run", *MLP, "--stages", 3, "--microbatches", 1, "--method", "sgd", "--learning-rate", 1e-300, "--quiet",
            "--save-parameters", "--out", "start")  # so small a step changes nothing
    run("own", *MLP, "--stages", 3, "--method", *method)
    run("given", *MLP, "--stages", 3, "--method", *method, "--init", "start/parameters.h5")
    if "arrival" in method:
        assert read_tables("own")["objective"]["value"][0] == read_tables("given")["objective"]["value"][0]
    else:
        same_run("own", "given")


def test_names_and_attributes():
    run("a", *MLP, "--stages", 2, "--save-parameters")
    assert {name: array.shape for name, array in parameters("a/parameters.h5").items()} == SHAPES
    assert parameters("a/parameters.h5")["0.weight"].dtype == np.float32
    with h5py.File("a/parameters.h5") as file:
        assert dict(file.attrs) == {"method": "pipedream", "microbatches": 24, "config_hash": attributes("a")["config_hash"]}


def test_without_the_option_there_is_no_file():
    run("a", *MLP)
    assert not os.path.exists("a/parameters.h5")


@pytest.mark.parametrize("precision", ["float", "double"])
def test_numbers_of_any_type(precision):
    """Integers, halves, big-endian numbers and compressed chunks are numbers too; counters of PyTorch are passed over."""
    values = {name: np.round(2 * array) for name, array in good().items()}
    write("plain.h5", values)
    with h5py.File("mixed.h5", "w") as file:
        for (name, array), kind in zip(values.items(), ["f2", ">f8", "i1", ">f4", "f8", ">i4", "f4", "f8"], strict=True):
            file.create_dataset(name, data=array.astype(kind), compression="gzip")
        file["1.num_batches_tracked"] = 7
    for name in ("plain", "mixed"):
        run(name, *MLP, "--precision", precision, "--init", f"{name}.h5")
    same_run("plain", "mixed")


def test_an_overwritten_folder():
    """Its parameters are read before they go, and a run that saves none leaves none."""
    run("a", *MLP, "--save-parameters")
    last = read_tables("a")["objective"]["value"][-1]
    run("a", *MLP, "--init", "a/parameters.h5", "--overwrite")
    assert read_tables("a")["objective"]["value"][0] == last
    assert sorted(os.listdir("a")) == ["config.ini", "log", "trace.h5"]


def test_another_file_under_the_same_name():
    """The trace says which numbers a run has started from."""
    for out, factor in {"a": 1, "b": 2}.items():
        write("start.h5", {name: factor * array for name, array in good().items()})
        run(out, *MLP, "--init", "start.h5")
    assert attributes("a")["config_hash"] == attributes("b")["config_hash"]
    assert attributes("a")["init_checksum"] != attributes("b")["init_checksum"]


def renamed(values):
    return {f"module.{name}": array for name, array in values.items()}


def changed(**arrays):
    return {**good(), **{name.replace("_", "."): array for name, array in arrays.items()}}


def without(*names):
    return {name: array for name, array in good().items() if name not in names}


BAD = {
    "names of another model": (renamed(good()), ("missing: 0.bias, 0.weight, 2.bias and 5 more", "not in the model: module.0.bias")),
    "one missing": (without("4.bias"), "missing: 4.bias"),
    "one too many": (changed(_8_weight=np.zeros(3)), "not in the model: .8.weight"),
    "the layout of other libraries": (changed(**{"2_weight": np.zeros((8, 7))}), "wrong shape: 2.weight [8, 7] instead of [7, 8]"),
    "a matrix for a vector": (changed(**{"0_bias": np.zeros((8, 1))}), "0.bias [8, 1] instead of [8]"),
    "a number for a vector": (changed(**{"0_bias": 1.0}), "0.bias [] instead of [8]"),
    "text": (changed(**{"6_bias": np.array([b"a", b"b", b"c"])}), ("/6.bias", "does not hold numbers")),
    "complex numbers": (changed(**{"6_bias": np.zeros(3, complex)}), ("/6.bias", "does not hold numbers")),
    "NaN at the last stage": (changed(**{"6_bias": np.array([0, np.nan, 0])}), ("/6.bias element 1", "nan", "finite")),
    "too large for a float": (changed(**{"0_weight": np.full((8, 9), 1e300)}), ("/0.weight element 0", "inf as float")),
    "a folder of names": ({"0/weight": np.zeros((8, 9))}, ("/0", "dataset")),
    "nothing in it": ({}, "missing: 0.bias, 0.weight, 2.bias and 5 more"),
}


@pytest.mark.parametrize("wrong, ranks", [*((wrong, 0) for wrong in BAD), ("one missing", 3), ("NaN at the last stage", 3)])
def test_file_that_does_not_fit(wrong, ranks):
    values, says = BAD[wrong]
    write("bad.h5", values)
    words = [says] if isinstance(says, str) else says
    refused("run", *MLP, "--init", "bad.h5", "--out", "run", says=("bad.h5", *words), ranks=ranks)
    assert os.listdir() == ["bad.h5"]


@pytest.mark.parametrize("path, says", [("nowhere.h5", "No such file"), (".", "no parameters.h5"), ("/dev/zero", "not a regular file"),
                                        ("text.h5", "H5Fopen failed"), ("half.h5", "half.h5"), ("none.h5", "none.h5")])
def test_no_file_of_parameters(path, says):
    write("whole.h5", good())
    shutil.copy("whole.h5", "half.h5")
    os.truncate("half.h5", os.path.getsize("half.h5") // 2)
    for name, text in {"text.h5": "weight = 1\n", "none.h5": ""}.items():
        with open(name, "w") as file:
            file.write(text)
    refused("run", *MLP, "--init", path, "--out", "run", says=(path, says))
    assert not os.path.exists("run")


def test_a_pipe_is_no_file():
    os.mkfifo("pipe")
    refused("run", *MLP, "--init", "pipe", "--out", "run", says=("pipe", "not a regular file"))


def test_a_diverged_run_leaves_no_parameters():
    quartic("run", *MLP, "--learning-rate", 1e300, "--microbatches", 24, "--quiet", "--save-parameters", "--out", "run", exit_code=3)
    assert sorted(os.listdir("run")) == ["config.ini", "log", "trace.h5"]
