#!/usr/bin/env python3
"""Makes the seeds of the hostile inputs: small valid files of every kind that quartic reads, DIR/READER/NAME.

    seeds.py DIR        QUARTIC: the executable, which writes traces, parameters, schedules and configurations

Names say what must hold of their mutations (mutate_readers.cpp): `whole-…` files cannot be truncated, `checksummed-…` files cannot
be changed. The same files every time, but for the times and versions in traces.
"""

import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy

REPOSITORY = Path(__file__).resolve().parents[2]
QUARTIC = os.environ.get("QUARTIC", str(REPOSITORY / "build" / "release" / "quartic"))
RANDOM = numpy.random.default_rng(7)
ROWS, FEATURES = 6, 4


def quartic(*arguments, exit_code=0, **environment):
    done = subprocess.run([QUARTIC, *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment})
    if done.returncode != exit_code:
        raise SystemExit(f"quartic {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def hdf5(path, datasets, version="latest", **storage):
    """The newest format has checksums over everything but the data; fletcher32 adds those."""
    with h5py.File(path, "w", libver=version) as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values, **storage)


def rows():
    return {"X": RANDOM.normal(size=(ROWS, FEATURES)), "y": numpy.arange(ROWS) % 2 * 1.0}


def hdf5_data(folder):
    hdf5(folder / "checksummed-latest.h5", rows(), chunks=True, fletcher32=True)
    hdf5(folder / "checksummed-filtered.h5", rows(), chunks=True, fletcher32=True, shuffle=True, compression="gzip")
    hdf5(folder / "whole-latest.h5", rows())
    hdf5(folder / "whole-earliest.h5", rows(), version="earliest")
    hdf5(folder / "whole-packed.h5", rows(), version="earliest", chunks=True, compression="gzip")
    hdf5(folder / "whole-integers.h5", {"X": RANDOM.integers(-9, 9, (ROWS, FEATURES)).astype(">i2"), "y": numpy.arange(ROWS, dtype="u1")})


def hdf5_parameters(folder):
    layer = {"layer.weight": RANDOM.normal(size=(6, 4)), "layer.bias": RANDOM.normal(size=6)}
    hdf5(folder / "checksummed.h5", layer, chunks=True, fletcher32=True)
    hdf5(folder / "whole-latest.h5", layer)
    hdf5(folder / "whole-earliest.h5", {name: values.astype("f4") for name, values in layer.items()}, version="earliest")


def hdf5_optimizer(folder):
    for version in ("latest", "earliest"):
        path = folder / f"whole-{version}.h5"
        hdf5(path, {"exp_avg.weight": RANDOM.normal(size=(6, 4)), "exp_avg_sq.weight": RANDOM.normal(size=(6, 4))}, version=version)
        with h5py.File(path, "r+", libver=version) as file:
            file.attrs["optimizer"] = "adamw"
            for steps, dataset in enumerate(file.values()):
                dataset.attrs["steps"] = steps


def hdf5_delays(folder):
    draws = {"stage": RANDOM.integers(0, 3, 5), "microbatch": numpy.arange(5), "delays": RANDOM.integers(0, 6, (5, 3))}
    hdf5(folder / "checksummed.h5", draws, chunks=True, fletcher32=True)
    hdf5(folder / "whole-earliest.h5", draws, version="earliest")


def trace(folder):
    """Shards as a run leaves them: one whose trace cannot be gathered, because the disk is full then, keeps its own."""
    library = folder.parent / "failing_writes.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, REPOSITORY / "tests" / "support" / "failing_writes.c", "-ldl"], check=True)
    full_disk = {"LD_PRELOAD": str(library), "QUARTIC_FAIL_IN": "trace.h5.part", "QUARTIC_FAIL_AT": "1", "QUARTIC_FAIL_ALL": "1"}
    for name, options in (("plain", ()), ("all", ("--trace-events", "--trace-stale-read", 1))):
        run = folder.parent / f"run-{name}"
        quartic("run", "--objective", "quadratic", "--rows", 16, "--features", 4, "--stages", 2, "--microbatches", 4, "--microbatch-size", 4,
                "--out", run, "--quiet", *options, exit_code=1, **full_disk)
        master, shard = run / "trace.h5", run / "ranks" / "0000.h5"
        (folder / f"whole-{name}").write_bytes(master.read_bytes() + shard.read_bytes())
        with h5py.File(shard, "r+", libver="latest") as file:  # at work, as a killed one leaves it
            file.swmr_mode = True
            file.flush()
            (folder / f"whole-killed-{name}").write_bytes(master.read_bytes() + shard.read_bytes())
        shutil.rmtree(run)


def checkpoint(folder):
    """And the rows of the trace that belong to it, for the reader of those."""
    run = folder.parent / "run-checkpoint"
    quartic("run", "--objective", "quadratic", "--rows", 16, "--features", 4, "--stages", 1, "--microbatches", 10, "--microbatch-size", 4,
            "--checkpoint-every", 10, "--out", run, "--quiet")
    newest = run / "checkpoint" / f"{20:012}"
    (folder / "checksummed").write_bytes((newest / "manifest").read_bytes() + (newest / "0000-0000.h5").read_bytes())
    rows = folder.parent / "earlier_rows"
    shutil.rmtree(rows, ignore_errors=True)
    rows.mkdir()
    (rows / "checksummed").write_bytes((newest / "0000-0000.h5").read_bytes() + (run / "trace.h5").read_bytes())
    shutil.rmtree(run)


def idx_images():
    pixels = RANDOM.integers(0, 256, (ROWS, 3, 3), dtype=numpy.uint8)
    return struct.pack(">4B3I", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()


def idx(folder):
    """The images, and the labels that belong beside them."""
    labels = struct.pack(">4BI", 0, 0, 8, 1, ROWS) + bytes([0, 1, 2, 0, 1, 2])
    (folder / "whole").write_bytes(idx_images() + labels)
    (folder / "packed").write_bytes(gzip.compress(idx_images(), mtime=0) + labels)


def cifar(folder):
    for labels in (1, 2):
        images = RANDOM.integers(0, 256, (2, 3072 + labels), dtype=numpy.uint8)
        images[:, :labels] %= 10
        (folder / f"cifar{10 ** labels}").write_bytes(images.tobytes())


def libsvm(folder):
    (folder / "plain").write_text("1 1:0.5 3:-2\n-1 2:1e-3 # a remark\n\n1 1:+4\r\n")
    (folder / "labels").write_text("0 1:1\n2 4:0.25\n1\n")


def text(folder):
    (folder / "plain").write_text("Staleness is what a pipeline pays for its speed.\n" * 2)
    (folder / "unicode").write_text("S² − S/2, größer als null\n")


def tokens(folder):
    (folder / "plain").write_bytes(RANDOM.integers(0, 300, 40).astype("<u2").tobytes())
    (folder / "zeros").write_bytes(bytes(32) + numpy.arange(10, dtype="<u2").tobytes())


def llmc(folder):
    for bits, magic in ((16, 20240520), (32, 20240801)):
        header = numpy.zeros(256, "<i4")
        header[:3] = magic, 1, 40
        (folder / f"whole-{bits}").write_bytes(header.tobytes() + RANDOM.integers(0, 300, 40).astype(f"<u{bits // 8}").tobytes())


def npy_bytes(array):
    out = io.BytesIO()
    numpy.save(out, array)
    return out.getvalue()


def npy(folder):
    """The features, and the targets that belong beside them."""
    for name, x in (("floats", RANDOM.normal(size=(ROWS, FEATURES))), ("fortran", numpy.asfortranarray(RANDOM.normal(size=(ROWS, FEATURES)))),
                    ("bytes", RANDOM.integers(0, 256, (ROWS, 1, 2, 2)).astype("u1"))):
        (folder / f"whole-{name}").write_bytes(npy_bytes(x) + npy_bytes(numpy.arange(ROWS) % 2))


def npy_tokens(folder):
    for kind in ("<u2", ">i4", "u1"):
        (folder / f"whole-{numpy.dtype(kind).name}").write_bytes(npy_bytes(RANDOM.integers(0, 120, 40).astype(kind)))


def csv(folder):
    (folder / "plain").write_text("1,2.5,0\n-1e-3,4,1\n")
    (folder / "header").write_text('\ufeff"a";"label";"b"\r\n1;0;2\r\n3;1;4\r\n')


def packed(folder):
    (folder / "checksummed-text").write_bytes(gzip.compress(b"1 1:0.5 2:7\n0 2:3.25\n" * 3, mtime=0))
    image = bytes([3]) + RANDOM.integers(0, 256, 3072, dtype=numpy.uint8).tobytes()
    (folder / "checksummed-cifar").write_bytes(gzip.compress(image, mtime=0))
    (folder / "checksummed-stored").write_bytes(gzip.compress(b"1 1:0.5\n-1 2:2\n", compresslevel=0, mtime=0))
    (folder / "two-members").write_bytes(gzip.compress(b"1 1:2\n", mtime=0) + gzip.compress(b"2 1:3\n", mtime=0))


def schedule(folder):
    for name, options in (("1f1b", ("--method", "1f1b-flush", "--accumulate", 4)), ("zb", ("--method", "zb-1p", "--accumulate", 4)),
                          ("interleaved", ("--method", "interleaved", "--stages-per-worker", 2, "--accumulate", 2))):
        (folder / f"{name}.csv").write_text(quartic("plan", "--stages", 4, "--microbatches", 4, "--format", "csv", *options))
    (folder / "quoted.csv").write_text('"0F0", ,0B0\r\n\n')


def config(folder):
    for method in ("pipedream", "rpd", "pipemare"):
        (folder / f"{method}.ini").write_text(quartic("run", "--method", method, "--print-config"))
    (folder / "short.ini").write_text("# a remark\nstages = 8\nlearning-rate = 0.05\nhidden = 16,16\nshuffle = true\n")


READERS = {"hdf5_data": hdf5_data, "hdf5_parameters": hdf5_parameters, "hdf5_optimizer": hdf5_optimizer, "hdf5_delays": hdf5_delays, "trace": trace, "checkpoint": checkpoint,
           "idx": idx,
           "cifar": cifar, "libsvm": libsvm, "text": text, "tokens": tokens, "llmc": llmc, "npy": npy, "npy_tokens": npy_tokens, "csv": csv, "gzip": packed, "schedule": schedule, "config": config}


def dictionary(path):
    """What libFuzzer puts into texts: options and methods, cells of schedules, numbers at the edge."""
    help_lines = quartic("run", "--help").splitlines()
    words = {line.split()[0].removeprefix("--") for line in help_lines if line.strip().startswith("--")}
    words |= {line.split()[0] for line in quartic("methods").splitlines() if line.strip()}
    words |= {"= ", "0F0", "1B2", "0I0", "0W0", "nan", "inf", "1e308", "-1", "4294967296", "replay:", "fixed:", "generate:text"}
    # libFuzzer takes printable ASCII here.
    path.write_text("".join(f'"{word}"\n' for word in sorted(words) if word.isascii() and '"' not in word and "\\" not in word))


def main(arguments):
    if len(arguments) != 1:
        sys.exit("seeds.py DIR")
    out = Path(arguments[0])
    for name, make in READERS.items():
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
        make(out / name)
    dictionary(out / "dictionary")


if __name__ == "__main__":
    main(sys.argv[1:])
