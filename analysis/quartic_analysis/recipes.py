"""Data sets made with numpy: the problems of the published experiments, and two problems with known gradients.

Every recipe draws from one ``numpy.random.Generator`` in double precision and in a fixed order: X, then w*, then the labels.
Another order would give other numbers. The targets of the two quadratics are exact, y = X w*, so the
smallest objective is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.random import Generator
from scipy.special import expit

from .files import written_aside

Problem = tuple[np.ndarray, np.ndarray]
"""Features X [rows, features] and targets y [rows], both double."""


def quadratic(rows: int, features: int, generator: Generator) -> Problem:
    """Random least squares: X and w* standard normal, y = X w*."""
    x = generator.normal(size=(rows, features))
    solution = generator.normal(size=features)
    return x, x @ solution


def tridiagonal(rows: int, features: int, generator: Generator) -> Problem:
    """Least squares whose Hessian X^T X / rows is exactly tridiag(-1, 2, -1) + 0.01 I.

    X = sqrt(rows) Q C^T with Q the reduced QR factor of a normal matrix and C the lower Cholesky
    factor of the Hessian; so rows >= features is needed.
    """
    if rows < features:
        raise ValueError(
            f"tridiagonal needs at least as many rows as features ({features}), got --rows {rows}"
        )
    hessian = 2.01 * np.eye(features) - np.eye(features, k=1) - np.eye(features, k=-1)
    factor = np.linalg.cholesky(hessian)
    orthonormal, _ = np.linalg.qr(generator.normal(size=(rows, features)))
    x = np.sqrt(rows) * orthonormal @ factor.T
    solution = generator.normal(size=features)
    return x, x @ solution


def logistic(rows: int, features: int, generator: Generator) -> Problem:
    """Labels 0/1 drawn from the model itself: y ~ Bernoulli(sigmoid(X w*))."""
    x = generator.normal(size=(rows, features))
    solution = generator.normal(size=features)
    labels = generator.binomial(1, expit(x @ solution))
    return x, labels.astype(np.float64)


FAR = 1e6


def slope(rows: int, features: int, generator: Generator) -> Problem:
    """Least squares whose gradient is 1 in every coordinate for all weights, up to a term of 1e-12 times the weights. The targets
    are so far away that the weights do not come closer. Draws nothing."""
    return np.full((rows, features), 1 / FAR), np.full(rows, -FAR)


def flat(rows: int, features: int, generator: Generator) -> Problem:
    """Least squares with zero gradient, for studies of --gradient-noise alone. Draws nothing."""
    return np.zeros((rows, features)), np.zeros(rows)


RECIPES: dict[str, Callable[[int, int, Generator], Problem]] = {
    "quadratic": quadratic,
    "tridiagonal": tridiagonal,
    "logistic": logistic,
    "slope": slope,
    "flat": flat,
}


def make(recipe: str, rows: int, features: int, seed: int = 0) -> Problem:
    """Makes the problem of the named recipe from ``default_rng(seed)``."""
    if rows < 1 or features < 1:
        raise ValueError(f"--rows and --features must be at least 1, got {rows} and {features}")
    if seed < 0:
        raise ValueError(f"--seed must be at least 0, got {seed}")
    return RECIPES[recipe](rows, features, np.random.default_rng(seed))


def write(path: Path, recipe: str, rows: int, features: int, seed: int = 0) -> None:
    """Writes the problem as HDF5: ``/X`` [rows, features], ``/y`` [rows], and the recipe as attributes.

    The file is written atomically.
    """
    x, y = make(recipe, rows, features, seed)
    with written_aside(path) as aside, h5py.File(aside, "w") as file:
        file["X"] = x
        file["y"] = y
        file.attrs["recipe"] = recipe
        file.attrs["seed"] = seed
        file.attrs["rows"] = rows
        file.attrs["features"] = features
        file.attrs["numpy"] = np.__version__
