"""Random draws for randomized PipeDream (RPD), made with numpy. The published numbers are based on these draws. The file is read by
`quartic run --method rpd --delays replay:FILE`.

Every iteration k draws three things from one ``default_rng(seed)``, in this order: the stage to update; a microbatch, uniform
on 0 ... drawn_from - 1 and then taken modulo `epoch`; and for every block the number of iterations since it was read, uniform on
0 ... min(delta, k).
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from .files import written_aside

MEANINGS = {
    "iterations": "K, the total number of block updates",
    "stages": "S, the number of stages",
    "epoch": "microbatches in one pass over the data",
    "drawn-from": "microbatches of the modelled PipeDream run",
    "delta": "largest delay, in block updates",
}


def write(path: Path, iterations: int, stages: int, epoch: int, drawn_from: int, delta: int, seed: int = 0) -> None:
    """Writes `/stage` [K], `/microbatch` [K] and `/delays` [K, stages] atomically."""
    if min(iterations, stages, epoch, drawn_from) < 1 or delta < 0 or seed < 0:
        raise ValueError("--iterations, --stages, --epoch and --drawn-from must be at least 1, --delta and --seed at least 0")
    stage, microbatch = np.empty(iterations, dtype=np.int64), np.empty(iterations, dtype=np.int64)
    delays = np.empty((iterations, stages), dtype=np.int64)
    generator = np.random.default_rng(seed)
    for k in range(iterations):
        stage[k] = generator.integers(0, stages)
        microbatch[k] = generator.integers(0, drawn_from) % epoch
        delays[k] = generator.integers(0, min(delta, k) + 1, size=stages)
    with written_aside(path) as aside, h5py.File(aside, "w") as file:
        file["stage"], file["microbatch"], file["delays"] = stage, microbatch, delays
        file.attrs.update(recipe="draws", seed=seed, epoch=epoch, drawn_from=drawn_from, delta=delta, numpy=np.__version__)
