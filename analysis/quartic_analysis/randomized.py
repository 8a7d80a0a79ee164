"""What randomized PipeDream (RPD) draws, by numpy: the draws behind the published numbers, as a file that
`quartic run --method rpd --delays replay:FILE` reads.

Every iteration k draws, in this order from one ``default_rng(seed)``: the stage that is updated; a microbatch of the
`drawn_from` of a run, which is that number modulo the `epoch` of the data; and for every block how many iterations ago it
was read, uniform on 0 ... min(delta, k).
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from .files import written_aside

MEANINGS = {
    "iterations": "K, block updates in all",
    "stages": "S",
    "epoch": "microbatches of one pass over the data",
    "drawn-from": "microbatches of the run that is modelled",
    "delta": "largest delay",
}


def write(path: Path, iterations: int, stages: int, epoch: int, drawn_from: int, delta: int, seed: int = 0) -> None:
    """Writes `/stage` [K], `/microbatch` [K] and `/delays` [K, stages]. The file appears whole or not at all."""
    if min(iterations, stages, epoch, drawn_from) < 1 or delta < 0 or seed < 0:
        raise ValueError("--iterations, --stages, --epoch and --drawn-from are at least 1, --delta and --seed at least 0")
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
