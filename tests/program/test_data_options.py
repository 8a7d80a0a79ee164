"""What a run says of its data, which data fits together, and options that would be ignored."""

import gzip
import os
import struct
import zlib

import h5py
import numpy as np
import pytest

from program import quartic
from runs import attributes, refused

ROWS = 16
RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(ROWS, 4))
LABELS = np.arange(ROWS) % 3
TEXT = b"Staleness is what a pipeline pays for its speed. " * 40
GPT = ("--objective", "gpt", "--layers", 1, "--width", 8, "--heads", 1, "--sequence", 8, "--stages", 1, "--microbatch-size", 4)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file["X"], file["y"] = X, LABELS
    put("a.txt", TEXT)
    return tmp_path


def put(name, content):
    with open(name, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def data_lines(*arguments, **options):
    done = quartic("run", *arguments, "--out", "run", "--overwrite", **options)
    return [line for line in done.stdout.splitlines() if line.startswith("data:")]


def libsvm(labels):
    return "".join(f"{label} 1:{i}.5 3:{i % 4}\n" for i, label in enumerate(labels))


def idx(name, rows, shape, labels):
    put(f"{name}-images-idx3-ubyte", struct.pack(">4B3I", 0, 0, 8, 3, rows, *shape) + bytes(range(rows)) * (shape[0] * shape[1]))
    put(f"{name}-labels-idx1-ubyte", struct.pack(">4BI", 0, 0, 8, 1, rows) + bytes(labels))


@pytest.mark.parametrize("ranks", [0, 2])
def test_every_run_says_what_its_data_is(ranks):
    """Once, whatever the number of ranks; the log has the line too, and --quiet leaves it there."""
    stages = ("--stages", 2, "--microbatch-size", 4)
    (line,) = data_lines("--data", "a.h5", *stages, ranks=ranks)
    assert line == f"data: HDF5, {os.path.getsize('a.h5'):,} bytes, 16 rows of 4"
    with open("run/log") as log:
        assert line in log.read()
    assert data_lines("--data", "a.h5", *stages, "--quiet", ranks=ranks) == []
    with open("run/log") as log:
        assert line in log.read()


def test_the_line_of_a_text_with_held_out_rows():
    (line,) = data_lines(*GPT, "--data", "a.txt", "--validation", 0.1, "--microbatches", 2)
    assert line == "data: text, 1,960 bytes, 18 distinct, 244 rows of 8; validation: the last 10 %, 24 rows"
    facts = attributes("run")
    assert {name: facts[name] for name in facts if name.startswith(("data_", "validation_"))} == {
        "data_format": "text", "data_bytes": "1960", "data_rows": "244", "data_features": "8", "data_vocabulary": "18", "data_tokens": "1960",
        "data_rows_left_out": "0", "validation_rows": "24", "data_checksum": f"crc32:{zlib.crc32(TEXT):08x}"}


def test_the_line_of_a_file_of_held_out_rows():
    put("b.txt", TEXT[:500])
    (line,) = data_lines(*GPT, "--data", "a.txt", "--validation", "b.txt", "--microbatches", 2)
    assert line.endswith("; validation: text, 500 bytes, 18 distinct, 62 rows of 8")
    facts = attributes("run")
    assert (facts["validation_rows"], facts["validation_bytes"], facts["validation_format"]) == ("62", "500", "text")


def test_generated_data_says_so():
    (line,) = data_lines("--objective", "mlp", "--rows", 32, "--features", 9, "--stages", 1)
    assert line == "data: generate:images, 10 classes, 32 rows of 1 x 3 x 3"


# Rows that fill no microbatch.


def test_text_leaves_out_what_fills_no_microbatch():
    """244 rows are 48 microbatches of 5, and 4 rows."""
    gpt = (*GPT[:-1], 5, "--data", "a.txt")
    (line,) = data_lines(*gpt)
    assert line.endswith("; left out: 4 rows, which fill no microbatch")
    assert attributes("run")["data_rows_left_out"] == "4"
    refused("run", *gpt, "--no-drop-last", "--out", "other", says=("--microbatch-size 5", "244 rows", "--drop-last"))
    assert data_lines(*gpt, "--drop-last") == [line]
    with open("run/config.ini") as config:
        assert "drop-last = true" in config.read()


def test_rows_of_features_are_left_out_where_it_is_asked_for():
    rows = ("--data", "a.h5", "--stages", 1, "--microbatch-size", 5)
    refused("run", *rows, "--out", "other", says=("--microbatch-size 5", "16 rows", "--drop-last"))
    (line,) = data_lines(*rows, "--drop-last")
    assert line.endswith("; left out: 1 row, which fills no microbatch")
    put("a.ini", "drop-last = true\n")
    refused("run", *rows, "--config", "a.ini", "--no-drop-last", "--out", "other", says="--microbatch-size 5")
    refused("run", *rows, "--drop-last", "--no-drop-last", says="given twice")


# Held-out data is like the data to train on.


def fits(training, held_out, objective="mlp"):
    sizes = GPT if objective == "gpt" else ("--stages", 1, "--microbatch-size", 4)
    return ("--objective", objective, *sizes[2 if objective == "gpt" else 0:], "--data", training, "--validation", held_out)


TOKENS = (np.arange(200) % 9).astype("u2")
UNLIKE = {
    "text and tokens": ("gpt", lambda: (put("a.npy", npy(TOKENS)), "a.npy", "a.txt")[1:], ("text", "tokens of 16 bits")),
    "tokens and text": ("gpt", lambda: (put("a.npy", npy(TOKENS)), "a.txt", "a.npy")[1:], ("tokens of 16 bits", "text")),
    "tokens of 16 and 32 bits": ("gpt", lambda: (put("a.npy", npy(TOKENS)), put("b.npy", npy(TOKENS.astype("u4"))), "a.npy", "b.npy")[2:],
                                 ("tokens of 32 bits", "tokens of 16 bits")),
    "sparse and dense": ("mlp", lambda: (put("a", libsvm(LABELS)), "a.h5", "a")[1:], ("sparse numbers", "valid")),
    "images and numbers": ("mlp", lambda: (idx("t", 8, (2, 2), [0, 1, 2, 0, 1, 2, 0, 1]), "t-images-idx3-ubyte", "a.h5")[1:], ("numbers", "images")),
    "images of another shape": ("mlp", lambda: (idx("t", 8, (2, 6), [0, 1] * 4), idx("v", 8, (3, 4), [0, 1] * 4), "t-images-idx3-ubyte",
                                                "v-images-idx3-ubyte")[2:], ("1 x 3 x 4", "1 x 2 x 6")),
    "CIFAR-100 and CIFAR-10": ("mlp", lambda: (put("a", bytes(4 * 3074)), put("b", bytes(4 * 3073)), "a", "b")[2:], ("CIFAR-10", "CIFAR-100")),
    "labels that are not the same": ("logistic", lambda: (put("a", libsvm([-1, 1] * 8)), put("b", libsvm([0, 1] * 4)), "a", "b")[2:],
                                     ("b", "line 1", "label 0", "-1, 1")),
    "tokens beyond the vocabulary": ("gpt", lambda: (put("a.npy", npy(TOKENS)), put("b.npy", npy(TOKENS + np.uint16(1))), "a.npy", "b.npy")[2:],
                                     ("b.npy", "10 different tokens", "9")),
    "more classes": ("mlp", lambda: (put("a", libsvm(LABELS)), put("b", libsvm([0, 5] * 4)), "a", "b")[2:], ("6 classes", "3")),
}


def npy(array):
    header = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + array.tobytes()


@pytest.mark.parametrize("unlike", UNLIKE)
def test_held_out_data_of_another_kind(unlike):
    objective, make, says = UNLIKE[unlike]
    training, held_out = make()
    refused("run", *fits(training, held_out, objective), "--out", "run", says=says)


def test_held_out_labels_mean_what_they_mean_in_training():
    """A held-out file with one of the two labels is numbered as the training data is."""
    put("a", libsvm([1, 2] * 8))
    put("b", libsvm([2] * 4))
    for file in "ab":
        (line,) = data_lines(*fits("a", file, "logistic"))
        assert line.count("(labels 1, 2)") == 2


# Options that would be ignored.

FILE = ("--data", "a.h5", "--stages", 1, "--microbatch-size", 4)
NO_EFFECT = {
    "rows of a file": ((*FILE, "--rows", 8), ("--rows 8", "generated")),
    "rows of a file, as the default": ((*FILE, "--rows", 4096), ("--rows 4096", "generated")),
    "features of a file": ((*FILE, "--features", 4), ("--features 4", "generated")),
    "classes of a file": ((*FILE, "--objective", "mlp", "--classes", 3), ("--classes 3", "generated data")),
    "classes of a generator": (("--data", "generate:logistic", "--objective", "logistic", "--classes", 2), ("--classes 2", "generate:images")),
    "features of generated text": (("--objective", "gpt", "--features", 8), ("--features 8", "generate:text")),
    "hidden layers of a gpt": (("--objective", "gpt", "--hidden", "8,8"), ("--hidden 8,8", "--objective mlp")),
    "activation of a quadratic": (("--activation", "tanh"), ("--activation tanh", "--objective mlp")),
    "a gpt's size": (("--objective", "mlp", "--layers", 2), ("--layers 2", "--objective gpt")),
    "a gpt's preset": (("--preset", "nano"), ("--preset nano", "--objective gpt")),
    "vocabulary of images": (("--objective", "mlp", "--vocabulary", 20), ("--vocabulary 20", "--objective gpt")),
    "a network of another objective": (("--objective", "mlp", "--model", "resnet50"), ("--model resnet50", "--objective conv")),
    "depth of a gpt": (("--objective", "gpt", "--depth", 3), ("--depth 3", "--objective conv")),
    "momentum of sgd": (("--momentum", 0.8), ("--momentum 0.8", "--optimizer momentum")),
    "momentum of adamw": (("--optimizer", "adamw", "--momentum", 0.8), ("--momentum 0.8", "nesterov-momentum")),
    "moments of momentum": (("--optimizer", "momentum", "--beta2", 0.9), ("--beta2 0.9", "adamw and nadam")),
    "epsilon of sgd": (("--epsilon", 1e-3), ("--epsilon 0.001", "adamw and nadam")),
    "penalty of a quadratic": (("--l2", 0.1), ("--l2 0.1", "--objective logistic")),
    "format of generated data": (("--data-format", "csv"), ("--data-format csv", "data files")),
    "width of generated tokens": (("--objective", "gpt", "--token-bits", 16), ("--token-bits 16", "files of tokens")),
    "width of no tokens": ((*FILE, "--token-bits", 16), ("--token-bits 16", "files of tokens")),
}


@pytest.mark.parametrize("name", NO_EFFECT)
def test_an_option_without_effect(name):
    options, says = NO_EFFECT[name]
    refused("run", *options, "--out", "run", says=(*says, "has no effect"))
    assert not os.path.exists("run")


def test_an_option_without_effect_in_a_file():
    put("a.ini", "hidden = 8,8\n")
    refused("run", "--config", "a.ini", "--out", "run", says=("--hidden 8,8", "has no effect"))


@pytest.mark.parametrize("options", [("--l2", 0), ("--features", 0), ("--momentum", 0), ("--vocabulary", 0), ("--depth", 0), ("--width-factor", 1),
                                     ("--drop-last",)], ids=lambda options: options[0])
def test_a_value_that_asks_for_nothing(options):
    data_lines(*FILE, *options)


def test_the_configuration_of_a_run_is_one():
    """config.ini has every option, with its default where it has no effect."""
    data_lines(*FILE)
    with open("run/config.ini", "rb") as file:
        put("again.ini", b"\xef\xbb\xbf" + file.read())
    before = attributes("run")["config_hash"]
    assert data_lines("--config", "again.ini")
    assert attributes("run")["config_hash"] == before


# What is made to do harm.


def test_a_bomb_is_refused_before_it_fills_the_memory():
    """26 MB that unpack to 8.4 GB, in small: a gigabyte in memory would be killed by the limit."""
    packer = zlib.compressobj(9, wbits=31)
    with open("bomb.gz", "wb") as file:
        for _ in range(1100):
            file.write(packer.compress(bytes(1 << 20)))
        file.write(packer.flush())
    refused("run", *GPT, "--data", "bomb.gz", "--out", "run", says=("bomb.gz", "compressed bytes", "the limit is 100 times"))


def test_small_data_may_pack_well():
    put("a.gz", gzip.compress(b"ab" * 100_000))
    assert data_lines(*GPT, "--data", "a.gz", "--microbatches", 2)


def test_a_resumed_run_sees_changed_data_behind_a_link():
    """Whatever is not in the checksum is not read."""
    os.rename("a.h5", "b.h5")
    with h5py.File("a.h5", "w") as file:
        file["X"], file["y"] = h5py.ExternalLink("b.h5", "/X"), h5py.SoftLink("/z")
        file["z"] = LABELS
    refused("run", *FILE, "--out", "run", says=("a.h5", "external link"))
