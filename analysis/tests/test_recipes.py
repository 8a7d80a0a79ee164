"""The data makers: the order of draws, the promised properties, the file, the mistakes."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.linalg

from quartic_analysis import recipes

PROGRAM = Path(__file__).resolve().parents[1] / "make_data.py"

CHECKSUMS = {
    "quadratic": 0x01822534,
    "tridiagonal": 0xD0D8644B,
    "logistic": 0x0F1D66FB,
}


def test_draw_order_of_quadratic() -> None:
    rng = np.random.default_rng(0)
    x = np.array([rng.standard_normal() for _ in range(6 * 4)]).reshape(6, 4)
    solution = np.array([rng.standard_normal() for _ in range(4)])
    made_x, made_y = recipes.make("quadratic", 6, 4)
    np.testing.assert_array_equal(made_x, x)
    np.testing.assert_allclose(made_y, [row @ solution for row in x], rtol=1e-14)


def test_draw_order_of_tridiagonal() -> None:
    rng = np.random.default_rng(0)
    normal = np.array([rng.standard_normal() for _ in range(7 * 4)]).reshape(7, 4)
    solution = np.array([rng.standard_normal() for _ in range(4)])
    hessian = scipy.linalg.toeplitz([2.01, -1, 0, 0])
    q, _ = scipy.linalg.qr(normal, mode="economic")
    x = np.sqrt(7) * q @ scipy.linalg.cholesky(hessian, lower=True).T
    made_x, made_y = recipes.make("tridiagonal", 7, 4)
    np.testing.assert_allclose(made_x, x, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(made_y, x @ solution, rtol=1e-12)
    np.testing.assert_allclose(made_x.T @ made_x / 7, hessian, atol=1e-14)


def test_draw_order_of_logistic() -> None:
    rng = np.random.default_rng(0)
    x = np.array([rng.standard_normal() for _ in range(9 * 3)]).reshape(9, 3)
    solution = np.array([rng.standard_normal() for _ in range(3)])
    y = [rng.binomial(1, 1 / (1 + np.exp(-(row @ solution)))) for row in x]
    made_x, made_y = recipes.make("logistic", 9, 3)
    np.testing.assert_array_equal(made_x, x)
    np.testing.assert_array_equal(made_y, y)
    assert made_y.dtype == np.float64


def test_another_seed_is_another_problem() -> None:
    first, second = (recipes.make("quadratic", 6, 4, seed)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("recipe", "checksum"), CHECKSUMS.items())
def test_checksum_of_a_small_instance(recipe: str, checksum: int) -> None:
    """Rounded to 10 digits, so that another BLAS gives the same."""
    x, y = recipes.make(recipe, 12, 5)
    rounded = np.round(np.column_stack([x, y]), 10) + 0.0
    assert zlib.crc32(rounded.tobytes()) == checksum


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_file_holds_the_problem_and_its_recipe(tmp_path: Path) -> None:
    out = tmp_path / "small.h5"
    done = run("tridiagonal", "--rows", 12, "--features", 5, "--seed", 3, "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == [out]
    x, y = recipes.make("tridiagonal", 12, 5, seed=3)
    with h5py.File(out, "r") as file:
        np.testing.assert_array_equal(file["X"], x)
        np.testing.assert_array_equal(file["y"], y)
        assert dict(file.attrs) == {
            "recipe": "tridiagonal",
            "seed": 3,
            "rows": 12,
            "features": 5,
            "numpy": np.__version__,
        }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cubic", "--rows", 6, "--features", 5], "invalid choice"),
        (["quadratic", "--features", 5], "--rows"),
        (["quadratic", "--rows", 0, "--features", 5], "at least 1"),
        (["quadratic", "--rows", "six", "--features", 5], "invalid int"),
        (["quadratic", "--rows", 6, "--features", 5, "--seed", -1], "seed"),
        (["tridiagonal", "--rows", 4, "--features", 5], "as many rows as features"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(
    tmp_path: Path, arguments: list[object], words: str
) -> None:
    done = run(*arguments, "--out", tmp_path / "x.h5")
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    done = run("quadratic", "--rows", 6, "--features", 5, "--out", tmp_path / "no" / "x.h5")
    assert done.returncode == 2
    assert done.stderr == f"make_data.py: there is no folder {tmp_path / 'no'}\n"


def test_draws_are_those_of_the_published_runs_in_their_order(tmp_path: Path) -> None:
    out = tmp_path / "draws.h5"
    done = run("draws", "--iterations", 30, "--stages", 3, "--epoch", 4, "--drawn-from", 10, "--delta", 5, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    rng = np.random.default_rng(0)
    with h5py.File(out, "r") as file:
        for k in range(30):
            assert file["stage"][k] == rng.integers(0, 3)
            assert file["microbatch"][k] == rng.integers(0, 10) % 4
            np.testing.assert_array_equal(file["delays"][k], rng.integers(0, min(5, k) + 1, size=3))
    done = run("draws", "--iterations", 0, "--stages", 3, "--epoch", 4, "--drawn-from", 10, "--delta", 5, "--out", tmp_path / "x.h5")
    assert done.returncode == 2 and "at least 1" in done.stderr and done.stderr.count("\n") == 1
