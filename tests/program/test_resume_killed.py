"""Runs that are killed with kill -9 and go on until they are done; tests/fault/resume.sh does it a hundred times."""

import random
import shutil

import pytest

from program import LONG, quartic
from resuming import References, Story, strike_until_done
from runs import same_run


@pytest.mark.parametrize("method, objective, seed", [("i-timeprest mono", "mlp float", 2),
                                                     *([("local-sgd P=3, outer step", "quadratic", 5)] if LONG else [])])
def test_killed_until_it_is_done(method, objective, seed, tmp_path):
    story = Story(method, objective)
    strike_until_done(tmp_path / "run", story, References(tmp_path / "whole").of(method, objective), random.Random(seed))
    print(story)


def test_killed_before_it_had_a_trace(tmp_path):
    """It has left its lock, by which its folder is known; both ways lead on."""
    options = ("--microbatches", 16, "--stages", 2, "--quiet")
    quartic("run", *options, "--out", tmp_path / "whole")
    for words in (("--resume",), (*options, "--out")):
        out = tmp_path / words[-1]
        (out / "ranks").mkdir(parents=True)
        shutil.copy(tmp_path / "whole" / "config.ini", out)
        (out / "lock").write_text("process 1 on a machine that is gone")
        quartic("run", *words, out)
        same_run(tmp_path / "whole", out)
