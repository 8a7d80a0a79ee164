"""Where a network is cut moves no number but between stages, and config.ini says where it was."""

import re

import numpy as np
import pytest

from program import quartic
from runs import read_tables, same_run, values_of_ini

GPT = ("--objective", "gpt", "--layers", 4, "--width", 12, "--heads", 3, "--sequence", 6, "--vocabulary", 11, "--rows", 32,
       "--microbatch-size", 4, "--stages", 3, "--quiet")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def cut_of(out):
    return values_of_ini(open(f"{out}/config.ini").read())["cut"]


@pytest.mark.parametrize("cut", ["even", "counted", "measured"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_chosen_cut_is_kept_as_numbers(cut, ranks):
    """So that the run can be repeated by its configuration, which for measured times it otherwise could not."""
    quartic("run", *GPT, "--cut", cut, "--out", "run", ranks=ranks)
    assert re.fullmatch(r"\d,\d", cut_of("run"))
    quartic("run", "--config", "run/config.ini", "--quiet", "--out", "again")
    assert cut_of("again") == cut_of("run")
    same_run("run", "again")


@pytest.mark.parametrize("cut, blocks", [("counted", [1, 1, 1, 1]), ("even", [1, 2, 1, 0])])
def test_the_counted_cut_spares_the_slowest_stage(cut, blocks):
    """Four blocks between an embedding and a head, which do next to nothing: units of equal number are not equal work."""
    quartic("run", *GPT[:-3], "--stages", 4, "--quiet", "--cut", cut, "--out", "run")
    begins = [0, *map(int, cut_of("run").split(",")), 6]
    assert [sum(1 <= unit <= 4 for unit in range(first, end)) for first, end in zip(begins, begins[1:])] == blocks


def test_flush_methods_find_the_same_with_any_cut():
    losses = []
    for cut in ("1,2", "2,4", "4,5"):
        quartic("run", *GPT, "--method", "1f1b-flush", "--accumulate", 4, "--cut", cut, "--out", "run", "--overwrite")
        losses.append(read_tables("run")["loss"]["loss"])
        assert cut_of("run") == cut
    assert np.array_equal(losses[0], losses[1]) and np.array_equal(losses[0], losses[2])
