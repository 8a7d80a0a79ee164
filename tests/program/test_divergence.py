"""Runs that diverge: said at the stage where it arises, on any number of ranks; the trace and the last good checkpoint stay."""

import h5py
import numpy as np
import pytest

from program import LONG, quartic
from runs import DIVERGED, attributes, read_steps, refused
from test_hosting import METHODS
from test_resume import checkpoint_of

STAGES = 4
RUN = ("run", "--objective", "mlp", "--precision", "float", "--stages", STAGES, "--features", 16, "--hidden", "16,16,16", "--rows", 64,
       "--microbatch-size", 8, "--quiet")
LARGE = 3e38  # in single precision a sum of two is infinite


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Start weights, a layer a stage."""
    out = tmp_path_factory.mktemp("start") / "run"
    quartic(*RUN, "--microbatches", 8, "--save-parameters", "--out", out)
    return out / "parameters.h5"


def with_large_weights(start, stage, path):
    """`start` with a layer at one stage that adds large numbers, to and from a large one."""
    path.write_bytes(start.read_bytes())
    with h5py.File(path, "r+") as file:
        weight, bias = (sorted(name for name in file if name.endswith(kind))[stage] for kind in ("weight", "bias"))
        file[weight][::2], file[weight][1::2], file[bias][...] = LARGE, -LARGE, LARGE
    return path


@pytest.mark.parametrize("stage, what", [*((stage, "the activations are") for stage in range(STAGES - 1)), (STAGES - 1, "the loss is")])
def test_activations_at_the_stage_where_they_arise(stage, what, start, tmp_path):
    """The stages above could only hand them on. Every number of ranks says it in the same words."""
    options = (*RUN, "--init", with_large_weights(start, stage, tmp_path / "large.h5"), "--microbatches", 16, "--out", tmp_path / "run")
    said = {refused(*options, ranks=ranks, says=f"diverged: {what} not finite at stage {stage}, microbatch 0;", code=DIVERGED)
            for ranks in (0, 2, STAGES)}
    assert len(said) == 1


@pytest.mark.parametrize("optimizer, rate, what", [("sgd", 3e38, "update"), ("adamw", 3e38, "update")])
def test_weights_that_an_update_makes(optimizer, rate, what, start, tmp_path):
    """The gradient is finite, what it makes of the weights is not."""
    refused(*RUN, "--init", start, "--optimizer", optimizer, "--learning-rate", rate, "--weight-decay", 10, "--microbatches", 16,
            "--out", tmp_path / "run", says=("diverged", what), code=DIVERGED)
    gradients = np.concatenate([rows["gradient_sq"] for rows in read_steps(tmp_path / "run").values()])
    assert np.isfinite(gradients).all()


AVERAGED = {
    "replicas": (("--method", "local-sgd", "--replicas", 2, "--local-steps", 2), "at stage 1, microbatch 3;"),
    "pipelines": (("--pipelines", 2, "--synchronize-every", 3), "in pipeline 0 at stage 1, microbatch 2;"),
}


@pytest.mark.parametrize("averaged, where", AVERAGED.values(), ids=AVERAGED)
def test_averages_that_overflow(averaged, where, start, tmp_path):
    """Weights that are finite one by one, and that no loss shows: where tanh is flat they are not trained."""
    large = tmp_path / "large.h5"
    large.write_bytes(start.read_bytes())
    with h5py.File(large, "r+") as file:
        file[sorted(name for name in file if name.endswith("bias"))[1]][...] = LARGE
    options = (*RUN, "--activation", "tanh", "--init", large, *averaged, "--microbatches", 24, "--out", tmp_path / "run")
    said = {refused(*options, ranks=ranks, says=f"diverged: the averaged weights are not finite {where}", code=DIVERGED)
            for ranks in (0, 2, STAGES)}
    assert len(said) == 1


def test_outer_steps_that_overflow(start, tmp_path):
    """The average is finite, the step from it is not."""
    refused(*RUN, "--activation", "tanh", "--init", start, "--pipelines", 2, "--synchronize-every", 3, "--outer-rate", LARGE,
            "--learning-rate", 100, "--microbatches", 24, "--out", tmp_path / "run",
            says="diverged: the averaged weights are not finite in pipeline 0", code=DIVERGED)


def numbers_of(checkpoint):
    """Every floating-point array of a stage's file."""
    with h5py.File(checkpoint) as file:
        found = []
        file.visititems(lambda name, item: found.append((name, item[()])) if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
        return found


# A step so long that the loss grows from microbatch to microbatch, and passes the largest number after 35 to 215 of them.
GROWING = ("--objective", "quadratic", "--precision", "float", "--rows", 60, "--features", 26, "--microbatch-size", 6, "--stages", STAGES,
           "--learning-rate", 10, "--microbatches", 1200, "--quiet")


@pytest.mark.parametrize("method", ["pipedream stage", "timeprest chunk", *(["async fixed", "1f1b-flush", "zb-1p", "local-sgd R=3"] if LONG else [])])
def test_the_last_checkpoint_is_good(method, tmp_path):
    """A checkpoint after every update: the newest was made while something that is not finite could have been under way."""
    out = tmp_path / "run"
    options = ("run", *GROWING, *METHODS[method])
    said = refused(*options, "--checkpoint-every", 1, "--out", out, says="diverged: ", code=DIVERGED)
    assert attributes(out)["complete"] == 0 and "the last checkpoint" in said
    for file in checkpoint_of(out).glob("*.h5"):
        for name, values in numbers_of(file):
            assert np.isfinite(values).all(), f"{file.name} {name}"
    rows = {stage: len(steps) for stage, steps in read_steps(out).items()}
    assert min(rows.values()) > 0
    assert refused("run", "--resume", out, "--quiet", says="diverged: ", code=DIVERGED) == said, "it goes the same way"
    assert {stage: len(steps) for stage, steps in read_steps(out).items()} == rows
