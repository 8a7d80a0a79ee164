"""Moves weights between PyTorch and quartic: `convert_parameters.py WEIGHTS.pt PARAMETERS.h5`, or the other way.

A state dict becomes an HDF5 file for `quartic run --init`, with one dataset a tensor under the tensor's name; and
what `quartic run --save-parameters` leaves becomes a state dict.
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


def to_hdf5(state: Mapping[str, Any], path: Path) -> None:
    """`state`: tensors by name. Halves of 16 bits are stored as float32: HDF5 has no bfloat16."""
    import torch

    with h5py.File(path, "w") as file:
        for name, tensor in state.items():
            if not isinstance(tensor, torch.Tensor):
                raise ValueError(f"{name!r} is no tensor: not a state dict")
            narrow = tensor.is_floating_point() and tensor.element_size() < 4
            file[name] = (tensor.float() if narrow else tensor).detach().cpu().numpy()


def from_hdf5(path: Path) -> dict[str, Any]:
    """The state dict in a file of named parameters."""
    import torch

    with h5py.File(path, "r") as file:
        return {name: torch.as_tensor(dataset[()]) for name, dataset in file.items()}


def convert(source: Path, target: Path) -> None:
    import torch

    with written_aside(target) as aside:
        if h5py.is_hdf5(source):
            torch.save(from_hdf5(source), aside)
        else:
            state = torch.load(source, map_location="cpu", weights_only=True)
            if not isinstance(state, Mapping):
                raise ValueError(f"{source} holds no state dict")
            to_hdf5(state, aside)


class OneLineParser(argparse.ArgumentParser):
    """Reports a mistake in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> None:
    parser = OneLineParser(prog="convert_parameters.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="a state dict (torch.save), or HDF5 with a dataset for each parameter")
    parser.add_argument("target", type=Path, help="the same in the other form")
    options = parser.parse_args(arguments)
    try:
        convert(options.source, options.target)
    except ImportError:
        parser.error("needs PyTorch (Debian: python3-torch)")
    except Exception as error:  # torch.load of another file raises anything
        parser.error(f"cannot convert {options.source} to {options.target}: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main(sys.argv[1:])
