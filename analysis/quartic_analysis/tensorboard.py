"""Exports a run's scalars as a TensorBoard event file.

The file is a sequence of TFRecords, each a serialised `Event` of TensorFlow's event.proto. Only three messages occur,
so they are encoded here and TensorFlow is not needed:

    Event         1 wall_time: double   2 step: int64   3 file_version: string   5 summary: Summary
    Summary       1 value: repeated Value
    Summary.Value 1 tag: string         2 simple_value: float
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from .files import written_aside
from .trace import Run, TraceError

FILE_NAME = "events.out.tfevents.quartic"
"""TensorBoard recognises a file by `tfevents` in its name. Without a time in it, a second export replaces the first."""
FILE_VERSION = "brain.Event:2"
CASTAGNOLI = 0x82F63B78
"""The polynomial of CRC-32C, with its bits reversed."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_POINTS_A_STAGE = 1000
"""Staleness and delay are averaged over windows of microbatches, so that a long run has at most this many points per stage."""
STAGE_MEANS = ("staleness", "delay_own", "delay_oldest")


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The checksum that a TFRecord stores: rotated right by 15 bits, plus a constant."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def tf_record(data: bytes) -> bytes:
    """Length, checksum of the length, data, checksum of the data; all little-endian."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as its two's complement in 64 bits."""
    number &= 0xFFFFFFFFFFFFFFFF
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(groups) + bytes([number])


def field(number: int, wire: int, payload: bytes) -> bytes:
    """One field of a protobuf message: its key, then the payload, with its length where the wire type has one."""
    length = varint(len(payload)) if wire == BYTES else b""
    return varint(number << 3 | wire) + length + payload


def version_event(wall_time: float) -> bytes:
    """The first event of every file."""
    return field(1, FIXED64, struct.pack("<d", wall_time)) + field(3, BYTES, FILE_VERSION.encode())


def scalar_event(wall_time: float, step: int, tag: str, value: float) -> bytes:
    with np.errstate(over="ignore"):  # a value above float's range is infinite in TensorBoard
        simple_value = np.float32(value).tobytes()
    summary = field(1, BYTES, field(1, BYTES, tag.encode()) + field(2, FIXED32, simple_value))
    return field(1, FIXED64, struct.pack("<d", wall_time)) + field(2, VARINT, varint(step)) + field(5, BYTES, summary)


def start_time(run: Run) -> float:
    """The run's start in seconds since 1970. Raises TraceError if the attribute `started` is not a time."""
    text = str(run.attributes.get("started", ""))
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise TraceError(f"{run.path}: attribute started = '{text}' is not a time; an ISO 8601 time is valid") from error


def scalars(run: Run) -> pd.DataFrame:
    """The points of the run, ordered by wall time: `tag`, `step`, `ns` since the start, `value`.

    The step is the microbatch for losses, staleness and delays. For evaluations it is `block_updates`, the number of block
    updates of all stages so far.
    """
    parts = [*_losses(run), *_evaluations(run), *_stage_means(run)]
    points = pd.concat(parts, ignore_index=True) if parts else _points("", [], [], [])
    return points.dropna(subset=["value"]).sort_values("ns", kind="stable", ignore_index=True)


def _points(tag: str, step: object, ns: object, value: object) -> pd.DataFrame:
    points = pd.DataFrame({"step": step, "ns": ns, "value": value})
    points.insert(0, "tag", tag)
    return points


def _losses(run: Run) -> Iterator[pd.DataFrame]:
    if run.loss.empty:
        return
    several = run.loss["pipeline"].nunique() > 1
    for pipeline, rows in run.loss.groupby("pipeline"):
        yield _points(f"loss/pipeline {pipeline}" if several else "loss", rows["microbatch"], rows["wall_ns"], rows["loss"])


def _evaluations(run: Run) -> Iterator[pd.DataFrame]:
    for table, column, tag in [("objective", "value", "objective"), ("objective", "accuracy", "objective/accuracy"),
                               ("validation", "value", "validation/loss"), ("validation", "accuracy", "validation/accuracy")]:  # fmt: skip
        rows = getattr(run, table)
        if len(rows):
            yield _points(tag, rows["block_updates"], rows["wall_ns"], rows[column])


def _stage_means(run: Run) -> Iterator[pd.DataFrame]:
    """Means over windows of microbatches in pipeline 0. The step of a point is the last microbatch of its window."""
    if run.steps.empty:
        return
    window = -(-(int(run.steps["microbatch"].max()) + 1) // MOST_POINTS_A_STAGE)
    steps = run.steps[(run.steps["pipeline"] == 0) & (run.steps["microbatch"] >= 0)]
    for stage, rows in steps.groupby("stage"):
        windows = rows.groupby(rows["microbatch"] // window)
        ends = windows[["microbatch", "backward_end_ns"]].max()
        for column in STAGE_MEANS:
            yield _points(f"{column}/stage {stage}", ends["microbatch"], ends["backward_end_ns"], windows[column].mean())


def export(run: Run, folder: Path) -> tuple[Path, int]:
    """Writes the event file into the folder atomically. Returns its path and the number of points."""
    start = start_time(run)
    points = scalars(run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    with written_aside(path) as aside, aside.open("wb") as file:
        file.write(tf_record(version_event(start)))
        for tag, step, ns, value in points.itertuples(index=False):
            wall_time = start + (0.0 if np.isnan(ns) else ns * 1e-9)
            file.write(tf_record(scalar_event(wall_time, int(step), tag, value)))
    return path, len(points)
