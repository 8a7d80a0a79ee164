"""Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") in numpy, and
the named streams that the program draws from."""

from __future__ import annotations

import numpy as np

GRADIENT_NOISE = 1
"""The number of the stream from which a gradient's noise comes, by stage and microbatch."""
INITIAL_WEIGHTS = 2
"""The number of the stream from which a model's first weights come."""
JITTER = 3
"""The number of the stream from which the jitter of a plan's actions comes, by stage and kind, and microbatch."""
SAMPLING = 5
"""Of that from which rpd draws stages (index 0) and microbatches of the data (index 1)."""
DELAYS = 6
"""Of that from which it draws delays, by stage."""

SHUFFLE = 7
"""Of that from which the order of an epoch's rows comes, in the place of the microbatch."""

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10


def philox4x32(counters: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """The 4 random words of every counter. `counters` [n, 4] holds 32-bit words as uint64."""
    c0, c1, c2, c3 = counters.T.astype(np.uint64)
    for turn in range(_ROUNDS):
        k0, k1 = (np.uint64((k + turn * w) & 0xFFFFFFFF) for k, w in zip(key, _WEYL))
        first, second = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (second >> _HALF) ^ c1 ^ k0,
            second & _LOW,
            (first >> _HALF) ^ c3 ^ k1,
            first & _LOW,
        )
    return np.stack([c0, c1, c2, c3], axis=1)


def bits(seed: int, name: int, index: int, count: int, microbatch: int = 0) -> np.ndarray:
    """The first `count` draws of 64 bits of a named stream.

    A block of Philox gives two, each from two words, the high one first.
    """
    blocks = (count + 1) // 2
    counters = np.empty((blocks, 4), dtype=np.uint64)
    counters[:, 0] = np.arange(blocks)
    counters[:, 1] = name << 24 | index
    counters[:, 2] = microbatch & 0xFFFFFFFF
    counters[:, 3] = microbatch >> 32
    words = philox4x32(counters, (seed & 0xFFFFFFFF, seed >> 32))
    return (words[:, 0::2] << _HALF | words[:, 1::2]).reshape(-1)[:count]


def uniforms(seed: int, name: int, index: int, count: int, microbatch: int = 0) -> np.ndarray:
    """The first `count` uniforms in [0, 1), 53 bits each, of a named stream."""
    drawn = bits(seed, name, index, count, microbatch)
    return (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(seed: int, name: int, index: int, count: int, microbatch: int = 0) -> np.ndarray:
    """The first `count` standard normals of a named stream: Box and Muller's of each two draws."""
    first, second = bits(seed, name, index, count + count % 2, microbatch).reshape(-1, 2).T
    turns = np.pi * (first.astype(np.int64) * 2.0**-63 + 2.0**-64)
    radius = np.sqrt(-2 * np.log(second * 2.0**-64 + 2.0**-65))
    return np.stack([radius * np.sin(turns), radius * np.cos(turns)], axis=1).reshape(-1)[:count]


def below(n: int, seed: int, name: int, index: int, microbatch: int) -> int:
    """The first whole number in {0, …, n-1} of a named stream: the high half of n times 64 bits."""
    return int(bits(seed, name, index, 1, microbatch)[0]) * n >> 64


def shuffled(rows: int, seed: int, epoch: int) -> np.ndarray:
    """The rows of the data in the order of an epoch: Fisher and Yates, from the last place down."""
    order = np.arange(rows)
    for left, drawn in zip(range(rows, 1, -1), bits(seed, SHUFFLE, 0, rows - 1, epoch)):
        other = int(drawn) * left >> 64
        order[[left - 1, other]] = order[[other, left - 1]]
    return order
