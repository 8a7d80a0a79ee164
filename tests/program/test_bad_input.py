"""Data that quartic cannot use: exit 2, one line that names the file, the place in it and what is valid, no folder."""

import gzip
import os
import struct

import h5py
import numpy as np
import pytest

from program import quartic
from runs import refused

ROWS, FEATURES = 16, 6
X = np.arange(ROWS * FEATURES, dtype=float).reshape(ROWS, FEATURES)
REAL, BINARY = np.linspace(0, 1, ROWS), np.arange(ROWS) % 2
GOOD_LINE = "1 1:0.5 2:1 3:2 4:-1\n"


def changed(values, place, value):
    values = np.array(values, dtype=float)
    values[place] = value
    return values


def hdf5(**datasets):
    """The bytes of an HDF5 file that holds these datasets."""
    with h5py.File("made", "w", driver="core", backing_store=False) as file:
        for name, values in datasets.items():
            file[name] = values
        file.flush()
        return file.id.get_file_image()


def idx(shape, values, kind=8):
    head = struct.pack(">BBBB", 0, 0, kind, len(shape)) + b"".join(struct.pack(">I", length) for length in shape)
    return head + bytes(values)


IMAGES = idx((ROWS, 3, 3), range(ROWS * 9))
LABELS = idx((ROWS,), [i % 3 for i in range(ROWS)])
PIXELS, DIGITS = "digits-images-idx3-ubyte", "digits-labels-idx1-ubyte"



def cifar(*labels):
    """One dark image for each label, or pair of labels."""
    return b"".join(bytes(np.atleast_1d(label).tolist()) + bytes(3072) for label in labels)


# what is wrong: (the option --objective, {file: its bytes}, what the line says); --data is the first file.
FILES = {
    # HDF5
    "hdf5 without X": ("quadratic", {"a.h5": hdf5(y=REAL)}, ("a.h5", "/X")),
    "hdf5 without y": ("quadratic", {"a.h5": hdf5(X=X)}, ("a.h5", "/y")),
    "hdf5 with text": ("quadratic", {"a.h5": hdf5(X=np.array([[b"a"]]), y=REAL)}, ("a.h5", "/X", "numbers")),
    "hdf5 of one dimension": ("quadratic", {"a.h5": hdf5(X=REAL, y=REAL)}, ("a.h5", "/X", "1 dimensions, not 2")),
    "hdf5 of three dimensions": ("quadratic", {"a.h5": hdf5(X=X[None], y=REAL)}, ("a.h5", "/X", "3 dimensions")),
    "hdf5 with a table of y": ("quadratic", {"a.h5": hdf5(X=X, y=X)}, ("a.h5", "/y", "2 dimensions, not 1")),
    "hdf5 with fewer y": ("quadratic", {"a.h5": hdf5(X=X, y=REAL[1:])}, ("a.h5", "/y", "15", "16")),
    "hdf5 without rows": ("quadratic", {"a.h5": hdf5(X=X[:0], y=REAL[:0])}, ("a.h5", "empty")),
    "hdf5 with a group X": ("quadratic", {"a.h5": hdf5(**{"X/x": X, "y": REAL})}, ("a.h5", "/X", "dataset")),
    "hdf5 with NaN": ("quadratic", {"a.h5": hdf5(X=changed(X, (7, 3), np.nan), y=REAL)}, ("a.h5", "row 7", "column 3", "finite")),
    "hdf5 with infinite y": ("quadratic", {"a.h5": hdf5(X=X, y=changed(REAL, 5, np.inf))}, ("a.h5", "/y row 5", "finite")),
    "hdf5 label 2 of two": ("logistic", {"a.h5": hdf5(X=X, y=changed(BINARY, 9, 2))}, ("a.h5", "/y row 9", "label 2", "0 and 1")),
    "hdf5 label 0 among -1": ("logistic", {"a.h5": hdf5(X=X, y=changed(2 * BINARY - 1, 4, 0))}, ("a.h5", "row 4", "label 0")),
    "hdf5 label between": ("mlp", {"a.h5": hdf5(X=X, y=changed(BINARY, 3, 0.5))}, ("a.h5", "/y row 3", "label 0.5", "integers")),
    "hdf5 label below": ("mlp", {"a.h5": hdf5(X=X, y=changed(BINARY, 3, -1))}, ("a.h5", "/y row 3", "label -1")),
    "hdf5 too large for a float": ("mlp", {"a.h5": hdf5(X=changed(X, (2, 1), 1e300), y=BINARY)}, ("a.h5", "row 2", "float")),
    "hdf5 truncated": ("quadratic", {"a.h5": hdf5(X=X, y=REAL)[:900]}, "a.h5"),
    "hdf5 signature alone": ("quadratic", {"a.h5": b"\x89HDF\r\n\x1a\n"}, "a.h5"),
    # LIBSVM
    "text without a label": ("logistic", {"a.txt": GOOD_LINE + "1:1 2:2\n"}, ("a.txt", "line 2", "label '1:1'")),
    "text with a word": ("logistic", {"a.txt": GOOD_LINE * 2 + "1 1:0.5 two:1\n"}, ("a.txt", "line 3", "'two:1'", "INDEX:VALUE")),
    "text with a bad value": ("logistic", {"a.txt": GOOD_LINE + "0 1:one\n"}, ("a.txt", "line 2", "'one'", "finite number")),
    "text with NaN": ("logistic", {"a.txt": GOOD_LINE + "0 1:nan\n"}, ("a.txt", "line 2", "'nan'")),
    "text with index 0": ("logistic", {"a.txt": GOOD_LINE + "0 0:1\n"}, ("a.txt", "line 2", "'0'", "1 to 2147483647")),
    "text with a huge index": ("logistic", {"a.txt": "0 99999999999999999999:1\n"}, ("a.txt", "line 1", "out of range")),
    "text that descends": ("logistic", {"a.txt": GOOD_LINE + "0 3:1 2:1\n"}, ("a.txt", "line 2", "2 follows 3")),
    "text with label 2": ("logistic", {"a.txt": GOOD_LINE + "2 1:1\n0 1:1\n"}, ("a.txt", "line 2", "label 2")),
    "a table with a word": ("logistic", {"a.csv": "1,2,3\n4,x,6\n"}, ("a.csv", "line 2", "column 2", "'x'")),
    "text of comments": ("logistic", {"a.txt": "# nothing\n\n"}, ("a.txt", "no rows")),
    "text without features": ("logistic", {"a.txt": "1\n0\n"}, ("a.txt", "no features")),
    "text with too few features": ("logistic", {"a.txt": "1 1:1\n0 2:1\n"}, ("--stages 4", "2 features")),
    # IDX
    "images without labels": ("mlp", {PIXELS: IMAGES}, (PIXELS, DIGITS)),
    "images under another name": ("mlp", {"digits": IMAGES, DIGITS: LABELS}, ("digits", "images-idx3")),
    "labels as images": ("mlp", {DIGITS: LABELS, PIXELS: IMAGES}, (DIGITS, "labels", "images-idx3")),
    "images cut off": ("mlp", {PIXELS: IMAGES[:-5], DIGITS: LABELS}, (PIXELS, "16 items of 9 bytes", "139")),
    "images cut off in the head": ("mlp", {PIXELS: IMAGES[:9], DIGITS: LABELS}, (PIXELS, "header needs 16 bytes")),
    "images with more behind": ("mlp", {PIXELS: IMAGES + b"more", DIGITS: LABELS}, (PIXELS, "148")),
    "images of floats": ("mlp", {PIXELS: idx((1, 1, 1), [0] * 4, kind=13), DIGITS: LABELS}, (PIXELS, "byte 2, the type, is 13", "8")),
    "images that lie": ("mlp", {PIXELS: idx((2**32 - 1,) * 4, []), DIGITS: LABELS}, (PIXELS, "truncated")),
    "no images": ("mlp", {PIXELS: idx((0, 3, 3), []), DIGITS: LABELS}, (PIXELS, "no items")),
    "fewer labels": ("mlp", {PIXELS: IMAGES, DIGITS: idx((15,), [0] * 15)}, (DIGITS, "15 labels", "16 images")),
    "labels cut off": ("mlp", {PIXELS: IMAGES, DIGITS: LABELS[:-1]}, (DIGITS, "truncated")),
    "labels that are images": ("mlp", {PIXELS: IMAGES, DIGITS: IMAGES}, (DIGITS, "3 dimensions")),
    "no labels in the file": ("mlp", {PIXELS: IMAGES, DIGITS: b""}, (DIGITS, "empty")),
    "a label too many for two": ("logistic", {PIXELS: IMAGES, DIGITS: LABELS}, (DIGITS, "item 2", "label 2")),
    # CIFAR
    "cifar label beyond": ("mlp", {"a.bin": cifar(1, 10)}, ("a.bin", "image 1", "label 10", "0 to 9")),
    "cifar coarse label beyond": ("mlp", {"a.bin": cifar((19, 99), (20, 1))}, ("a.bin", "image 1", "label 20", "0 to 19")),
    "cifar fine label beyond": ("mlp", {"a.bin": cifar((19, 100))}, ("a.bin", "image 0", "label 100", "0 to 99")),
    "cifar cut off": ("mlp", {"a.bin": cifar(1, 2)[:-9]}, ("a.bin", "6137", "6146", "6148")),
    "cifar of ten for two": ("logistic", {"a.bin": cifar(1, 2)}, ("a.bin", "image 1", "label 2")),
    # gzip
    "packed and cut off": ("mlp", {PIXELS + ".gz": gzip.compress(IMAGES)[:-20], DIGITS: LABELS}, (PIXELS + ".gz", "bytes", "gzip")),
    "packed and damaged": ("mlp", {PIXELS + ".gz": gzip.compress(IMAGES)[:30] + b"\xff" * 60, DIGITS: LABELS}, (PIXELS + ".gz", "byte")),
    "packed nothing": ("mlp", {PIXELS + ".gz": gzip.compress(b""), DIGITS: LABELS}, PIXELS + ".gz"),
    "packed labels cut off": ("mlp", {PIXELS: IMAGES, DIGITS + ".gz": gzip.compress(LABELS)[:20]}, (DIGITS + ".gz", "gzip")),
    "packed hdf5": ("quadratic", {"a.h5.gz": gzip.compress(hdf5(X=X, y=REAL))}, ("a.h5.gz", "decompress")),
    # no format at all
    "bytes": ("quadratic", {"a.bin": bytes(range(256)) * 4}, ("a.bin", "HDF5, .npy, LIBSVM text, CSV, IDX images, CIFAR images", "3073", "3074")),
    "nothing": ("quadratic", {"a.h5": b""}, ("a.h5", "empty")),
}

TOKENS = struct.pack("<100H", *range(100))
# The same for --objective gpt, with more options.
TOKEN_FILES = {
    "no text": ((), {"a.txt": b""}, ("a.txt", "empty")),
    "packed no text": ((), {"a.txt.gz": gzip.compress(b"")}, ("a.txt.gz", "0 tokens", "at least 2")),
    "one letter": ((), {"a.txt": b"a"}, ("a.txt", "1 tokens", "at least 2")),
    "text too short": ((), {"a.txt": b"a" * 64}, ("--sequence 64", "a.txt", "64 tokens", "1 to 63")),
    "text of more letters": (("--vocabulary", 2), {"a.txt": b"abc" * 99}, ("--vocabulary 2", "a.txt", "3 distinct bytes", "at least 3")),
    "half a token": (("--token-bits", 16), {"a.bin": TOKENS[:-1]}, ("a.bin", "199 bytes")),
    "tokens too short": (("--sequence", 100, "--token-bits", 16), {"a.bin": TOKENS}, ("--sequence 100", "a.bin", "100 tokens", "1 to 99")),
    "token beyond": (("--vocabulary", 90, "--token-bits", 16), {"a.bin": TOKENS}, ("a.bin", "token 90", "is 90", "0 to 89")),
    "hdf5 for text": ((), {"a.h5": hdf5(X=X, y=REAL)}, ("a.h5", "HDF5", "text")),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refuses(objective, files, says, ranks=0, options=()):
    for name, content in files.items():
        with open(name, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    refused("run", "--objective", objective, "--data", next(iter(files)), "--microbatch-size", 1, "--out", "run", *options,
            says=says, ranks=ranks)
    assert sorted(os.listdir()) == sorted(files)


@pytest.mark.parametrize("wrong", FILES)
def test_file(wrong):
    refuses(*FILES[wrong])


@pytest.mark.parametrize("wrong", TOKEN_FILES)
def test_tokens(wrong):
    options, files, says = TOKEN_FILES[wrong]
    refuses("gpt", files, says, options=options)


@pytest.mark.parametrize("wrong", ["hdf5 with NaN", "images cut off"])
def test_file_on_several_ranks(wrong):
    """A NaN in the columns of one rank alone ends all of them."""
    refuses(*FILES[wrong], ranks=3)


CIFAR_FOLDERS = {
    "no file of it": ({"batch.bin": cifar(1)}, ("folder", "data_batch_1.bin", "train.bin")),
    "a file missing": ({f"data_batch_{i}.bin": cifar(i) for i in (1, 2, 4, 5)}, ("data_batch_3.bin", "No such file")),
    "a file cut off": ({f"data_batch_{i}.bin": cifar(i)[:4000 - 400 * i] for i in range(1, 6)}, ("data_batch_3.bin", "2800", "3073")),
    "another set": ({"train.bin": cifar(1)}, ("train.bin", "3073", "3074")),
}


@pytest.mark.parametrize("wrong", CIFAR_FOLDERS)
def test_cifar_folder(wrong):
    files, says = CIFAR_FOLDERS[wrong]
    os.mkdir("cifar")
    for name, content in files.items():
        with open(f"cifar/{name}", "wb") as file:
            file.write(content)
    refused("run", "--objective", "mlp", "--data", "cifar", "--out", "run", says=says)
    assert os.listdir() == ["cifar"]


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_file_that_crashes_hdf5(ranks, tmp_path_factory):
    """A byte of the type of /y, which then has numbers of thousands of bytes: HDF5 1.10 believes it, and reads beyond its memory."""
    with h5py.File("a.h5", "w", libver="earliest") as file:
        file["X"] = X
        file.create_dataset("y", data=REAL, chunks=True)
    with open("a.h5", "r+b") as file:
        size_of_type = file.read().rindex(bytes.fromhex("11203f0008000000")) + 4
        file.seek(size_of_type + 1)
        file.write(b"\xce")
    elsewhere = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:abort_on_error=1:log_path={tmp_path_factory.mktemp('asan')}/report"}
    refused("run", "--data", "a.h5", "--stages", 2, "--out", "run", says=("a.h5: is damaged", "HDF5 crashes reading it"), ranks=ranks,
            env=elsewhere)  # what a sanitizer says of the crash
    assert os.listdir() == ["a.h5"]


@pytest.mark.parametrize("path, says", [("nowhere.h5", "no such file"), (".", "folder"), ("/dev/zero", "regular"), ("a" * 300, "name too long")])
def test_no_file(path, says):
    line = refused("run", "--data", path, "--out", "run", says=path)
    assert says in line.lower()
    assert os.listdir() == []


@pytest.mark.parametrize("classes", [-1, 0, 1, 4097, "x"])
def test_number_of_classes(classes):
    refused("run", "--objective", "mlp", "--classes", classes, says=("--classes", classes))


def test_rows_left_over():
    """The nearest size that divides is named; --drop-last leaves the rest out."""
    with open("a.h5", "wb") as file:
        file.write(hdf5(X=X, y=REAL))
    options = ("run", "--data", "a.h5", "--microbatch-size", 5, "--out", "run", "--quiet")
    refused(*options, says=("--microbatch-size 5", "16 rows of a.h5", "is 4,", "--drop-last"))
    quartic(*options, "--drop-last")
    assert sorted(os.listdir()) == ["a.h5", "run"]
