"""The cost of each method in time and memory: planned and measured bubbles, copies of weights, activations, bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import figures, style, theory
from ..study import Study
from ..trace import Run

FLUSH = ("gpipe", "1f1b-flush")
SHOWN = ("1f1b-flush", "zb-1p", "pipedream", "timeprest", "local-sgd")
"""The methods whose schedules are drawn."""
CLOCKS = {"planned": ("plan_begin", "plan_end"), "measured": ("begin_ns", "end_ns")}


def bubble(run: Run, clock: str) -> float:
    """The share of time in which the workers are idle in the steady state. `clock` is "planned" or "measured" (the wall clock). The steady
    state lasts from stage 0's first forward in it to stage 0's first forward after it. A measured bubble includes everything that
    a rank does outside forward and backward passes: updates, messages, records. NaN if workers share a process and nothing was measured."""
    workers = run.stages // int(run.config.get("stages-per-worker", 1))
    if clock == "measured" and run.attributes["ranks"] != workers:
        return np.nan
    begin, end = CLOCKS[clock]
    passes = run.events[run.events["action"].isin(["F", "B", "I", "W"])]
    window = run.steady_window()
    first = passes[(passes["stage"] == 0) & (passes["action"] == "F")].set_index("microbatch")[begin]
    low = first[window.start]
    high = first.get(window.stop, passes[end].max())  # a run without a drain is steady to its end
    busy = (passes[end].clip(low, high) - passes[begin].clip(low, high)).sum()
    return float(1 - busy / (workers * (high - low)))


def costs(study: Study) -> pd.DataFrame:
    """One row per complete run: `method`, `stages`, `M` (microbatches per update); the bubble `planned`, by the `formula` (methods with a
    flush only) and `measured`; the largest numbers of weight `copies` and of stored `activations` of a stage in the steady state;
    `weights_mb` (stashes included) and `activations_mb`, summed over all ranks."""
    rows = []
    for row in study.complete.itertuples():
        run = study.runs.read(row.folder, ("steps", "events"))
        steady = run.steady()
        formula = theory.flush_bubble(run.stages, run.accumulate) if run.method in FLUSH else np.nan
        rows.append({
            "folder": row.folder, "method": run.method, "stages": run.stages, "M": run.accumulate, "planned": bubble(run, "planned"),
            "formula": formula, "measured": bubble(run, "measured"), "copies": steady["weight_copies"].max(),
            "activations": steady["activations"].max(), "weights_mb": (row.weights_bytes + row.stashes_bytes) / 1e6,
            "activations_mb": row.activations_bytes / 1e6})  # fmt: skip
    return pd.DataFrame(rows)


def at_size(table: pd.DataFrame, stages: int, microbatches: int) -> pd.DataFrame:
    """The rows with this S, and with this M or M = 1 (an update after every microbatch), in the order of the study, indexed by method."""
    return table[(table["stages"] == stages) & table["M"].isin([1, microbatches])].set_index("method")


def draw(study: Study, table: pd.DataFrame) -> Figure:
    """The schedules of some methods at S = 4, and the bubbles of all methods."""
    style.apply()
    microbatches = int(table.loc[table["M"] > 1, "M"].min())
    rows = at_size(table, 4, microbatches)
    shown = [method for method in SHOWN if method in rows.index]
    figure = plt.figure(figsize=(12, 1.5 * len(shown) + 0.6), constrained_layout=True)
    grid = figure.add_gridspec(len(shown), 2, width_ratios=(2.3, 1))
    for place, method in enumerate(shown):
        axes = figure.add_subplot(grid[place, 0])
        run = study.runs.read(rows.loc[method, "folder"], ("events",))
        figures.draw_gantt(axes, run, until=76)
        axes.set_title(f"{method}{f', M = {microbatches}' if run.accumulate > 1 else ''}", fontsize=9.5)
        if place < len(shown) - 1:
            axes.set_xticklabels([])
        else:
            axes.set_xlabel("plan time (f = 1, b = 2)")
    _draw_bubbles(figure.add_subplot(grid[:, 1]), rows)
    return figure


def _draw_bubbles(axes: Axes, rows: pd.DataFrame) -> None:
    rows = rows.sort_values("planned", ascending=False)
    places = np.arange(len(rows))
    axes.barh(places, 100 * rows["planned"], height=0.62, color=style.FORWARD)
    axes.plot(100 * rows["measured"], places, "o", color=style.HIGHLIGHT, ms=5, linestyle="none")
    axes.set_yticks(places, rows.index)
    axes.set_xlabel("bubble (%); bar: planned, point: measured")
    axes.set_title(f"Bubbles at S = {rows['stages'].iloc[0]}")


def answer(table: pd.DataFrame) -> str:
    """Whether planned bubbles match the formula, and which methods cost the most time and memory."""
    known = table.dropna(subset="formula")
    wrong = int((~np.isclose(known["planned"], known["formula"])).sum())
    microbatches = int(table.loc[table["M"] > 1, "M"].min())
    most = int(table["stages"].max())
    rows = at_size(table, most, microbatches)
    full = rows.index[rows["planned"] < 0.005]
    measured = (table["measured"] - table["planned"]).dropna()
    lines = [
        f"- **Formula**: the planned bubble of {' and '.join(FLUSH)} equals (S − 1)/(M + S − 1) in {len(known) - wrong} of {len(known)} runs.",
        f"- **Time** at S = {most}, M = {microbatches}: the planned bubble is below 0.5 % for {', '.join(full) or 'no method'}. The largest planned "
        f"bubble is {rows['planned'].max():.0%} ({rows['planned'].idxmax()}).",
        f"- **Memory** at S = {most}, M = {microbatches}: a stage holds between {rows['copies'].min():.0f} and {rows['copies'].max():.0f} copies of its "
        f"weights (most: {rows['copies'].idxmax()}) and the activations of between {rows['activations'].min():.0f} and "
        f"{rows['activations'].max():.0f} microbatches (most: {rows['activations'].idxmax()}).",
    ]
    if len(measured):
        median = 100 * measured.median()
        lines.append(f"- **Measured**: the median difference between the measured and the planned bubble is {median:+.0f} percentage points. "
                     "Measured bubbles include updates, messages and, if ranks share cores, waiting.")
    else:
        lines.append("- **Measured**: no bubble was measured, because no run had one rank per worker. The full size has such runs.")
    return "\n".join(lines)
