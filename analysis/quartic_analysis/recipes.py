"""Data sets made with numpy: the problems on which the published numbers were measured, and two whose gradients are known.

Every recipe draws from one ``numpy.random.Generator`` in a fixed order (X, then what shapes it,
then w*, then the labels), in double precision. The order is part of the recipe: another order
gives other numbers. The targets of the two quadratics are exact, y = X w*, so the smallest
objective is 0.
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
            f"a tridiagonal problem needs as many rows as features ({features}) or more, got {rows}"
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
    """Least squares whose gradient is 1 in every coordinate wherever the weights are, but for 1e-12 times them: all
    targets lie so far away that no step towards them counts. Draws nothing."""
    return np.full((rows, features), 1 / FAR), np.full(rows, -FAR)


def flat(rows: int, features: int, generator: Generator) -> Problem:
    """Least squares without a gradient, for a study of nothing but --gradient-noise. Draws nothing."""
    return np.zeros((rows, features)), np.zeros(rows)


RECIPES: dict[str, Callable[[int, int, Generator], Problem]] = {
    "quadratic": quadratic,
    "tridiagonal": tridiagonal,
    "logistic": logistic,
    "slope": slope,
    "flat": flat,
}


def make(recipe: str, rows: int, features: int, seed: int = 0) -> Problem:
    """The problem of that name from ``default_rng(seed)``."""
    if rows < 1 or features < 1:
        raise ValueError(f"rows and features are at least 1, got {rows} and {features}")
    if seed < 0:
        raise ValueError(f"a seed is at least 0, got {seed}")
    return RECIPES[recipe](rows, features, np.random.default_rng(seed))


def write(path: Path, recipe: str, rows: int, features: int, seed: int = 0) -> None:
    """Writes the problem as HDF5: ``/X`` [rows, features], ``/y`` [rows], the recipe as attributes.

    The file appears whole or not at all (written aside and renamed).
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
