"""Whole runs of stages that compute as on a device: they agree with runs on the host, and among themselves however they are hosted.

QUARTIC is quartic_as_device: on a GPU where there is one, else on the host in its place, with memory that only kernels and copies may
touch. With QUARTIC_ON_HOST it computes on the host.
"""

import re

import h5py
import numpy as np
import pytest

from program import preload, quartic
from runs import attributes, kept_what_was_planned, read_tables, same_run
from test_hosting import FOLDED, METHODS, OBJECTIVES, RUN, hosted_options

COMPUTED = ("loss", "value", "accuracy", "gradient_sq", "displacement_sq")


def on_host(out, *options):
    quartic("run", *options, "--out", out, env={"QUARTIC_ON_HOST": "1"}, timeout=300)
    return out


def as_device(out, *options, ranks=0):
    quartic("run", *options, "--out", out, ranks=ranks, timeout=300)
    return out


def agree(host, device, relative):
    """What the plan decides is equal to the last bit, what is computed as nearly as that."""
    tables, others = read_tables(host), read_tables(device)
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        for column in table.dtype.names:
            if column.endswith("_ns"):
                continue
            if column in COMPUTED:
                np.testing.assert_allclose(others[name][column], table[column], rtol=relative, atol=relative * 1e-3, err_msg=f"{name} {column}")
            else:
                assert others[name][column].tobytes() == table[column].tobytes(), f"{name} {column}"


def cases():
    """Every method with one of the objectives, on a number of ranks."""
    for i, method in enumerate(METHODS):
        yield method, list(OBJECTIVES)[i % len(OBJECTIVES)], 2 if method in FOLDED else (2, 3, 4)[i % 3]


@pytest.mark.parametrize("method, objective, ranks", list(cases()))
def test_every_method_as_on_the_host(method, objective, ranks, tmp_path):
    """Between ranks, too, where payloads travel through the host's memory. In double: in float a rounding moves a ReLU or the largest
    of a window, and with it a gradient."""
    options = (*RUN, *hosted_options(method, objective))
    options += () if "--precision" in options else ("--precision", "double")
    device = as_device(tmp_path / "device", *options)
    agree(on_host(tmp_path / "host", *options), device, 1e-9)
    kept_what_was_planned(device)
    same_run(device, as_device(tmp_path / "ranks", *options, ranks=ranks))


TRAINED = {
    "gpt": ("--objective", "gpt", "--rows", 64, "--sequence", 16, "--width", 24, "--heads", 3, "--layers", 4, "--vocabulary", 29,
            "--microbatch-size", 4, "--optimizer", "adamw", "--learning-rate", 0.001),
    "vgg": ("--objective", "conv", "--model", "vgg16", "--width-factor", 0.05, "--depth", 1, "--rows", 64, "--features", 64,
            "--microbatch-size", 4, "--learning-rate", 0.01, "--augment", "flip"),
    "quadratic": ("--objective", "quadratic", "--rows", 60, "--features", 26, "--microbatch-size", 6, "--precision", "float"),
}


@pytest.mark.parametrize("model", list(TRAINED))
def test_losses_of_200_steps(model, tmp_path):
    options = (*TRAINED[model], "--stages", 4, "--microbatches", 200, "--quiet")
    host, device = on_host(tmp_path / "host", *options), as_device(tmp_path / "device", *options)
    losses = [read_tables(folder)["loss"]["loss"] for folder in (host, device)]
    assert len(losses[0]) == 200
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.parametrize("objective", ["mlp float", "logistic"])
def test_a_resumed_run_is_the_uninterrupted_one(objective, tmp_path):
    options = (*RUN, *hosted_options("pipemare", objective), "--save-parameters")
    whole = as_device(tmp_path / "whole", *options)
    cut = as_device(tmp_path / "cut", *options, "--checkpoint-every", 100)
    with h5py.File(cut / "trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    quartic("run", "--resume", cut, ranks=2, timeout=300)
    same_run(whole, cut)
    assert attributes(cut)["resumed"]
    with h5py.File(whole / "parameters.h5") as one, h5py.File(cut / "parameters.h5") as other:
        assert len(one) > 0 and all(np.array_equal(one[name][()], other[name][()]) for name in one)


def test_the_trace_says_what_computed(tmp_path):
    options = (*RUN, *OBJECTIVES["quadratic"])
    found = attributes(as_device(tmp_path / "device", *options))
    assert found["device"] != "host"
    assert found["products"] == "quartic's own loops" or found["products"].startswith("cuBLAS")
    assert attributes(on_host(tmp_path / "host", *options))["device"] == "host"


@pytest.fixture(scope="module")
def gpu_aware(tmp_path_factory):
    """What makes MPI say that it is, and leaves the memory that stands for a device's open to it."""
    return {"LD_PRELOAD": preload(tmp_path_factory.mktemp("library"), "gpu_aware"), "QUARTIC_GUARD": "none"}


@pytest.mark.parametrize("method, objective", [("pipedream P=2, evaluated often", "mlp float"), ("v-timeprest P=2, evaluated often", "logistic")])
def test_payloads_that_go_to_mpi_straight_from_the_device(method, objective, gpu_aware, tmp_path):
    options = (*RUN, *hosted_options(method, objective))
    staged = as_device(tmp_path / "staged", *options, ranks=2)
    if attributes(staged)["device"] != "the host in place of a device":
        pytest.skip("this MPI does not reach a real device's memory")
    direct = tmp_path / "direct"
    quartic("run", *options, "--gpu-aware-mpi", "--out", direct, ranks=2, env=gpu_aware)
    same_run(staged, direct)
    messages = traffic(staged)[1] - traffic(direct)[1]
    assert messages > 2 * 48  # of the rank whose log it is at least a payload in and one out for every microbatch


def test_an_mpi_that_knows_nothing_of_devices_is_refused(tmp_path):
    done = quartic("run", *RUN, "--gpu-aware-mpi", "--out", tmp_path / "run", ranks=2, exit_code=2)
    assert "--gpu-aware-mpi: Open MPI" in done.stderr and not (tmp_path / "run").exists()


def traffic(out):
    """(allocations, copies) of the rank, from its log."""
    return tuple(map(int, re.search(r"(\d+) allocations, (\d+) copies", (out / "log").read_text()).groups()))


@pytest.mark.parametrize("model, lent", [("quadratic", 0), ("gpt", 1), ("vgg", 2)])
def test_in_the_steady_state_nothing_is_allocated_and_only_labels_and_numbers_are_copied(model, lent, tmp_path):
    """In one process, whose messages stay on the device: twice the microbatches, as many allocations; labels go in, and images that have
    been flipped; the loss and the norm of each stage's gradient come out, and whether what goes to a neighbour is finite."""
    stages = 4
    options = (*TRAINED[model], "--method", "pipedream", "--stages", stages, "--quiet", "--microbatches")
    one, two = (traffic(as_device(tmp_path / str(count), *options, count)) for count in (64, 128))
    assert two[0] == one[0]
    assert two[1] - one[1] == 64 * (lent + 1 + stages + 2 * (stages - 1))
