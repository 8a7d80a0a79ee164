"""Converts weights between PyTorch and quartic, in both directions: `convert_parameters.py WEIGHTS.pt PARAMETERS.h5`.

A state dict becomes an HDF5 file for `quartic run --init`, with one dataset per tensor under the tensor's name. The
`parameters.h5` of `quartic run --save-parameters` becomes a state dict. Its `optimizer.h5` becomes {"optimizer": its name,
"state": {parameter: {"step": …, "exp_avg": …, "exp_avg_sq": …}}}, where the arrays have PyTorch's names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import h5py

from quartic_analysis.files import written_aside

USER_MISTAKE = 2


ARRAYS = ("momentum_buffer", "exp_avg", "exp_avg_sq")


def optimizer_to_hdf5(optimizer: Mapping[str, Any], path: Path) -> None:
    """Writes an optimizer state in the form that `optimizer_from_hdf5` returns. Other arrays of PyTorch, such as mu_product, are left out,
    because they follow from the number of steps."""
    with h5py.File(path, "w") as file:
        file.attrs["optimizer"] = optimizer["optimizer"]
        for name, arrays in optimizer["state"].items():
            for array in ARRAYS:
                if array in arrays:
                    file[f"{array}.{name}"] = arrays[array].detach().cpu().numpy()
                    file[f"{array}.{name}"].attrs["steps"] = int(arrays.get("step", 0))


def optimizer_from_hdf5(path: Path) -> dict[str, Any]:
    """Reads an optimizer state: the name of the optimizer, and the arrays of every parameter."""
    import torch

    state: dict[str, dict[str, Any]] = {}
    with h5py.File(path, "r") as file:
        for name, dataset in file.items():
            array, _, parameter = name.partition(".")
            arrays = state.setdefault(parameter, {"step": torch.tensor(float(dataset.attrs["steps"]))})
            arrays[array] = torch.as_tensor(dataset[()])
        return {"optimizer": file.attrs["optimizer"], "state": state}


def is_optimizer(path: Path) -> bool:
    with h5py.File(path, "r") as file:
        return "optimizer" in file.attrs


def to_hdf5(state: Mapping[str, Any], path: Path) -> None:
    """Writes a state dict. 16-bit floats are stored as float32, because HDF5 has no bfloat16."""
    import torch

    with h5py.File(path, "w") as file:
        for name, tensor in state.items():
            if not isinstance(tensor, torch.Tensor):
                raise ValueError(f"{name!r} is not a tensor; valid is a flat state dict, tensors by name")
            narrow = tensor.is_floating_point() and tensor.element_size() < 4
            file[name] = (tensor.float() if narrow else tensor).detach().cpu().numpy()


def from_hdf5(path: Path) -> dict[str, Any]:
    """Reads the state dict from a file with one dataset per parameter."""
    import torch

    with h5py.File(path, "r") as file:
        return {name: torch.as_tensor(dataset[()]) for name, dataset in file.items()}


def convert(source: Path, target: Path) -> None:
    import torch

    with written_aside(target) as aside:
        if h5py.is_hdf5(source):
            torch.save(optimizer_from_hdf5(source) if is_optimizer(source) else from_hdf5(source), aside)
        else:
            state = torch.load(source, map_location="cpu", weights_only=True)
            if not isinstance(state, Mapping):
                raise ValueError(f"{source} is not a state dict; valid is a mapping of names to tensors")
            (optimizer_to_hdf5 if state.keys() == {"optimizer", "state"} else to_hdf5)(state, aside)


class OneLineParser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> None:
    parser = OneLineParser(prog="convert_parameters.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="a state dict (torch.save), or an HDF5 file with one dataset per parameter")
    parser.add_argument("target", type=Path, help="the file to write, in the other format")
    options = parser.parse_args(arguments)
    try:
        convert(options.source, options.target)
    except ImportError:
        parser.error("PyTorch is not installed (Debian: python3-torch)")
    except Exception as error:  # torch.load of another file raises anything
        parser.error(f"cannot convert {options.source} to {options.target}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main(sys.argv[1:])
