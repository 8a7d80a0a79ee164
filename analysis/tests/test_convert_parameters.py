"""Weights to PyTorch and back, without a change of name, shape, type or bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (Debian: python3-torch)")

PROGRAM = Path(__file__).resolve().parents[1] / "convert_parameters.py"


def convert(source: Path, target: Path, exit_code: int = 0) -> str:
    done = subprocess.run([sys.executable, PROGRAM, source, target], capture_output=True, text=True)
    assert done.returncode == exit_code, done.stderr
    return done.stderr


def test_there_and_back(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2).double())
    torch.save(model.state_dict(), tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "b.h5")
    convert(tmp_path / "b.h5", tmp_path / "c.pt")
    state, back = model.state_dict(), torch.load(tmp_path / "c.pt")
    assert state.keys() == back.keys()
    for name, tensor in state.items():
        assert tensor.dtype == back[name].dtype and torch.equal(tensor, back[name])
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["0.weight"].shape == (2, 3) and file["0.weight"].dtype == np.float32
    model.load_state_dict(back)


def test_an_optimizer_there_and_back(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["optimizer"] = "adamw"
        for array in ("exp_avg", "exp_avg_sq"):
            file[f"{array}.0.weight"] = np.arange(6, dtype=np.float32).reshape(2, 3)
            file[f"{array}.0.weight"].attrs["steps"] = 384
    convert(tmp_path / "a.h5", tmp_path / "b.pt")
    optimizer = torch.load(tmp_path / "b.pt")
    assert optimizer["optimizer"] == "adamw" and optimizer["state"].keys() == {"0.weight"}
    arrays = optimizer["state"]["0.weight"]
    assert arrays.keys() == {"step", "exp_avg", "exp_avg_sq"} and arrays["step"] == 384 and arrays["exp_avg"].shape == (2, 3)
    convert(tmp_path / "b.pt", tmp_path / "c.h5")
    with h5py.File(tmp_path / "a.h5") as one, h5py.File(tmp_path / "c.h5") as other:
        assert dict(one.attrs) == dict(other.attrs) and one.keys() == other.keys()
        for name in one:
            assert one[name][()].tobytes() == other[name][()].tobytes() and one[name].dtype == other[name].dtype
            assert one[name].attrs["steps"] == other[name].attrs["steps"]


def test_halves(tmp_path: Path) -> None:
    torch.save({"weight": torch.tensor([1.5, -2], dtype=torch.bfloat16)}, tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["weight"][()], [1.5, -2])


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("weights\n")
    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "nested.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    for name, says in {"none.pt": "none.pt", "text.pt": "text.pt", "nested.pt": "'model' is not a tensor", "list.pt": "not a state dict"}.items():
        line = convert(tmp_path / name, tmp_path / "out.h5", exit_code=2)
        assert line.count("\n") == 1 and says in line
        assert not (tmp_path / "out.h5").exists()
