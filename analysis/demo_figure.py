"""Draws the demo figure: `demo_figure.py RUNS_DIR --out analysis/out` writes demo.png and demo.svg.

RUNS_DIR contains run folders of `pipedream` with different numbers of stages. The figure has three panels: the
delay and S^2 - S/2, the objective against plan time, and the schedule that causes the delay.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea  # noqa: E402
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator  # noqa: E402

from quartic_analysis import Run, TraceError, load, style, theory  # noqa: E402
from quartic_analysis.trace import TRACE_NAME  # noqa: E402

GANTT_SLOTS = 54
GANTT_STAGES = 4
BAR_HEIGHT = 0.84


def load_runs(folder: Path) -> list[Run]:
    """The PipeDream runs in the folder, one per number of stages, in ascending order."""
    if not folder.is_dir():
        raise TraceError(f"{folder}: no such folder")
    runs = [load(trace) for trace in sorted(folder.glob(f"*/{TRACE_NAME}"))]
    runs = [run for run in runs if run.method == "pipedream" and len(run.steps)]
    by_stages = {run.stages: run for run in runs}
    if not by_stages:
        raise TraceError(f"{folder}: no subfolder has a {TRACE_NAME} of a pipedream run")
    return [by_stages[stages] for stages in sorted(by_stages)]


def draw_delay(axes: Axes, runs: list[Run]) -> None:
    """The largest own delay of each stage in the steady state, and the formula. Stage 0 is coloured, the other stages are grey."""
    most = max(run.stages for run in runs)
    line = np.geomspace(1.6, 1.3 * most, 100)
    axes.plot(line, line**2 - line / 2, color=style.INK, linewidth=1.2, zorder=2)
    for run, colour in zip(runs, style.stage_colours(len(runs))):
        largest = run.steady().groupby("stage")["delay_own"].max()
        others = largest.drop(index=0)
        axes.plot([run.stages] * len(others), others, "o", color=style.FAINT, alpha=0.55, ms=3.5)
        axes.plot(run.stages, largest[0], "o", color=colour, ms=9, mec="white", mew=1, zorder=3)
        axes.annotate(
            f"{largest[0]:.0f}",
            (run.stages, largest[0]),
            xytext=(-9, 4),
            textcoords="offset points",
            ha="right",
            color=colour,
            weight="bold",
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("symlog", linthresh=1, linscale=0.4)
    stages = [run.stages for run in runs]
    axes.xaxis.set_major_locator(FixedLocator(stages))
    axes.xaxis.set_major_formatter(FixedFormatter([str(s) for s in stages]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator([0, 1, 10, 100, 1000, 10000]))
    axes.yaxis.set_major_formatter(FixedFormatter(["0", "1", "10", "100", "1000", "10 000"]))
    axes.set_xlim(1.5, 1.5 * most)
    axes.set_ylim(-0.25, 3.2 * theory.largest_delay(most))
    axes.annotate(
        r"$S^2 - S/2$",
        (line[-1], line[-1] ** 2 - line[-1] / 2),
        xytext=(-6, 6),
        textcoords="offset points",
        ha="right",
        fontsize=12,
    )
    axes.text(
        0.98,
        0.04,
        "coloured: stage 0, the first\ngrey: the other stages",
        transform=axes.transAxes,
        ha="right",
        color="#666666",
        fontsize=9,
    )
    axes.set_xlabel("stages S")
    axes.set_ylabel("own delay (block updates)")
    axes.set_title("a  Delay grows with the square of the stages")


def draw_objective(axes: Axes, runs: list[Run]) -> None:
    """f on the whole data against plan time."""
    colours = style.stage_colours(len(runs))
    for run, colour in zip(runs, colours):
        axes.plot(run.objective["plan_time"], run.objective["value"], color=colour)
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    axes.set_ylim(lowest * (lowest / highest) ** (0.035 * len(runs)), highest)  # room for the labels
    longest = max(run.objective["plan_time"].max() for run in runs)
    axes.set_xlim(0, 1.3 * longest)
    axes.set_xlabel(f"plan time ({runs[0].time_unit}s)")
    axes.set_ylabel("objective f(w)")
    axes.set_title("b  Objective against plan time")
    axes.figure.canvas.draw()
    ends = [tuple(run.objective[["plan_time", "value"]].iloc[-1]) for run in runs]
    texts = [f"S = {run.stages}: {end:.3g}" for run, (_, end) in zip(runs, ends)]
    style.label_ends(axes, ends, texts, colours)


def passes_of(run: Run) -> pd.DataFrame:
    """All forwards and backwards in the global order: stage, action, microbatch, begin, end.

    They come from `events` or, if events were not recorded, from `steps`; a pass is then one slot long.
    """
    if len(run.events):
        events = run.events[run.events["action"].isin(["F", "B"])]
        passes = events.rename(columns={"plan_begin": "begin", "plan_end": "end"})
    else:
        columns = {"F": "plan_forward", "B": "plan_backward"}
        passes = pd.concat(
            run.steps[["stage", "microbatch"]].assign(action=action, begin=run.steps[column])
            for action, column in columns.items()
        )
        passes["end"] = passes["begin"] + 1
    columns = ["stage", "action", "microbatch", "begin", "end"]
    return passes[columns].sort_values(["begin", "stage"], ignore_index=True)


def updates_between(passes: pd.DataFrame, microbatch: int) -> tuple[pd.DataFrame, pd.Series]:
    """Two values: the microbatch's forward and backward at stage 0 (two rows), and a mask of all passes. The mask
    selects the block updates between the two in the global order, which the own delay counts."""
    own = passes[(passes["stage"] == 0) & (passes["microbatch"] == microbatch)]
    order = np.arange(len(passes))
    between = (order > own.index[0]) & (order < own.index[-1])
    return own, pd.Series(between, index=passes.index) & (passes["action"] == "B")


def draw_schedule(axes: Axes, run: Run) -> None:
    """A Gantt chart of the start of the run. It highlights the updates that one own delay counts."""
    passes = passes_of(run)
    own, between = updates_between(passes, run.steady_window().start)
    shown = passes[passes["begin"] < GANTT_SLOTS]
    for index, row in shown.iterrows():
        colour = style.FORWARD if row["action"] == "F" else style.BACKWARD
        if between[index]:
            colour = style.HIGHLIGHT
        axes.barh(
            row["stage"],
            row["end"] - row["begin"],
            left=row["begin"],
            height=BAR_HEIGHT,
            color=colour,
            edgecolor="white",
            linewidth=0.8,
        )
        axes.text(
            (row["begin"] + row["end"]) / 2,
            row["stage"],
            str(row["microbatch"]),
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if between[index] else style.INK,
        )
    mark_own_delay(axes, own, int(between.sum()))
    axes.set_xlim(0, GANTT_SLOTS)
    axes.set_ylim(run.stages - 0.45, -1.15)
    axes.set_yticks(range(run.stages))
    axes.set_yticklabels([f"stage {s}" for s in range(run.stages)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(False)
    axes.set_xlabel(f"plan time ({run.time_unit}s)")
    axes.set_title(f"c  The schedule behind it, S = {run.stages}")
    name_colours(axes)


def mark_own_delay(axes: Axes, own: pd.DataFrame, updates: int) -> None:
    """Frames the two passes and writes the number of updates between them above."""
    for _, row in own.iterrows():
        axes.barh(
            row["stage"],
            row["end"] - row["begin"],
            left=row["begin"],
            height=BAR_HEIGHT,
            facecolor="none",
            edgecolor=style.INK,
            linewidth=2,
            zorder=4,
        )
    read, update = own["begin"].iloc[0] + 0.5, own["begin"].iloc[-1] + 0.5
    above, edge = -0.8, -BAR_HEIGHT / 2
    axes.plot([read, read, update], [edge, above, above], color=style.INK, linewidth=1.2)
    arrow = {"arrowstyle": "-|>", "color": style.INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2}
    axes.annotate("", (update, edge), xytext=(update, above - 0.01), arrowprops=arrow)
    microbatch = own["microbatch"].iloc[0]
    axes.text(
        read - 0.5,
        above,
        f"microbatch {microbatch} at stage 0: {updates} block updates between read and update",
        ha="right",
        va="center",
        fontsize=9.5,
    )


def name_colours(axes: Axes) -> None:
    """A legend of coloured words, right of the title."""
    words = [
        ("\u25a0 forward", style.FORWARD),
        ("\u25a0 backward and update", style.BACKWARD),
        ("\u25a0 update counted in the delay", style.HIGHLIGHT),
    ]
    areas = [
        TextArea(word, textprops={"color": colour, "weight": "bold", "size": 9.5})
        for word, colour in words
    ]
    row = HPacker(children=areas, sep=16, pad=0, align="baseline")
    axes.add_artist(
        AnchoredOffsetbox(
            "lower right",
            child=row,
            frameon=False,
            pad=0.4,
            borderpad=0,
            bbox_to_anchor=(1, 1),
            bbox_transform=axes.transAxes,
        )
    )


def draw(runs: list[Run]) -> Figure:
    """The whole figure."""
    style.apply()
    figure = plt.figure(figsize=(10, 7), constrained_layout=True)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.1, wspace=0.03, hspace=0.03)
    grid = figure.add_gridspec(2, 2, height_ratios=[1.45, 1])
    draw_delay(figure.add_subplot(grid[0, 0]), runs)
    draw_objective(figure.add_subplot(grid[0, 1]), runs)
    nearest = min(runs, key=lambda run: (abs(run.stages - GANTT_STAGES), run.stages))
    draw_schedule(figure.add_subplot(grid[1, :]), nearest)
    return figure


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="demo_figure.py", description=__doc__)
    parser.add_argument("runs", type=Path, metavar="RUNS_DIR", help="folder with the run folders")
    parser.add_argument("--out", type=Path, default=Path("analysis/out"), metavar="DIR", help="output folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        paths = style.save(draw(load_runs(options.runs)), options.out / "demo")
    except (TraceError, OSError) as error:
        print(f"demo_figure.py: {error}", file=sys.stderr)
        return 1
    print(*paths, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
