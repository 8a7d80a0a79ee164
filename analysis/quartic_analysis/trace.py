"""The reader of trace.h5 of finished, running and crashed runs.

The trace of a finished run is one self-contained file. While a run continues, and after it was killed, trace.h5 is a
master file whose groups are external links to the files of the ranks (shards). Shards are read in HDF5's SWMR mode
(single writer, multiple readers) and contain every row up to their last flush.

Undefined values: columns that name something (microbatch, minibatch, replica, pipeline, rank,
stage) are integers, as stored. Every other integer column (versions, delays, counts,
nanoseconds) becomes float64, with NaN where the file has -1. Means and figures therefore leave out
undefined rows, and the type of a column never depends on its content. A double represents the nanoseconds
of 104 days exactly.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

FORMAT_VERSION = 1
TRACE_NAME = "trace.h5"
NEEDED_ATTRIBUTES = ("method", "stages", "complete", "time_unit")
STAGE_TABLES = ("steps", "events")
ROOT_TABLES = ("loss", "objective", "validation", "stale_read", "memory", "ranks")
TABLES = ("blocks", *STAGE_TABLES, *ROOT_TABLES)
NO_ROWS = pd.DataFrame()  # a copy costs a tenth of a new one
NAMING_COLUMNS = frozenset({"microbatch", "minibatch", "replica", "pipeline", "rank", "stage", "start"})


class TraceError(Exception):
    """A trace that cannot be read. The message is one line with the file and the reason."""


@dataclass(frozen=True)
class Run:
    """One run, as recorded in its trace at the time of `load`. Plan times are in units of `time_unit`."""

    path: Path
    """The trace file."""
    attributes: dict[str, str | int | float]
    """The root attributes: method, stages, config, git, cpu, …"""
    blocks: pd.DataFrame
    """One row per stage (index `stage`) of pipeline 0: rank, parameters, parameter_bytes."""
    steps: pd.DataFrame
    """One row per applied backward of every stage, ordered by pipeline, stage and time of writing. The columns are `pipeline`,
    `stage` and the columns of the file."""
    events: pd.DataFrame
    """One row per action of every stage: `pipeline`, `stage`, `action` (F, B, I, W, U, E), microbatch, and begin and
    end in plan time and wall time. Empty without --trace-events."""
    loss: pd.DataFrame
    """One row per microbatch: its loss, from its forward at the last stage."""
    objective: pd.DataFrame
    """f on the whole data, one row per evaluation. An evaluation at a plan time sees the state after all actions that end at or
    before that time."""
    validation: pd.DataFrame
    """The mean loss on held-out rows at the times of `objective`. Empty without --validation."""
    stale_read: pd.DataFrame
    """One row per sampled microbatch of pipeline 0: `value` is |w_k - z_k|^2 over all blocks at `plan_time`. w_k are the
    weights when stage 0 is about to apply the microbatch; z_k are the weights that its forward read. An unfinished
    run has the samples that all stages have recorded. Empty without --trace-stale-read."""
    memory: pd.DataFrame
    """Peak bytes, one row per rank. An unfinished run has at most the row of rank 0."""
    ranks: pd.DataFrame
    """The hardware and software of every rank at every start of the run (0, plus 1 for each --resume): host, cpu,
    blas_core and the reason for its choice, threads, build. Empty in traces of version 0.1.0."""

    @property
    def method(self) -> str:
        return str(self.attributes["method"])

    @property
    def stages(self) -> int:
        """S, the number of stages."""
        return int(self.attributes["stages"])

    @property
    def complete(self) -> bool:
        """Whether the run reached its end. False while it is running and after a crash."""
        return bool(self.attributes["complete"])

    @property
    def time_unit(self) -> str:
        """The unit of plan times: slot, unit or second."""
        return str(self.attributes["time_unit"])

    @property
    def config(self) -> dict[str, str]:
        """The resolved configuration: option name -> value as text."""
        return parse_config(str(self.attributes.get("config", "")))

    @property
    def microbatches(self) -> int:
        """N, the number of microbatches: of the whole run if it is complete, else the number that all stages have recorded."""
        planned = int(self.config.get("microbatches", 0))
        if self.complete and planned > 0:
            return planned
        newest = self.steps.groupby("stage")["microbatch"].max().reindex(range(self.stages))
        return 0 if newest.isna().any() else int(newest.min()) + 1

    @property
    def accumulate(self) -> int:
        """M, the number of microbatches per update."""
        return max(1, int(self.config.get("accumulate", 1)))

    def steady_window(self) -> range:
        """The microbatches of the steady state, as planned. In an unfinished run: all recorded microbatches except the
        first 4S minibatches and the last S, which are the drain; if there are too few, the middle third."""
        if self.complete and "steady_end" in self.attributes:
            return range(int(self.attributes["steady_first"]), int(self.attributes["steady_end"]))
        minibatches = self.microbatches // self.accumulate
        first, end = 4 * self.stages, minibatches - self.stages
        if first >= end:
            first, end = minibatches // 3, minibatches - minibatches // 3
        return range(first * self.accumulate, end * self.accumulate)

    def steady(self) -> pd.DataFrame:
        """The rows of `steps` in the steady state."""
        window = self.steady_window()
        return self.steps[self.steps["microbatch"].between(window.start, window.stop - 1)]


def parse_config(text: str) -> dict[str, str]:
    """Parses the lines `name = value` that quartic writes: option name -> value as text."""
    pairs = (line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return {name: value for name, value in pairs}


def load(
    folder_or_file: str | PathLike[str], tables: Collection[str] = TABLES, columns: Collection[str] | None = None
) -> Run:
    """Reads a run from its folder or its trace file. To save time, `tables` and `columns` restrict what is read;
    other tables are then empty. Warns if the trace was damaged before the run was resumed.

    Raises TraceError if the file does not exist, is not HDF5, is not a trace or has an unsupported format version, or if a
    shard is missing or locked.
    """
    path = Path(folder_or_file)
    if path.is_dir():
        path = path / TRACE_NAME
    if not path.is_file():
        raise TraceError(f"{path}: no such file; give a run's folder or its {TRACE_NAME}")
    if not h5py.is_hdf5(path):
        raise TraceError(f"{path}: not an HDF5 file")
    run = _read_twice(path, tables, columns)
    if gap := run.attributes.get("gap"):
        warnings.warn(f"{path}: rows were lost or altered before the run was resumed: {gap}", stacklevel=2)
    return run


def _read_twice(path: Path, tables: Collection[str], columns: Collection[str] | None) -> Run:
    """Reads again after an error: a run that is just ending replaces its shards by one file."""
    try:
        return _read(path, tables, columns)
    except (OSError, KeyError):
        pass
    try:
        return _read(path, tables, columns)
    except (OSError, KeyError) as error:
        raise TraceError(_one_line(path, error)) from error


def _one_line(path: Path, error: Exception) -> str:
    reason = " ".join(str(error).strip("'\"").split())
    if "lock" in reason:
        return (
            f"{path}: the file is locked; if the file system does not support locks, "
            f"set HDF5_USE_FILE_LOCKING=FALSE ({reason})"
        )
    return f"{path}: {reason}"


def _read(path: Path, tables: Collection[str], columns: Collection[str] | None) -> Run:
    with h5py.File(path, "r") as file:
        attributes = _root_attributes(path, file)
        if not _is_in_shards(file["stage"]):
            return _run(path, attributes, file, tables, columns)
    # Shards are opened as the file that links to them was, and a live or killed one only by SWMR.
    with h5py.File(path, "r", swmr=True) as file:
        return _run(path, attributes, file, tables, columns)


def _run(
    path: Path,
    attributes: dict[str, str | int | float],
    file: h5py.File,
    tables: Collection[str],
    columns: Collection[str] | None,
) -> Run:
    pipelines = _pipelines(file)
    read = {name: _stage_tables(pipelines if name in tables else {}, name, columns) for name in STAGE_TABLES}
    read |= {name: _table(file.get(name) if name in tables else None, columns) for name in ROOT_TABLES}
    if "stale_read" in tables and "stale_read" not in file and not attributes["complete"]:
        read["stale_read"] = _stale_read_of_stages(file["stage"])
    read["blocks"] = _block_table(pipelines[0] if "blocks" in tables else {})
    return Run(path=path, attributes=attributes, **read)


def _root_attributes(path: Path, file: h5py.File) -> dict[str, str | int | float]:
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    version = attributes.get("format_version")
    if version is None:
        raise TraceError(f"{path}: not a trace (it has no attribute format_version)")
    if version != FORMAT_VERSION:
        raise TraceError(
            f"{path}: format version {version} is not supported; this reader supports version {FORMAT_VERSION}"
        )
    missing = [name for name in NEEDED_ATTRIBUTES if name not in attributes]
    if missing:
        raise TraceError(f"{path}: not a trace (it has no attribute {', '.join(missing)})")
    return attributes


def _is_in_shards(stages: h5py.Group) -> bool:
    """Whether the stages are external links to shards. In a gathered file none is."""
    return isinstance(stages.get(next(iter(stages)), getlink=True), h5py.ExternalLink)


def _plain(value: object) -> str | int | float:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]


def _pipelines(file: h5py.File) -> dict[int, h5py.Group]:
    """The group of stages of every pipeline. /stage belongs to pipeline 0."""
    others = file.get("pipeline", {})
    return {0: file["stage"]} | {int(name): others[name]["stage"] for name in sorted(others)}


def _block_table(stages: Mapping[str, h5py.Group]) -> pd.DataFrame:
    if not stages:
        return NO_ROWS.copy()
    names = sorted(stages)
    rows = [{name: _plain(value) for name, value in stages[stage].attrs.items()} for stage in names]
    return pd.DataFrame(rows, index=pd.Index([int(name) for name in names], name="stage"))


def _stage_tables(
    pipelines: Mapping[int, h5py.Group], table: str, columns: Collection[str] | None
) -> pd.DataFrame:
    """The table of all stages in one, with the first columns `pipeline` and `stage`."""
    parts = [
        (pipeline, int(name), _rows(stages[name][table], columns))
        for pipeline, stages in pipelines.items()
        for name in sorted(stages)
        if table in stages[name]
    ]
    if not parts:
        return NO_ROWS.copy()
    counts = [len(rows) for _, _, rows in parts]
    placed = {
        "pipeline": np.repeat([pipeline for pipeline, _, _ in parts], counts),
        "stage": np.repeat([stage for _, stage, _ in parts], counts),
    }
    return pd.DataFrame(placed | _columns(np.concatenate([rows for _, _, rows in parts])))


def _stale_read_of_stages(stages: h5py.Group) -> pd.DataFrame:
    """The sum over the values of all stages, in the order of stages. A finished run stores this table."""
    parts = [_table(stages[name].get("stale_read"), None) for name in sorted(stages)]
    rows = min(map(len, parts))
    if not rows:
        return NO_ROWS.copy()
    return parts[0][:rows].assign(value=sum(part["value"][:rows] for part in parts))


def _table(dataset: h5py.Dataset | None, columns: Collection[str] | None) -> pd.DataFrame:
    return NO_ROWS.copy() if dataset is None else pd.DataFrame(_columns(_rows(dataset, columns)))


def _rows(dataset: h5py.Dataset, columns: Collection[str] | None) -> np.ndarray:
    rows = dataset[()]  # HDF5 picks fields out of rows slower than it reads whole ones
    if "gap" in dataset.file.attrs:
        rows = _without_lost(rows)
    return rows if columns is None else rows[[name for name in rows.dtype.names if name in columns]]


def _without_lost(rows: np.ndarray) -> np.ndarray:
    """Removes the undefined rows that replace the rows lost with a damaged shard."""
    key = next((name for name in ("microbatch", "block_updates") if name in (rows.dtype.names or ())), None)
    return rows if key is None else rows[rows[key] >= 0]


def _columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: _column(name, rows[name]) for name in rows.dtype.names}


def _column(name: str, values: np.ndarray) -> np.ndarray:
    """Converts a column as described in the module's docstring: bytes to str, -1 to NaN."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "i" and name not in NAMING_COLUMNS:
        return np.where(values == -1, np.nan, values.astype(np.float64))
    return np.ascontiguousarray(values)
