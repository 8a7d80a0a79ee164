"""Does bounded inconsistency cost quality? Compares `paci` with `1f1b-flush` at the same number of microbatches per update."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import figures, fits, style
from ..overhead import progress, token_overhead
from ..study import Study

FLUSH, PACI = "1f1b-flush", "paci"


def drift_bound(stages: int, stage: int, accumulate: int) -> int:
    """⌈(S−1−s)/a⌉, the largest number of versions between a forward and its backward (arXiv 2606.07881)."""
    return -(-(stages - 1 - stage) // accumulate)


def beside_flush(study: Study) -> pd.DataFrame:
    """One row per a:

    - `1f1b-flush`, `paci`: held-out loss at the end, mean over seeds
    - `perplexity`, `low`, `high`: exp(loss) of paci divided by exp(loss) of 1f1b-flush, minus 1, with its interval over seeds
    - `overhead`: token overhead to reach the lowest held-out loss of 1f1b-flush, from the first seed
    - `speed`: plan time of 1f1b-flush divided by plan time of paci; `expected`: (M+S−1)/M
    """
    complete, rows = study.complete, {}
    for accumulate, runs in complete.groupby("accumulate"):
        ends = runs.pivot(index="seed", columns="method", values="validation_last").dropna()
        times = runs.groupby("method")["plan_end"].mean()
        first = runs[runs["seed"] == ends.index[0]].set_index("method")["folder"]
        curves = {method: progress(study.runs.read(first[method], ("validation",)), "validation") for method in (FLUSH, PACI)}
        apart = fits.bootstrap((ends[PACI] - ends[FLUSH]).to_numpy(), lambda drawn: np.expm1(drawn.mean(axis=1)))
        stages = int(runs["stages"].iloc[0])
        rows[int(accumulate)] = {
            FLUSH: ends[FLUSH].mean(), PACI: ends[PACI].mean(), "perplexity": apart.value, "low": apart.low, "high": apart.high,
            "overhead": token_overhead(curves[PACI], curves[FLUSH]), "speed": times[FLUSH] / times[PACI],
            "expected": (accumulate + stages - 1) / accumulate}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("a")


def drifts(study: Study) -> pd.DataFrame:
    """How often each drift occurs in `paci`: one row per a, stage and drift, with the drift's `share` of the stage's backwards and the `bound`."""
    parts = []
    runs = study.complete[study.complete["method"] == PACI].drop_duplicates("accumulate")
    for row in runs.itertuples():
        steps = study.runs.read(row.folder, ("steps",), ("microbatch", "drift")).steps
        share = steps.groupby("stage")["drift"].value_counts(normalize=True).rename("share").reset_index()
        bound = [drift_bound(int(row.stages), int(stage), int(row.accumulate)) for stage in share["stage"]]
        parts.append(share.assign(a=int(row.accumulate), bound=bound))
    return pd.concat(parts, ignore_index=True)


def draw(study: Study) -> Figure:
    """For the smallest a: held-out loss against plan time and against microbatches, and the drift at every stage."""
    style.apply()
    figure, panels = plt.subplots(1, 3, figsize=(14, 4), constrained_layout=True)
    smallest = study.complete["accumulate"].min()
    runs = study.complete[study.complete["accumulate"] == smallest].drop_duplicates("method")
    colours = figures.colours_of((FLUSH, PACI))
    by_time, by_work = {}, {}
    for row in runs.itertuples():
        run = study.runs.read(row.folder, ("validation",))
        by_time[row.method] = (run.validation["plan_time"], run.validation["value"])
        by_work[row.method] = (progress(run, "validation").microbatches, run.validation["value"])
    for axes, curves, label in zip(panels, (by_time, by_work), ("plan time (slots)", "microbatches")):
        figures.draw_curves(axes, curves, colours, log=False)
        axes.set_xlabel(label)
    panels[0].set_ylabel("held-out loss")
    panels[0].set_title(f"a  Loss against simulated time, a = {smallest}")
    panels[1].set_title("b  Loss against microbatches")
    _draw_drifts(panels[2], drifts(study).query("a == @smallest"))
    return figure


def _draw_drifts(axes: Axes, table: pd.DataFrame) -> None:
    axes.scatter(table["stage"], table["drift"], s=220 * table["share"], color=style.SERIES[1], edgecolor="white")
    bounds = table.groupby("stage")["bound"].first()
    axes.plot(bounds.index, bounds, "_", color=style.INK, ms=18, mew=1.5)
    axes.set_xlabel("stage s")
    axes.set_ylabel("drift (versions); dash: ⌈(S − 1 − s)/a⌉")
    axes.set_yticks(np.arange(bounds.max() + 1))
    axes.set_title("c  Frequency of each drift (area)")


def answer(study: Study) -> str:
    """Whether the drift stays within its bound, and how `paci` compares with `1f1b-flush` in quality and speed."""
    table, drift = beside_flush(study), drifts(study)
    inside = bool((drift["drift"] <= drift["bound"]).all())
    text = [f"- **Drift** {'never exceeds' if inside else '**exceeds**'} ⌈(S − 1 − s)/a⌉; the largest is {drift['drift'].max():.0f}."]
    for accumulate, row in table.iterrows():
        band = fits.Band(100 * row["perplexity"], 100 * row["low"], 100 * row["high"])
        text.append(f"- **a = {accumulate}**: after the same number of microbatches, the held-out perplexity of {PACI} differs from that of {FLUSH} by "
                    f"{_signed(band)} %. {_reach(row['overhead'])} In plan time, {PACI} is {row['speed']:.3f} times as fast as {FLUSH}; "
                    f"(M + S − 1)/M is {row['expected']:.3f}.")
    return "\n".join(text)


def _signed(band: fits.Band) -> str:
    """The value with its sign, and its interval, where there is one."""
    interval = "" if np.isnan(band.low) else f" [{band.low:+.1f}, {band.high:+.1f}]"
    return f"{band.value:+.1f}{interval}"


def _reach(overhead: float) -> str:
    """One sentence on the token overhead."""
    if np.isinf(overhead):
        return f"{PACI} does not reach the lowest held-out loss of {FLUSH}."
    return f"{PACI} needs {abs(overhead):.0%} {'more' if overhead >= 0 else 'fewer'} microbatches to reach the lowest held-out loss of {FLUSH}."
