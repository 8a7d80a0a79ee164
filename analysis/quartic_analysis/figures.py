"""Panels that the studies share. Every function draws one panel, in the style of `style`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from . import style
from .trace import Run

Curve = tuple[Sequence[float], Sequence[float]]
"""x and y."""


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """One colour per name, in order. Colours repeat if there are more names than colours."""
    return {name: style.SERIES[place % len(style.SERIES)] for place, name in enumerate(names)}


def draw_curves(axes: Axes, curves: Mapping[str, Curve], colours: Mapping[str, str], log: bool = True) -> None:
    """Lines with their names at their right ends. Values that are not finite are left out."""
    ends = []
    for name, (x, y) in curves.items():
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        finite = np.isfinite(y)
        axes.plot(x[finite], y[finite], color=colours[name], linewidth=1.4)
        ends.append((x[finite][-1], y[finite][-1]))
    axes.set_yscale("log" if log else "linear")
    axes.margins(x=0)
    axes.autoscale_view()
    if log:
        style.log_axis(axes.yaxis)
    style.label_ends(axes, ends, list(curves), [colours[name] for name in curves])


def draw_steps(axes: Axes, values: Mapping[str, pd.Series], colours: Mapping[str, str], most: float) -> None:
    """Values against the step size, on a logarithmic axis of base 2. Values above `most` come from diverging runs and are left out. The
    best step size of each series has a filled marker."""
    for name, series in values.items():
        shown = series[series <= most].sort_index()
        axes.plot(shown.index, shown, "o-", color=colours[name], mfc="white", ms=5, linewidth=1.2)
        axes.plot(shown.idxmin(), shown.min(), "o", color=colours[name], ms=6)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.autoscale_view()
    style.log_axis(axes.yaxis)
    axes.set_xlabel("step size γ")
    style.name_series(axes, colours)


def draw_growth(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], by: str = "group") -> None:
    """Means and their 95 % bands against the number of stages, one line per value of the column `by`. The table has the columns `by`,
    `stages`, `mean`, `low` and `high`."""
    ends, names = [], []
    for name, rows in table.groupby(by, sort=False):
        rows = rows.sort_values("stages")
        axes.plot(rows["stages"], rows["mean"], "o-", color=colours[name], ms=4, linewidth=1.5)
        axes.fill_between(rows["stages"], rows["low"], rows["high"], color=colours[name], alpha=0.18, linewidth=0)
        ends.append((rows["stages"].iloc[-1], rows["mean"].iloc[-1]))
        names.append(str(name))
    style.stage_axis(axes, table["stages"].max(), table["stages"].min())
    axes.set_yscale("log")
    axes.autoscale_view()
    style.log_axis(axes.yaxis)
    style.label_ends(axes, ends, names, [colours[name] for name in names])


PASSES = {"F": style.FORWARD, "B": style.BACKWARD, "I": style.BACKWARD, "W": "#F2D08A"}
"""Forward, backward, and the input half and the weight half of a backward."""


def draw_gantt(axes: Axes, run: Run, until: float) -> None:
    """A Gantt chart of the passes of a run up to plan time `until`, one row per stage. Every pass shows its microbatch. The run needs events."""
    shown = run.events[run.events["action"].isin(list(PASSES)) & (run.events["plan_begin"] < until)]
    for row in shown.itertuples():
        begin, length = row.plan_begin, row.plan_end - row.plan_begin
        axes.barh(row.stage, length, left=begin, height=0.86, color=PASSES[row.action], edgecolor="white", linewidth=0.5)
        if begin + length / 2 < until:
            axes.text(begin + length / 2, row.stage, str(row.microbatch), ha="center", va="center", fontsize=5.5)
    axes.set_xlim(0, until)
    axes.set_ylim(run.stages - 0.45, -0.55)
    axes.set_yticks(range(run.stages))
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.spines["left"].set_visible(False)
    axes.grid(False)
