"""The reference itself: the published digits, the generator, and gradients by differences."""

from __future__ import annotations

import numpy as np
import pytest

import philox
import reference
from objectives import LinearModel, MlpModel
from quartic_analysis import recipes


def test_published_numbers() -> None:
    training, end = reference.E1.train()
    assert f"{training.objective(end):.2e}" == "2.38e-07"
    training, end = reference.E2.train()
    assert end == 1230
    assert f"{training.objective(0):.2f}" == "471.16"
    assert f"{training.objective(1229):.6f}" == "2.731247"
    assert f"{training.objective(1230):.7f}" == "2.7315207"


def test_published_delays_of_four_stages() -> None:
    plan = reference.pipeline_plan(4, 40)
    matrix = reference.delays(plan, 4, 40).matrix[:, 30]
    assert matrix.tolist() == [[14, 11, 9, 6], [12, 9, 7, 4], [11, 8, 6, 3], [9, 6, 4, 1]]


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, (0xFFFFFFFF,) * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_known_answers_of_philox(
    counter: list[int], key: tuple[int, int], words: list[int]
) -> None:
    """From the authors' own table (Random123, kat_vectors)."""
    assert philox.philox4x32(np.array([counter], dtype=np.uint64), key)[0].tolist() == words


def models() -> list[object]:
    rng = np.random.default_rng(2)
    linear = {
        name: LinearModel(name, *recipes.make(name, 12, 7), stages=3, l2=0.1)
        for name in ("quadratic", "logistic")
    }
    mlp = {
        name: MlpModel(rng.normal(size=(12, 6)), rng.integers(0, 3, 12), (5, 4), 3, name, stages=2)
        for name in ("relu", "tanh", "gelu")
    }
    return [pytest.param(model, id=name) for name, model in (linear | mlp).items()]


@pytest.mark.parametrize("model", models())
def test_gradients_agree_with_central_differences(model: reference.Model) -> None:
    """One step of size 1 over the whole data moves the weights by minus the gradient."""
    stages = len(model.blocks)
    rng = np.random.default_rng(3)
    training = reference.train(model, reference.serial_plan(stages, 2), 12, 1.0)
    before = [history.weights[1] for history in training.histories]
    gradient = [b - history.weights[2] for b, history in zip(before, training.histories)]
    direction = [rng.normal(size=b.shape) for b in before]
    size = 1e-5
    above, below = (
        model.value([b + sign * size * d for b, d in zip(before, direction)]) for sign in (1, -1)
    )
    slope = sum(g @ d for g, d in zip(gradient, direction))
    assert (above - below) / (2 * size) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("accumulate", [2, 3])
def test_accumulated_microbatches_are_one_larger_one(accumulate: int) -> None:
    model = LinearModel("quadratic", *recipes.make("quadratic", 12, 7), stages=2)
    small = reference.train(model, reference.serial_plan(2, 6 * accumulate), 2, 0.1, accumulate)
    large = reference.train(model, reference.serial_plan(2, 6), 2 * accumulate, 0.1)
    for one, other in zip(small.histories, large.histories):
        np.testing.assert_allclose(one.weights[-1], other.weights[-1], rtol=1e-12)
