"""The reader of trace.h5: finished, while the run goes on, and after a crash.

A finished run is one self-contained file. While it runs, and after it was killed, trace.h5 is a
master whose groups are external links into the ranks' own files; those are read in HDF5's SWMR mode
(single writer, multiple readers) and hold every row up to their last flush.

Undefined values. Columns that name something (microbatch, minibatch, replica, pipeline, rank,
stage) are integers and stay as stored. Every other integer column (versions, delays, counts,
nanoseconds) becomes float64 with NaN where the file has -1, so that means and figures leave
undefined rows out and a column's type never depends on its content; a double holds the nanoseconds
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
    """A trace that cannot be read: one line that names the file and says why."""


@dataclass(frozen=True)
class Run:
    """One run as its trace shows it at the time of `load`. Plan times are in `time_unit`."""

    path: Path
    """The trace file."""
    attributes: dict[str, str | int | float]
    """The root attributes: method, stages, config, git, cpu, …"""
    blocks: pd.DataFrame
    """One row a stage (index `stage`) of pipeline 0: rank, parameters, parameter_bytes."""
    steps: pd.DataFrame
    """One row for each backward applied, of all stages, by pipeline, stage and then as written:
    columns `pipeline`, `stage`, then the columns of the file."""
    events: pd.DataFrame
    """One row an action, of all stages: `pipeline`, `stage`, `action` (F, B, I, W, U, E), microbatch, plan and
    wall begin and end. Empty without --trace-events."""
    loss: pd.DataFrame
    """One row a microbatch: its loss, from its forward at the last stage."""
    objective: pd.DataFrame
    """f on the whole data at plan times: the state after all actions that end at or before them."""
    validation: pd.DataFrame
    """The mean loss of held-out rows at the same times. Empty without --validation."""
    stale_read: pd.DataFrame
    """One row a sampled microbatch, in pipeline 0: `value` is |w_k - z_k|^2 over all blocks, how far the
    weights are from what its forward read as stage 0 is about to apply it, at `plan_time`. Of an
    unfinished run: the samples that all stages have. Empty without --trace-stale-read."""
    memory: pd.DataFrame
    """Peak bytes, one row a rank. While a run goes on: of rank 0 at most."""
    ranks: pd.DataFrame
    """What every rank computed with at every start of the run (0, then one more for each --resume): host, cpu,
    blas_core and why it was chosen, threads, build. Empty in traces of version 0.1.0."""

    @property
    def method(self) -> str:
        return str(self.attributes["method"])

    @property
    def stages(self) -> int:
        """S, the number of stages."""
        return int(self.attributes["stages"])

    @property
    def complete(self) -> bool:
        """Whether the run came to its end; False while it goes on and after a crash."""
        return bool(self.attributes["complete"])

    @property
    def time_unit(self) -> str:
        """The unit of plan times: slot, unit or second."""
        return str(self.attributes["time_unit"])

    @property
    def config(self) -> dict[str, str]:
        """The resolved configuration: option name -> text."""
        return parse_config(str(self.attributes.get("config", "")))

    @property
    def microbatches(self) -> int:
        """N: of the whole run if it is complete, else how many have their rows of all stages."""
        planned = int(self.config.get("microbatches", 0))
        if self.complete and planned > 0:
            return planned
        newest = self.steps.groupby("stage")["microbatch"].max().reindex(range(self.stages))
        return 0 if newest.isna().any() else int(newest.min()) + 1

    @property
    def accumulate(self) -> int:
        """M, the number of microbatches that make one update."""
        return max(1, int(self.config.get("accumulate", 1)))

    def steady_window(self) -> range:
        """The microbatches of the steady state, as planned. Of an unfinished run: all that are
        there but the first 4S minibatches and the last S, which are the drain; where they are
        fewer, the middle third."""
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
    """Option name -> text, of the lines `name = value` that quartic writes."""
    pairs = (line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return {name: value for name, value in pairs}


def load(
    folder_or_file: str | PathLike[str], tables: Collection[str] = TABLES, columns: Collection[str] | None = None
) -> Run:
    """Reads a run from its folder or its trace file; everything that is in it now, or for the sake
    of time only those tables (the others are then empty) and of them only those columns. Warns of a
    trace that was damaged before the run was resumed.

    Raises TraceError: no such file, not HDF5, not a trace, a format version that is not known, a
    shard that is missing or locked.
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
    """A run that ends just now replaces its shards by one file."""
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
            f"{path}: the file is locked; on file systems that cannot lock, "
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
            f"{path}: format version {version} is not known; this reader knows {FORMAT_VERSION}"
        )
    missing = [name for name in NEEDED_ATTRIBUTES if name not in attributes]
    if missing:
        raise TraceError(f"{path}: not a trace (it has no attribute {', '.join(missing)})")
    return attributes


def _is_in_shards(stages: h5py.Group) -> bool:
    """A master's stages all are external links, a gathered file's none."""
    return isinstance(stages.get(next(iter(stages)), getlink=True), h5py.ExternalLink)


def _plain(value: object) -> str | int | float:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]


def _pipelines(file: h5py.File) -> dict[int, h5py.Group]:
    """The groups of stages by pipeline: /stage is pipeline 0's."""
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
    """That table of all stages in one, with first columns `pipeline` and `stage`."""
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
    """The sum of what the stages have, in their order, which a finished run has as a table."""
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
    """Without the undefined rows that stand for those which a damaged shard has cost."""
    key = next((name for name in ("microbatch", "block_updates") if name in (rows.dtype.names or ())), None)
    return rows if key is None else rows[rows[key] >= 0]


def _columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: _column(name, rows[name]) for name in rows.dtype.names}


def _column(name: str, values: np.ndarray) -> np.ndarray:
    """The column as the module's text says: letters as str, -1 as NaN."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "i" and name not in NAMING_COLUMNS:
        return np.where(values == -1, np.nan, values.astype(np.float64))
    return np.ascontiguousarray(values)
