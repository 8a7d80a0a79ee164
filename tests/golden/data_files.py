"""Small data files in the formats that the program reads."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def write_libsvm(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Text, one row a line: label, then index:value of what is not 0, indices from 1."""
    with path.open("w") as file:
        for row, label in zip(x, y):
            entries = (f"{index + 1}:{row[index]!r}" for index in np.flatnonzero(row).tolist())
            file.write(" ".join([f"{label:.0f}", *entries]) + "\n")


def write_idx(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """An IDX pair: images [n, height, width] and labels [n], bytes; returns the images' file."""
    path = folder / "small-images-idx3-ubyte"
    path.write_bytes(struct.pack(">IIII", 0x803, *images.shape) + images.astype(np.uint8).tobytes())
    (folder / "small-labels-idx1-ubyte").write_bytes(
        struct.pack(">II", 0x801, len(labels)) + labels.astype(np.uint8).tobytes()
    )
    return path
