"""Held-out rows: their loss is that of the model at the same moments, over exactly those rows."""

import h5py
import numpy as np
import pytest

from program import quartic
from runs import read_tables, refused


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data(name, rows, features, seed, labels):
    draws = np.random.default_rng(seed)
    with h5py.File(name, "w") as file:
        file["X"] = draws.normal(size=(rows, features))
        file["y"] = draws.integers(0, 3, rows) if labels else draws.normal(size=rows)


def tables(*options, ranks=0):
    quartic("run", *options, "--stages", 3, "--microbatch-size", 4, "--learning-rate", 0.02, "--quiet", "--overwrite", "--out", "run", ranks=ranks)
    return read_tables("run")


def text(name, rows, seed):
    """Rows of 6 tokens, and the token after the last."""
    draws = np.random.default_rng(seed)
    with open(name, "wb") as file:
        file.write(bytes(draws.choice(np.frombuffer(b"abcdefg", np.uint8), 6 * rows + 1)))


MODELS = {
    "quadratic": ("a", "--objective", "quadratic"),
    "mlp": ("b", "--objective", "mlp", "--hidden", "9,8"),
    "gpt": ("c", "--objective", "gpt", "--layers", 1, "--width", 8, "--heads", 2, "--sequence", 6, "--evaluate-rows", 0),
}


@pytest.fixture(autouse=True)
def files(folder):
    data("a", 32, 7, 1, labels=False)
    for name, rows, seed in (("b", 32, 3), ("b2", 20, 4)):
        data(name, rows, 7, seed, labels=True)
    text("c", 32, 5)


def same(left, right):
    np.testing.assert_allclose(left["value"], right["value"], rtol=1e-6)
    np.testing.assert_allclose(left["accuracy"], right["accuracy"], rtol=1e-12)
    for column in ("plan_time", "block_updates", "wall_ns"):
        assert np.array_equal(left[column], right[column])


@pytest.mark.parametrize("ranks", [0, 3])
@pytest.mark.parametrize("model", MODELS)
def test_held_out_rows_that_are_the_training_rows(model, ranks):
    name, *options = MODELS[model]
    found = tables(*options, "--data", name, "--drop-last", "--validation", name, "--evaluate-updates", 6, ranks=ranks)
    assert len(found["validation"]) > 4
    same(found["validation"], found["objective"])


@pytest.mark.parametrize("model", ["b", "c"])
def test_held_out_rows_that_are_the_training_rows_twice(model):
    """Their mean loss and their share of right answers are those of the training rows, whatever their number."""
    _, *options = {own: (own, *rest) for own, *rest in MODELS.values()}[model]
    if model == "c":
        letters = open("c", "rb").read()[:-1]
        for name, times in (("once", 1), ("twice", 2)):  # whose last token is followed by the first
            open(name, "wb").write(times * letters + letters[:1])
    else:
        with h5py.File("b") as file, h5py.File("once", "w") as once, h5py.File("twice", "w") as twice:
            for part in ("X", "y"):
                once[part], twice[part] = file[part][()], np.concatenate([file[part], file[part]])
    found = tables(*options, "--data", "once", "--drop-last", "--validation", "twice", "--evaluate-updates", 6)
    assert found["objective"]["accuracy"].max() > 0
    same(found["validation"], found["objective"])


@pytest.mark.parametrize("model", MODELS)
def test_a_fraction_is_the_end_of_the_data(model):
    """The same numbers as from two files, of the first rows and of the others."""
    name, *options = MODELS[model]
    whole = tables(*options, "--data", name, "--drop-last", "--validation", 0.25, "--evaluate-updates", 6)
    if model == "gpt":
        letters = open(name, "rb").read()
        open("first", "wb").write(letters[:6 * 24 + 1])
        open("rest", "wb").write(letters[6 * 24:])
    else:
        with h5py.File(name) as file, h5py.File("first", "w") as first, h5py.File("rest", "w") as rest:
            for part in ("X", "y"):
                first[part], rest[part] = file[part][:24], file[part][24:]
    parts = tables(*options, "--data", "first", "--drop-last", "--validation", "rest", "--evaluate-updates", 6)
    np.testing.assert_allclose(parts["validation"]["value"][:3], whole["validation"]["value"][:3], rtol=1e-6)
    assert np.array_equal(parts["loss"]["loss"][:6], whole["loss"]["loss"][:6])


def test_held_out_rows_are_not_trained_on():
    """Another file of them changes no other number."""
    _, *options = MODELS["mlp"]
    one = tables(*options, "--data", "b", "--validation", "b", "--evaluate-updates", 6)
    other = tables(*options, "--data", "b", "--validation", "b2", "--evaluate-updates", 6)
    assert one["objective"]["value"].tobytes() == other["objective"]["value"].tobytes()
    assert one["loss"]["loss"].tobytes() == other["loss"]["loss"].tobytes()
    assert not np.array_equal(one["validation"]["value"], other["validation"]["value"])


def test_files_that_do_not_fit():
    data("wide", 8, 9, 7, labels=True)
    refused("run", *MODELS["mlp"][1:], "--data", "b", "--validation", "wide", "--out", "run", says=("--validation wide", "9 features", "7"))
    open("other", "wb").write(b"abcxyz" * 9)
    refused("run", *MODELS["gpt"][1:], "--data", "c", "--validation", "other", "--microbatch-size", 4, "--out", "run",
            says=("other", "byte 120", "position 3"))
