"""A study: many runs in one table, one row per run.

The sweep tool writes run folders and, beside them, study.json, which lists the current runs of the study.
The table takes milliseconds per run, because only attributes and small tables are read.
Large tables are read from `Study.runs`, run by run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from .curves import tail_mean
from .stale import has_changed, replaced
from .trace import TABLES, TRACE_NAME, Run, TraceError, load

STUDY_NAME = "study.json"
SMALL_TABLES = ("objective", "validation", "stale_read", "memory")
BYTES = ("weights_bytes", "stashes_bytes", "activations_bytes")
SMALL_COLUMNS = ("microbatch", "plan_time", "block_updates", "value", "gradient_sq", *BYTES)
RECORD_NAME = "sweep.json"
OWN_COLUMNS = ("folder", "group", "complete", "diverged", "stale")
SUMMARIES = {
    "time_unit": "unit of plan times",
    "plan_end": "plan time of the last evaluation",
    "objective_first": "f before the first update",
    "objective_last": "f at the end",
    "objective_tail": "mean f over the last 1 % of plan time (of block updates if there is no plan time)",
    "gradient_sq_mean": "mean of ||grad f||^2 over the evaluations",
    "validation_last": "held-out loss at the end",
    "stale_read_mean": "mean of ||w_k - z_k||^2 over the samples of the steady state",
    "weights_bytes": "peak bytes of weights, summed over ranks",
    "stashes_bytes": "peak bytes of stashed weights, summed over ranks",
    "activations_bytes": "peak bytes of activations, summed over ranks",
}
"""Columns of the study's table that summarize a run; NaN if the run lacks the table behind the column."""


class Runs(Mapping[str, Run]):
    """Runs by folder name. A run is read on every access and not cached."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder, self._names = folder, names

    def __getitem__(self, name: str) -> Run:
        return self.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def read(self, name: str, tables: Collection[str] = TABLES, columns: Collection[str] | None = None) -> Run:
        """Reads a run, restricted to these tables and columns. Raises KeyError if the study has no such run."""
        if name not in self._names:
            raise KeyError(name)
        return load(self._folder / name, tables, columns)


@dataclass(frozen=True)
class Study:
    """The runs of a study at the time of `load_study`."""

    name: str
    size: str
    """quick or full; empty if the folder has no study.json."""
    question: str
    folder: Path
    table: pd.DataFrame
    """One row per run, in the study's order: `folder`, `group`, `complete`, `diverged`, `stale`, every option of the resolved
    configuration under its own name (as numbers or booleans if all values are), and SUMMARIES. A run without a
    readable trace is not complete and has only the options that the study gives. A run whose data has changed since it
    was made is stale, and neither complete nor diverged."""
    runs: Runs
    stale: list[str]
    """The folders of all stale runs, including stale runs that newer runs of the study have replaced."""

    @property
    def complete(self) -> pd.DataFrame:
        """The rows of the complete runs."""
        return self.table[self.table["complete"]]

    @property
    def ended(self) -> pd.DataFrame:
        """The rows of the runs that are complete or diverged."""
        return self.table[self.table["complete"] | self.table["diverged"]]

    def measured(
        self, measure: Callable[[Run], float], tables: Collection[str] = ("objective",), columns: Collection[str] | None = None
    ) -> pd.Series:
        """Calls `measure` on every run of `ended`, read with these tables and columns; NaN for diverged runs."""
        ended = self.ended
        values = [measure(self.runs.read(run.folder, tables, columns)) if run.complete else np.nan for run in ended.itertuples()]
        return pd.Series(values, index=ended.index, dtype=float)

    def state(self) -> str:
        """One line: the study, its size, and its numbers of runs: all, complete, diverged, stale and missing."""
        size = f"{self.size} size, " if self.size else ""
        complete, diverged = int(self.table["complete"].sum()), int(self.table["diverged"].sum())
        missing = len(self.table) - complete - diverged - int(self.table["stale"].sum())
        counts = ((diverged, "diverged"), (len(self.stale), "**stale**"), (missing, "**missing**"))
        rest = "".join(f", {count} {what}" for count, what in counts if count)
        return f"`{self.name}`: {size}{len(self.table)} runs, {complete} complete{rest}."


def load_study(folder: str | PathLike[str]) -> Study:
    """Reads a study's folder: the runs in its study.json or, without one, every subfolder that has a trace.

    Raises TraceError if the folder does not exist or has no run, or if study.json is not valid.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TraceError(f"{folder}: no such folder; a study's runs are made by jobs/sweep.py")
    description = _description(folder)
    wanted = description["runs"]
    if not wanted:
        raise TraceError(f"{folder}: holds no run")
    changed = {run["folder"] for run in wanted if has_changed(run.get("contents", {}))}
    rows = [_row(folder, run, run["folder"] in changed) for run in wanted]
    columns = [*OWN_COLUMNS, *dict.fromkeys(name for row in rows for name in row if name not in SUMMARIES), *SUMMARIES]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(columns)))
    return Study(
        name=description["study"],
        size=description["size"],
        question=description["question"],
        folder=folder,
        table=table.apply(_typed),
        runs=Runs(folder, list(dict.fromkeys(run["folder"] for run in wanted))),
        stale=sorted(changed.union(replaced(folder, wanted))),
    )


def _description(folder: Path) -> dict:
    path = folder / STUDY_NAME
    if not path.is_file():
        found = sorted(trace.parent.name for trace in folder.glob(f"*/{TRACE_NAME}"))
        runs = [{"folder": name, "group": "", "options": {}} for name in found]
        return {"study": folder.name, "size": "", "question": "", "runs": runs}
    try:
        description = json.loads(path.read_text())
        missing = {"study", "size", "question", "runs"} - description.keys()
    except (ValueError, AttributeError) as error:
        raise TraceError(f"{path}: not a study's list of runs ({error})") from error
    if missing:
        raise TraceError(f"{path}: not a study's list of runs (it has no {', '.join(sorted(missing))})")
    return description


def _row(folder: Path, wanted: dict, stale: bool) -> dict[str, object]:
    """The row of one run. If the run cannot be read, the row contains the options from study.json."""
    diverged = not stale and _recorded(folder / wanted["folder"]).get("outcome") == "diverged"
    own = {"folder": wanted["folder"], "group": wanted["group"], "complete": False, "diverged": diverged, "stale": stale}
    try:
        run = load(folder / wanted["folder"], SMALL_TABLES, SMALL_COLUMNS)
    except TraceError:
        given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in wanted["options"].items()}
        return own | given
    return own | {"complete": run.complete and not stale} | run.config | summary(run)


def _recorded(folder: Path) -> dict:
    """The sweep tool's record of a run, which distinguishes diverged from stopped runs; empty if there is none."""
    try:
        return dict(json.loads((folder / RECORD_NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def summary(run: Run) -> dict[str, object]:
    """SUMMARIES of one run."""
    found: dict[str, object] = dict.fromkeys(SUMMARIES, np.nan) | {"time_unit": run.time_unit}
    objective = run.objective
    if len(objective):
        along = "block_updates" if np.isnan(objective["plan_time"].to_numpy()).any() else "plan_time"
        value, gradient_sq = objective["value"].to_numpy(), objective["gradient_sq"].to_numpy()
        found["plan_end"] = objective["plan_time"].to_numpy()[-1]
        found["objective_first"], found["objective_last"] = value[0], value[-1]
        found["objective_tail"] = tail_mean(objective, along)
        if not np.isnan(gradient_sq).all():
            found["gradient_sq_mean"] = np.nanmean(gradient_sq)
    if len(run.validation):
        found["validation_last"] = run.validation["value"].iloc[-1]
    if len(run.stale_read):
        window = run.steady_window()
        steady = run.stale_read["microbatch"].between(window.start, window.stop - 1)
        found["stale_read_mean"] = run.stale_read.loc[steady, "value"].mean()
    for name in BYTES if len(run.memory) else ():
        found[name] = run.memory[name].to_numpy().sum()
    return found


def _typed(column: pd.Series) -> pd.Series:
    """Converts a text column to booleans or numbers if all its values allow it."""
    if column.dtype != object or column.name in ("folder", "group"):
        return column
    values = column.dropna()
    if values.isin(["true", "false"]).all() and len(values) == len(column):
        return column == "true"
    numbers = pd.to_numeric(values, errors="coerce")
    return column if numbers.isna().any() else pd.to_numeric(column)
