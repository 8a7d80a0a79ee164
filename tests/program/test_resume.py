"""A run that goes on from a checkpoint is bitwise the run that was never interrupted: for every method and objective, from any
moment, on other numbers of ranks.

QUARTIC_TEST_LONG=1 takes the whole product of methods and objectives.
"""

import random
import shutil

import h5py
import numpy as np
import pytest

from program import quartic
from runs import DONE, attributes, kept_what_was_planned, read_tables, refused, same_run
from test_hosting import FOLDED, LONG, METHODS, OBJECTIVES, RUN, STAGES, hosted_options


def cases():
    for m, method in enumerate(METHODS):
        for o, objective in enumerate(OBJECTIVES):
            if LONG or (m + 2 * o) % 6 == 0:
                yield method, objective


def interrupted(folder):
    """What a run leaves that dies after its last checkpoint, while it gathers: rows of later steps included."""
    with h5py.File(folder / "trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    return folder


def block_updates(folder):
    return int(read_tables(folder)["objective"]["block_updates"][-1])


def checkpoint_of(folder):
    """Its only one, which is whole."""
    (newest,) = (folder / "checkpoint").iterdir()
    assert (newest / "manifest").is_file()
    return newest


def cut_once(out, options, total, random, ranks):
    """A run whose only checkpoint lies somewhere in its second half."""
    every = random.randint(total // 2 + 1, total)
    quartic("run", *RUN, *options, "--checkpoint-every", every, "--out", out, ranks=ranks, timeout=120)
    return interrupted(out)


@pytest.mark.parametrize("method, objective", list(cases()))
def test_a_resumed_run_is_the_uninterrupted_one(method, objective, tmp_path):
    chance = random.Random(f"{method} {objective}")
    ranks = (0, 2) if method in FOLDED else (0, 1, 2, 3, STAGES)
    options = (*hosted_options(method, objective), "--save-parameters")
    quartic("run", *RUN, *options, "--out", tmp_path / "whole")
    total = block_updates(tmp_path / "whole")
    for trial in range(5 if LONG else 1):
        out = cut_once(tmp_path / f"{trial}", options, total, chance, chance.choice(ranks))
        quartic("run", "--resume", out, "--quiet", ranks=chance.choice(ranks))
        same_run(tmp_path / "whole", out)
        kept_what_was_planned(out)
        same_parameters(tmp_path / "whole", out)
        assert attributes(out)["complete"] == 1 and attributes(out)["resumed"]


def same_parameters(one, other):
    with h5py.File(one / "parameters.h5") as left, h5py.File(other / "parameters.h5") as right:
        assert left.keys() == right.keys()
        for name in left:
            assert left[name][()].tobytes() == right[name][()].tobytes(), name
