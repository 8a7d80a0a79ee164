"""Runs that are killed with kill -9 and go on until they are done; tests/fault/resume.sh does it a hundred times."""

import random

import pytest

from resuming import References, Story, strike_until_done


@pytest.mark.parametrize("method, objective, seed", [("i-timeprest mono", "mlp float", 2), ("local-sgd P=3, outer step", "quadratic", 5)])
def test_killed_until_it_is_done(method, objective, seed, tmp_path):
    story = Story(method, objective)
    strike_until_done(tmp_path / "run", story, References(tmp_path / "whole").of(method, objective), random.Random(seed))
    print(story)
