"""Small files of every format: what each is read as, checked against numpy, or the line that refuses it.

Rows of features are proved by three steps of gradient descent on the quadratic or the logistic objective, in numpy; classes and tokens by a
run over the same numbers in a plain reference file.
"""

import bz2
import gzip
import io
import lzma
import os
import struct
import zipfile
from dataclasses import dataclass

import h5py
import numpy as np
import pytest

from program import quartic
from runs import attributes, read_tables, refused

ROWS, FEATURES = 12, 4
RANDOM = np.random.default_rng(20)
X = np.round(RANDOM.normal(size=(ROWS, FEATURES)), 3)
REAL = np.round(RANDOM.normal(size=ROWS), 3)
BINARY = np.arange(ROWS) % 3 % 2
THREE = np.arange(ROWS) % 3
PIXELS = RANDOM.integers(0, 256, (ROWS, 2, 2), dtype=np.uint8)
IMAGES = PIXELS.reshape(ROWS, 4) / 255
TEXT = b"To be, or not to be, that is the question.\n" * 5
TOKENS = RANDOM.integers(0, 50, 100)
STEP = 0.25
SEQUENCE = 8


@dataclass
class Read:
    """What a file is: `x` and `y` of the rows, or its `tokens`; words of the data line; options that it needs."""

    objective: str
    files: dict
    x: np.ndarray = None
    y: np.ndarray = None
    tokens: np.ndarray = None
    line: tuple = ()
    options: tuple = ()
    data: str = ""


@dataclass
class Refused:
    objective: str
    files: dict
    says: tuple
    options: tuple = ()
    data: str = ""


# Bytes of files.


def npy(array, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asanyarray(array), **options)
    return out.getvalue()


class Hdf5:
    """An HDF5 file of these datasets, made in the folder of the test."""

    def __init__(self, storage=None, options=None, **datasets):
        self.storage, self.options, self.datasets = storage or {}, options or {}, datasets

    def write(self, name):
        with h5py.File(name, "w", **self.options) as file:
            for path, values in self.datasets.items():
                file.create_dataset(path.replace("__", "/"), data=values, **self.storage)


class Matlab(Hdf5):
    """As save -v7.3 writes it: columns as rows, and a user block."""

    def write(self, name):
        with h5py.File(name, "w", userblock_size=512) as file:
            for path, values in (("X", X.T), ("y", REAL[None])):
                file.create_dataset(path, data=values).attrs["MATLAB_class"] = np.bytes_("double")
        with open(name, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(512))


class External(Hdf5):
    def write(self, name):
        with h5py.File("other.h5", "w") as file:
            file["X"], file["y"] = X, REAL
        with h5py.File(name, "w") as file:
            file["X"] = h5py.ExternalLink("other.h5", "/X")
            file["y"] = REAL


class LinkedGroup(Hdf5):
    def write(self, name):
        with h5py.File("other.h5", "w") as file:
            file["inner/X"], file["inner/y"] = X, REAL
        with h5py.File(name, "w") as file:
            file["group"] = h5py.ExternalLink("other.h5", "/inner")


class Virtual(Hdf5):
    def write(self, name):
        layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
        layout[:] = h5py.VirtualSource("missing.h5", "X", shape=X.shape)
        with h5py.File(name, "w", libver="latest") as file:
            file.create_virtual_dataset("X", layout)
            file["y"] = REAL


class ExternalStorage(Hdf5):
    def write(self, name):
        with open("raw", "wb") as file:
            file.write(X.astype("<f8").tobytes())
        with h5py.File(name, "w") as file:
            file.create_dataset("X", shape=X.shape, dtype="<f8", external=[("raw", 0, X.nbytes)])
            file["y"] = REAL


def libsvm(x, labels, head=""):
    lines = (f"{label} " + " ".join(f"{i + 1}:{value}" for i, value in enumerate(row)) for row, label in zip(x, labels))
    return head + "\n".join(lines) + "\n"


def csv(x, y, header="", separator=",", mark=""):
    lines = (separator.join(map(str, (*row, target))) for row, target in zip(x, y))
    return mark + header + "\n".join(lines) + "\n"


def idx(array, kind=8):
    head = struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(">i4" if kind == 12 else np.uint8).tobytes()


def llmc(tokens, width, magic=20240520, count=None):
    header = np.zeros(256, "<i4")
    header[:3] = magic, 1, len(tokens) if count is None else count
    return header.tobytes() + tokens.astype(f"<u{width}").tobytes()


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inside", content)
    return out.getvalue()


def cifar(count, labels):
    images = RANDOM.integers(0, 256, (count, 3072 + labels), dtype=np.uint8)
    images[:, :labels] = np.arange(count)[:, None] % 2
    images[-1, :labels] = (9,) if labels == 1 else (19, 99)
    return images


def distinct(text):
    """A text's bytes, numbered in ascending order."""
    return np.unique(np.frombuffer(text, np.uint8), return_inverse=True)[1]


MINUS = 2 * BINARY - 1
QMNIST = np.stack([THREE, *[np.arange(ROWS)] * 7], axis=1)
TEN, HUNDRED = cifar(4, 1), cifar(4, 2)
PADDED = libsvm(X, BINARY)
PADDED += " " * (3073 - len(PADDED)) + "\n"

READ = {
    # HDF5
    "hdf5": Read("quadratic", {"a.h5": Hdf5(X=X, y=REAL)}, X, REAL, line=("HDF5", "12 rows of 4")),
    "hdf5 under any name": Read("quadratic", {"a.dat": Hdf5(X=X, y=REAL)}, X, REAL),
    "hdf5, y a column": Read("quadratic", {"a.h5": Hdf5(X=X, y=REAL[:, None])}, X, REAL),
    "hdf5, y a row": Read("quadratic", {"a.h5": Hdf5(X=X, y=REAL[None])}, X, REAL),
    "hdf5 of booleans": Read("logistic", {"a.h5": Hdf5(X=X > 0, y=BINARY > 0)}, (X > 0) * 1.0, BINARY),
    "hdf5 of small integers": Read("quadratic", {"a.h5": Hdf5(X=(9 * X).astype("i1"), y=REAL)}, (9 * X).astype("i1").astype(float), REAL),
    "hdf5 of big-endian floats": Read("quadratic", {"a.h5": Hdf5(X=X.astype(">f8"), y=REAL)}, X, REAL),
    "hdf5 with a user block": Read("quadratic", {"a.h5": Hdf5(options={"userblock_size": 2048}, X=X, y=REAL)}, X, REAL),
    "hdf5 of MATLAB": Read("quadratic", {"a.mat": Matlab()}, X, REAL, line=("12 rows of 4",)),
    "hdf5 of other names": Read("quadratic", {"a.h5": Hdf5(train__data=X, label=REAL)}, X, REAL, data="a.h5:/train/data,/label"),
    "hdf5 packed inside": Read("quadratic", {"a.h5": Hdf5(storage={"compression": "gzip", "shuffle": True}, X=X, y=REAL)}, X, REAL),
    "hdf5 of images": Read("quadratic", {"a.h5": Hdf5(X=X.reshape(ROWS, 1, 2, 2), y=REAL)}, X, REAL, line=("1 x 2 x 2",)),
    "hdf5 labels 1 and 2": Read("logistic", {"a.h5": Hdf5(X=X, y=BINARY + 1)}, X, BINARY, line=("labels 1, 2",)),
    # .npy
    "npy": Read("quadratic", {"X.npy": npy(X), "y.npy": npy(REAL)}, X, REAL, line=(".npy", "12 rows of 4")),
    "npy of other names": Read("quadratic", {"a.npy": npy(X), "b.npy": npy(REAL)}, X, REAL, data="a.npy,b.npy"),
    "npy beside each other": Read("quadratic", {"train_x.npy": npy(X), "train_y.npy": npy(REAL)}, X, REAL),
    "npy in Fortran's order": Read("quadratic", {"X.npy": npy(np.asfortranarray(X)), "y.npy": npy(REAL)}, X, REAL),
    "npy of float32": Read("quadratic", {"X.npy": npy(X.astype("f4")), "y.npy": npy(REAL)}, X.astype("f4").astype(float), REAL),
    "npy of float16": Read("quadratic", {"X.npy": npy(X.astype("f2")), "y.npy": npy(REAL)}, X.astype("f2").astype(float), REAL),
    "npy big-endian": Read("quadratic", {"X.npy": npy(X.astype(">f8")), "y.npy": npy(REAL.astype(">f4"))}, X, REAL.astype("f4").astype(float)),
    "npy of booleans": Read("logistic", {"X.npy": npy(X > 0), "y.npy": npy(BINARY > 0)}, (X > 0) * 1.0, BINARY),
    "npy of integers": Read("logistic", {"X.npy": npy((9 * X).astype("i2")), "y.npy": npy(BINARY.astype("u1"))}, (9 * X).astype("i2") * 1.0, BINARY),
    "npy, y a column": Read("quadratic", {"X.npy": npy(X), "y.npy": npy(REAL[:, None])}, X, REAL),
    "npy of images": Read("quadratic", {"X.npy": npy(X.reshape(ROWS, 1, 2, 2)), "y.npy": npy(REAL)}, X, REAL, line=("1 x 2 x 2",)),
    "npy of version 2": Read("quadratic", {"X.npy": npy(X, version=(2, 0)), "y.npy": npy(REAL)}, X, REAL),
    "npy packed": Read("quadratic", {"X.npy": gzip.compress(npy(X)), "y.npy": npy(REAL)}, X, REAL),
    # LIBSVM
    "libsvm": Read("logistic", {"a": libsvm(X, BINARY)}, X, BINARY, line=("LIBSVM",)),
    "libsvm labels -1 and +1": Read("logistic", {"a": libsvm(X, MINUS)}, X, BINARY, line=("labels -1, 1",)),
    "libsvm labels 1 and 2": Read("logistic", {"a": libsvm(X, BINARY + 1)}, X, BINARY, line=("labels 1, 2",)),
    "libsvm labels -1 and +1 as classes": Read("mlp", {"a": libsvm(X, MINUS)}, X, BINARY, line=("2 classes (labels -1, 1)",)),
    "libsvm labels 1 to 3 as classes": Read("mlp", {"a": libsvm(X, THREE + 1)}, X, THREE, line=("3 classes (labels 1, 2, 3)",)),
    "libsvm of tiny numbers": Read("quadratic", {"a": libsvm(X, REAL) + "1 1:1e-400 4:-1e-4000\n"}, np.vstack([X, np.zeros(4)]), np.append(REAL, 1)),
    "libsvm with a byte-order mark": Read("logistic", {"a": libsvm(X, BINARY, "\ufeff")}, X, BINARY),
    "libsvm packed": Read("logistic", {"a.gz": gzip.compress(libsvm(X, BINARY).encode())}, X, BINARY),
    "libsvm packed, zeros behind": Read("logistic", {"a.gz": gzip.compress(libsvm(X, BINARY).encode()) + bytes(700)}, X, BINARY),
    "libsvm of 3,074 bytes": Read("logistic", {"a": PADDED}, X, BINARY, line=("LIBSVM",)),
    # CSV
    "csv": Read("quadratic", {"a.csv": csv(X, REAL)}, X, REAL, line=("CSV, targets in column 5",)),
    "csv with a header": Read("quadratic", {"a.csv": csv(X, REAL, "a,b,c,d,e\n")}, X, REAL),
    "csv with the label first": Read("logistic", {"a.csv": csv(np.column_stack([BINARY, X[:, :3]]), X[:, 3], "label,a,b,c,d\n")}, X, BINARY,
                                     line=("targets in column 1",)),
    "csv with semicolons": Read("quadratic", {"a.csv": csv(X, REAL, separator=";")}, X, REAL),
    "csv with a byte-order mark": Read("quadratic", {"a.csv": csv(X, REAL, mark="\ufeff")}, X, REAL),
    "csv of DOS, quoted": Read("quadratic", {"a.csv": csv(X, REAL, '"a","b","c","d","y"\n').replace("\n", "\r\n")}, X, REAL),
    "csv packed": Read("quadratic", {"a.csv.gz": gzip.compress(csv(X, REAL).encode())}, X, REAL),
    # IDX and CIFAR
    "idx": Read("mlp", {"t-images-idx3-ubyte": idx(PIXELS), "t-labels-idx1-ubyte": idx(THREE)}, IMAGES, THREE, line=("IDX images", "1 x 2 x 2")),
    "idx named with a point": Read("mlp", {"t-images.idx3-ubyte": idx(PIXELS), "t-labels.idx1-ubyte": idx(THREE)}, IMAGES, THREE),
    "idx under any name": Read("mlp", {"pictures": idx(PIXELS), "digits": idx(THREE)}, IMAGES, THREE, data="pictures,digits"),
    "idx of QMNIST": Read("mlp", {"q-images-idx3-ubyte": idx(PIXELS), "q-labels-idx2-int": idx(QMNIST, kind=12)}, IMAGES, THREE),
    "idx packed": Read("mlp", {"t-images-idx3-ubyte.gz": gzip.compress(idx(PIXELS)), "t-labels-idx1-ubyte.gz": gzip.compress(idx(THREE))}, IMAGES, THREE),
    "cifar-10": Read("mlp", {"a.bin": TEN.tobytes()}, TEN[:, 1:] / 255, TEN[:, 0], line=("CIFAR-10 images", "10 classes", "3 x 32 x 32")),
    "cifar-100": Read("mlp", {"a.bin": HUNDRED.tobytes()}, HUNDRED[:, 2:] / 255, HUNDRED[:, 1], line=("CIFAR-100 images", "100 classes")),
    # text
    "text": Read("gpt", {"a.txt": TEXT}, tokens=distinct(TEXT), line=("text", f"{len(TEXT)} bytes", "distinct")),
    "text with a form feed": Read("gpt", {"a.txt": b"\f" + TEXT}, tokens=distinct(b"\f" + TEXT), line=("text",)),
    "text with escapes": Read("gpt", {"a.txt": b"\x1b[1m" + TEXT}, tokens=distinct(b"\x1b[1m" + TEXT), line=("text",)),
    "text in UTF-8": Read("gpt", {"a.txt": "größer – S²".encode() * 9}, tokens=distinct("größer – S²".encode() * 9), line=("text",)),
    "text in Latin-1": Read("gpt", {"a.txt": "größer".encode("latin-1") * 9}, tokens=distinct("größer".encode("latin-1") * 9), line=("text",)),
    "text with a byte-order mark": Read("gpt", {"a.txt": b"\xef\xbb\xbf" + TEXT}, tokens=distinct(TEXT), line=("text",)),
    "text packed": Read("gpt", {"a.txt.gz": gzip.compress(TEXT)}, tokens=distinct(TEXT), line=("text",)),
    "text that is a table": Read("gpt", {"a.csv": csv(X, REAL)}, tokens=distinct(csv(X, REAL).encode()), line=("text",)),
    # tokens
    "llm.c of 16 bits": Read("gpt", {"a.bin": llmc(TOKENS, 2)}, tokens=TOKENS, line=("llm.c tokens of 16 bits", "100 tokens", "vocabulary")),
    "llm.c of 32 bits": Read("gpt", {"a.bin": llmc(TOKENS, 4, magic=20240801)}, tokens=TOKENS, line=("llm.c tokens of 32 bits",)),
    "npy tokens, uint16": Read("gpt", {"a.npy": npy(TOKENS.astype("u2"))}, tokens=TOKENS, line=(".npy tokens of 16 bits",)),
    "npy tokens, int64": Read("gpt", {"a.npy": npy(TOKENS)}, tokens=TOKENS, line=(".npy tokens of 64 bits",)),
    "npy tokens, big-endian": Read("gpt", {"a.npy": npy(TOKENS.astype(">u4"))}, tokens=TOKENS),
    "tokens of 16 bits": Read("gpt", {"a.bin": TOKENS.astype("<u2").tobytes()}, tokens=TOKENS, options=("--token-bits", 16), line=("tokens of 16 bits",)),
    "tokens of 32 bits": Read("gpt", {"a.bin": TOKENS.astype("<u4").tobytes()}, tokens=TOKENS, options=("--token-bits", 32), line=("tokens of 32 bits",)),
    "tokens that begin as UTF-16": Read("gpt", {"a.bin": np.append([65279], TOKENS).astype("<u4").tobytes()}, tokens=np.append([65279], TOKENS),
                                        options=("--token-bits", 32)),
    "tokens packed": Read("gpt", {"a.bin.gz": gzip.compress(TOKENS.astype("<u2").tobytes())}, tokens=TOKENS, options=("--token-bits", 16)),
    # as told
    "bytes told to be a text": Read("gpt", {"a": b"\0\1" + TEXT}, tokens=distinct(b"\0\1" + TEXT), options=("--data-format", "text"), line=("text",)),
    "a text told to be tokens": Read("gpt", {"a": TEXT[:100]}, tokens=np.frombuffer(TEXT[:100], "<u2").astype(int), options=("--token-bits", 16)),
}

LATIN = "größer".encode("latin-1")
REFUSED = {
    "tokens without a width": Refused("gpt", {"a.bin": TOKENS.astype("<u2").tobytes()}, ("a.bin", "NUL", "--token-bits 16 or 32")),
    "wide tokens without a width": Refused("gpt", {"a.bin": TOKENS.astype("<u4").tobytes()}, ("a.bin", "NUL", "--token-bits")),
    "bytes of no text": Refused("gpt", {"a": b"\1\2" + LATIN * 9}, ("a", "control characters", "--token-bits")),
    "text in UTF-16": Refused("gpt", {"a.txt": "text ".encode("utf-16") * 9}, ("a.txt", "UTF-16", "iconv")),
    "text in UTF-16, no mark": Refused("gpt", {"a.txt": "text ".encode("utf-16-le") * 9}, ("a.txt", "NUL", "--token-bits")),
    "text in UTF-32": Refused("gpt", {"a.txt": "text ".encode("utf-32") * 9}, ("a.txt", "UTF-32")),
    "text in xz": Refused("gpt", {"a.txt.xz": lzma.compress(TEXT)}, ("a.txt.xz", "xz", "decompress it first")),
    "text in bzip2": Refused("gpt", {"a.txt.bz2": bz2.compress(TEXT)}, ("a.txt.bz2", "bzip2", "decompress it first")),
    "text in zip": Refused("gpt", {"a.zip": zipped(TEXT)}, ("a.zip", "zip", "unpack it first")),
    "text in zstd": Refused("gpt", {"a.zst": b"\x28\xb5\x2f\xfd" + bytes(50)}, ("a.zst", "zstd", "decompress it first")),
    "rows in xz": Refused("logistic", {"a.xz": lzma.compress(libsvm(X, BINARY).encode())}, ("a.xz", "xz", "decompress it first")),
    "rows in bzip2": Refused("logistic", {"a.bz2": bz2.compress(libsvm(X, BINARY).encode())}, ("a.bz2", "bzip2", "decompress it first")),
    "rows in npz": Refused("logistic", {"a.npz": zipped(npy(X))}, ("a.npz", "zip", "unpack it first")),
    "hdf5 as tokens": Refused("gpt", {"a.h5": Hdf5(X=X, y=REAL)}, ("a.h5", "HDF5", "text")),
    "floats as tokens": Refused("gpt", {"a.npy": npy(X)}, ("a.npy", "float64 [12, 4]", "integers")),
    "a table of tokens": Refused("gpt", {"a.npy": npy(TOKENS.reshape(10, 10))}, ("a.npy", "int64 [10, 10]", "one-dimensional")),
    "negative tokens": Refused("gpt", {"a.npy": npy(-TOKENS)}, ("a.npy", "token", "0 to 16777215")),
    "tokens too large": Refused("gpt", {"a.npy": npy(TOKENS + 2**24)}, ("a.npy", "token 0", "0 to 16777215")),
    "llm.c cut off": Refused("gpt", {"a.bin": llmc(TOKENS, 2, count=200)}, ("a.bin", "200 tokens", "200 bytes follow")),
    "another width than the file's": Refused("gpt", {"a.bin": llmc(TOKENS, 2)}, ("--token-bits 32", "16-bit tokens"), options=("--token-bits", 32)),
    "half a wide token": Refused("gpt", {"a.bin": bytes(99)}, ("99 bytes", "32-bit"), options=("--token-bits", 32)),
    "npy of strings": Refused("quadratic", {"X.npy": npy(np.array(["a", "b"])), "y.npy": npy(REAL)}, ("X.npy", "type")),
    "npy of complex numbers": Refused("quadratic", {"X.npy": npy(X * 1j), "y.npy": npy(REAL)}, ("X.npy", "type")),
    "npy cut off": Refused("quadratic", {"X.npy": npy(X)[:-8], "y.npy": npy(REAL)}, ("X.npy", "384 bytes", "376 bytes follow")),
    "npy with a damaged header": Refused("quadratic", {"X.npy": npy(X).replace(b"shape", b"sharp"), "y.npy": npy(REAL)}, ("X.npy", "'shape'")),
    "npy without targets": Refused("quadratic", {"X.npy": npy(X)}, ("X.npy", "y.npy", "missing")),
    "npy of no such name": Refused("quadratic", {"a.npy": npy(X)}, ("a.npy,TARGETS.npy",)),
    "npy with fewer targets": Refused("quadratic", {"X.npy": npy(X), "y.npy": npy(REAL[1:])}, ("y.npy", "11 targets", "12 rows")),
    "npy with NaN": Refused("quadratic", {"X.npy": npy(np.where(X == X[3, 2], np.nan, X)), "y.npy": npy(REAL)}, ("X.npy", "row 3", "column 2", "nan")),
    "hdf5 behind an external link": Refused("quadratic", {"a.h5": External()}, ("a.h5", "/X", "external link")),
    "hdf5 in a linked group": Refused("quadratic", {"a.h5": LinkedGroup()}, ("a.h5", "external link"), data="a.h5:/group/X,/group/y"),
    "hdf5 of a virtual dataset": Refused("quadratic", {"a.h5": Virtual()}, ("a.h5", "/X", "virtual dataset")),
    "hdf5 in external storage": Refused("quadratic", {"a.h5": ExternalStorage()}, ("a.h5", "/X", "external storage")),
    "hdf5 packed with LZF": Refused("quadratic", {"a.h5": Hdf5(storage={"compression": "lzf"}, X=X, y=REAL)}, ("a.h5", "/X", "filter", "lzf", "32000")),
    "hdf5 without that name": Refused("quadratic", {"a.h5": Hdf5(X=X, y=REAL)}, ("a.h5", "no /data"), data="a.h5:/data,/y"),
    "csv with a shorter line": Refused("quadratic", {"a.csv": "1,2,3\n4,5\n"}, ("a.csv", "line 2", "2 columns")),
    "csv of one column": Refused("quadratic", {"a.csv": "1,\n"}, ("a.csv", "line 1")),
    "csv header alone": Refused("quadratic", {"a.csv": "a,b,y\n"}, ("a.csv", "no rows")),
    "labels of three kinds": Refused("logistic", {"a": libsvm(X, THREE)}, ("a", "label 2", "0 and 1")),
    "a text as rows": Refused("quadratic", {"a.txt": TEXT}, ("a.txt", "line 2", "column 1", "not a finite number")),
    "qmnist labels as images": Refused("mlp", {"q-images-idx3-ubyte": idx(QMNIST, kind=12)}, ("byte 2, the type, is 12",)),
    "no such format": Refused("gpt", {"a": TEXT}, ("--data-format 'word'", "hdf5, npy, idx"), options=("--data-format", "word")),
    "rows' format for tokens": Refused("gpt", {"a": TEXT}, ("--data-format csv", "tokens"), options=("--data-format", "csv")),
    "tokens' format for rows": Refused("quadratic", {"a": TEXT}, ("--data-format text", "rows"), options=("--data-format", "text")),
    "tokens of no width": Refused("gpt", {"a": TEXT}, ("--token-bits 16 or 32",), options=("--data-format", "tokens")),
    "a width of a text": Refused("gpt", {"a": TEXT}, ("--token-bits 16", "text"), options=("--data-format", "text", "--token-bits", 16)),
    "another magic than told": Refused("gpt", {"a": TEXT}, ("a", "llm.c", "20240520"), options=("--data-format", "llmc")),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files):
    for name, content in files.items():
        if isinstance(content, Hdf5):
            content.write(name)
            continue
        with open(name, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)


GPT = ("--layers", 1, "--width", 8, "--heads", 1, "--sequence", SEQUENCE, "--microbatch-size", 1, "--microbatches", 3)


def run(objective, data, *options, out="run"):
    """The line about the data, and the values of the objective."""
    sizes = GPT if objective == "gpt" else ("--epochs", 3)
    hidden = ("--hidden", 4) if objective == "mlp" else ()
    done = quartic("run", "--objective", objective, "--data", data, "--method", "sgd", "--stages", 1, "--learning-rate", STEP,
                   "--evaluate-updates", 1, "--precision", "double", *sizes, *hidden, *options, "--out", out)
    (line,) = (text for text in done.stdout.splitlines() if text.startswith("data:"))
    return line, read_tables(out)["objective"]["value"]


def descent(objective, x, y):
    """The values of the objective at the start and after each of 3 steps with all rows."""
    w, values = np.zeros(x.shape[1]), []
    for _ in range(4):
        z = x @ w
        loss, error = ((z - y) ** 2 / 2, z - y) if objective == "quadratic" else (np.logaddexp(0, z) - y * z, 1 / (1 + np.exp(-z)) - y)
        values.append(loss.mean())
        w = w - STEP * x.T @ error / len(y)
    return values


def of_reference(case):
    """The values of a run over the same numbers in the plainest file."""
    if case.objective == "gpt":
        with open("reference", "wb") as file:
            file.write(np.asarray(case.tokens).astype("<u4").tobytes())
        return run("gpt", "reference", "--token-bits", 32, out="reference run")[1]
    with h5py.File("reference", "w") as file:
        file["X"], file["y"] = case.x, case.y
    return run(case.objective, "reference", "--microbatch-size", len(case.y), out="reference run")[1]


@pytest.mark.parametrize("name", READ)
def test_read(name):
    """The numbers of a file are those that numpy has."""
    case = READ[name]
    write(case.files)
    data = case.data or next(iter(case.files))
    size = () if case.objective == "gpt" else ("--microbatch-size", len(case.y))
    line, values = run(case.objective, data, *size, *case.options)
    for word in case.line:
        assert word in line
    if case.objective in ("quadratic", "logistic"):
        np.testing.assert_allclose(values, descent(case.objective, np.asarray(case.x), case.y), rtol=1e-12)
    else:
        # A sparse product adds up in another order than a dense one.
        np.testing.assert_allclose(values, of_reference(case), rtol=1e-12)
    facts = attributes("run")
    rows = (len(case.tokens) - 1) // SEQUENCE if case.objective == "gpt" else len(case.y)
    assert int(facts["data_rows"]) == rows
    assert int(facts["data_bytes"]) == sum(os.path.getsize(file) for file in case.files)
    if case.objective == "gpt":
        assert (int(facts["data_tokens"]), int(facts["data_vocabulary"])) == (len(case.tokens), np.max(case.tokens) + 1)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    case = REFUSED[name]
    write(case.files)
    refused("run", "--objective", case.objective, "--data", case.data or next(iter(case.files)), "--stages", 1, "--microbatch-size", 1,
            *(("--sequence", 8) if case.objective == "gpt" else ()), *case.options, "--out", "run", says=case.says)
    assert not os.path.exists("run")


def test_the_table_is_long():
    assert len(READ) + len(REFUSED) >= 60
