"""Methods at a fixed number of block updates: the mean of ‖∇f‖² over the whole run, and how many more microbatches a method
needs than `sgd`, which is never stale. The mean contains the start of the run, so it does not isolate the cost of staleness."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import figures, fits, style
from ..overhead import Progress, progress, token_overhead
from ..study import Study
from ..tuning import tuned

SYNCHRONOUS = "sgd"
MEASURE = "gradient_sq_mean"
"""The mean of ‖∇f‖² over the evaluations of a run."""
WINDOW = 8
"""Evaluations that are averaged before a loss counts as reached: one evaluation is luck."""
MARGIN = 1.05
"""The loss to reach is `sgd`'s after half of its microbatches, so that a method may need up to twice as many, times this: at the
level of the noise the loss itself is luck."""


def growth(study: Study) -> pd.DataFrame:
    """One row an `objective`, `method` and number of `stages` at the step with the lowest mean ‖∇f‖² (see `tuning`)."""
    ended = study.ended
    measured = ended.assign(**{MEASURE: ended[MEASURE].where(ended["complete"])})
    return tuned(measured, ["objective", "method", "stages"], MEASURE)


def powers(found: pd.DataFrame) -> pd.DataFrame:
    """The power of S with which the mean ‖∇f‖² of a method grows, and that of its ratio to `sgd`'s, each with a 95 %
    interval: over seeds, or of the fitted line where there is one seed."""
    rows = []
    for (objective, method), table in found.groupby(["objective", "method"], sort=False):
        curves = np.column_stack(table["values"].to_list())
        of_sgd = np.column_stack([_reference(found, objective, stages) for stages in table["stages"]])
        band = fits.power_over_seeds(table["stages"], curves)
        ratio = fits.power_over_seeds(table["stages"], curves / of_sgd)
        rows.append({"objective": objective, "method": method, "S": f"{table['stages'].min()} to {table['stages'].max()}", "power": band.shown(),
                     "of the ratio": ratio.shown() if method != SYNCHRONOUS else ""})  # fmt: skip
    return pd.DataFrame(rows).set_index(["objective", "method"])


def _reference(found: pd.DataFrame, objective: str, stages: int) -> np.ndarray:
    """`sgd`'s values over seeds."""
    same = (found["objective"] == objective) & (found["stages"] == stages) & (found["method"] == SYNCHRONOUS)
    return found.loc[same, "values"].iloc[0]


def ratios(found: pd.DataFrame) -> pd.DataFrame:
    """The mean ‖∇f‖² as a multiple of that of `sgd` at the same S, with the interval over seeds of both: columns `objective`, `method`,
    `stages`, `mean`, `low`, `high`."""
    rows = []
    for row in found[found["method"] != SYNCHRONOUS].itertuples():
        both = np.column_stack([row.values, _reference(found, row.objective, row.stages)])
        band = fits.bootstrap(both, lambda drawn: drawn[:, :, 0].mean(axis=1) / drawn[:, :, 1].mean(axis=1))
        rows.append({"objective": row.objective, "method": row.method, "stages": row.stages, "mean": band.value, "low": band.low, "high": band.high})
    return pd.DataFrame(rows)


def mean_progress(study: Study, found: pd.DataFrame) -> dict[tuple[str, str, int], Progress]:
    """By objective, method and S, the loss at the best step over microbatches, mean over seeds."""
    table, curves = study.complete, {}
    for row in found.itertuples():
        key = (row.objective, row.method, row.stages)
        runs = table[(table[["objective", "method", "stages"]] == key).all(axis=1) & (table["learning-rate"] == row.step)]
        seeds = [progress(study.runs.read(folder, ("objective",))) for folder in runs["folder"]]
        curves[key] = Progress(seeds[0].microbatches, np.mean([seed.loss for seed in seeds], axis=0))
    return curves


def overheads(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """Token overhead, one row an objective and method, one column a number of stages: how many more microbatches than `sgd` at the same S to
    the loss that `sgd` has halfway. Infinite where the run ended before it got there. `rpd`, whose microbatches update one stage alone,
    is left out."""
    curves = mean_progress(study, found[found["method"] != "rpd"])
    rows: dict[tuple[str, str], dict[int, float]] = {}
    for (objective, method, stages), curve in curves.items():
        if method != SYNCHRONOUS:
            reference = curves[objective, SYNCHRONOUS, stages]
            level = MARGIN * reference.first_half().lowest(WINDOW)
            rows.setdefault((objective, method), {})[stages] = token_overhead(curve, reference, level, WINDOW)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["objective", "method"])
    return table


def draw(found: pd.DataFrame) -> Figure:
    """Mean ‖∇f‖² over the whole run against S, a panel a problem; `sgd` in black."""
    style.apply()
    objectives = list(found["objective"].unique())
    figure, panels = plt.subplots(1, len(objectives), figsize=(6 * len(objectives), 4.6), constrained_layout=True, squeeze=False)
    methods = [method for method in found["method"].unique() if method != SYNCHRONOUS]
    colours = figures.colours_of(methods) | {SYNCHRONOUS: style.INK}
    for axes, objective, letter in zip(panels[0], objectives, "abc"):
        figures.draw_growth(axes, found[found["objective"] == objective], colours, by="method")
        axes.set_ylabel("mean ‖∇f‖² over the run")
        axes.set_title(f"{letter}  {objective.capitalize()}, best step")
    return figure


def draw_ratios(axes: Axes, found: pd.DataFrame, method: str) -> None:
    """The mean ‖∇f‖² of a method as a multiple of `sgd`'s at the same S, one line a problem."""
    table = ratios(found)
    figures.draw_growth(axes, table[table["method"] == method], figures.colours_of(list(found["objective"].unique())), by="objective")
    axes.axhline(1, color=style.INK, linewidth=1)
    axes.set_ylabel("mean ‖∇f‖² as a multiple of sgd's")


def answer(study: Study, found: pd.DataFrame) -> str:
    law, ratio, tokens = powers(found), ratios(found), overheads(study, found)
    text = []
    for (objective, method), row in law.iterrows():
        if method == SYNCHRONOUS:
            text.append(f"- **{objective}, {method}**, never stale: the mean ‖∇f‖² grows as S^{row['power']}: with K = S·N fixed, more stages "
                        "have fewer microbatches.")
            continue
        at_most = ratio[(ratio["objective"] == objective) & (ratio["method"] == method)].iloc[-1]
        band = fits.Band(at_most["mean"], at_most["low"], at_most["high"])
        counted = (objective, method) in tokens.index
        needed = f"; tokens to the same loss: {_more(tokens.loc[(objective, method), at_most['stages']])}" if counted else ""
        text.append(f"- **{objective}, {method}**: S^{row['power']}, and relative to {SYNCHRONOUS} S^{row['of the ratio']}; at S = {at_most['stages']} "
                    f"{band.shown()} times {SYNCHRONOUS}'s{needed}.")
    edges = found[~found["inside"]]
    if len(edges):
        names = ", ".join(f"{row.objective} {row.method} S = {row.stages}" for row in edges.itertuples())
        text.append(f"- The best step lies at the edge of its grid for {names}: these are upper bounds.")
    text.append("- **Not shown**: the cost of staleness. The mean is taken over the whole run from w₀, so it mostly contains the start, and the step "
                "is chosen from a grid of powers of two, so a ratio also contains the step-size limit.")
    return "\n".join(text)


def _more(overhead: float) -> str:
    return "more than it had" if np.isinf(overhead) else f"{overhead:+.0%}"
