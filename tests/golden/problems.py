"""Small problems, each as options of the program and as a model in numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_files import write_idx
from objectives import LinearModel, MlpModel
from quartic_analysis import recipes
from reference import Model

ROWS, BATCH = 48, 2
HIDDEN = (7, 6, 5, 6, 5)
L2 = 0.03


@dataclass(frozen=True)
class Problem:
    """`model(S)` is cut into S stages, 6 at most. In `learning_rate` plain SGD learns well."""

    options: tuple[object, ...]
    model: Callable[[int], Model]
    learning_rate: float


def _linear(folder: Path, objective: str, l2: float, learning_rate: float) -> Problem:
    """17 features make blocks of unequal size."""
    path = folder / f"{objective}.h5"
    recipes.write(path, objective, ROWS, 17)
    x, y = recipes.make(objective, ROWS, 17)
    return Problem(
        ("--data", path, "--objective", objective, *(("--l2", l2) if l2 else ())),
        lambda stages: LinearModel(objective, x, y, stages, l2),
        learning_rate,
    )


def _mlp(folder: Path) -> Problem:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, size=(ROWS, 4, 3))
    labels = np.arange(ROWS) % 4
    path = write_idx(folder, pixels, labels)
    options = (
        "--data", path, "--objective", "mlp", "--hidden", ",".join(map(str, HIDDEN)),
        "--activation", "tanh", "--precision", "double", "--seed", 5,
    )  # fmt: skip
    images = pixels.reshape(ROWS, -1) / 255
    return Problem(
        options, lambda stages: MlpModel(images, labels, HIDDEN, 4, "tanh", stages, seed=5), 0.25
    )


def write_problems(folder: Path) -> dict[str, Problem]:
    """By name. The backward's weights count in the penalty of `logistic` and in the input gradients
    of `mlp`; in `quadratic` they do not."""
    return {
        "quadratic": _linear(folder, "quadratic", 0.0, 2.0**-6),
        "logistic": _linear(folder, "logistic", L2, 2.0**-4),
        "mlp": _mlp(folder),
    }
