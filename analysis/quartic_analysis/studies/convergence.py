"""Compares methods at a fixed number of block updates: the mean of ‖∇f‖² over the whole run, and the additional microbatches that a
method needs compared with `sgd`, which has no staleness. The mean includes the start of the run, so it does not isolate the cost of staleness."""

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
"""A loss counts as reached when the mean of this many evaluations reaches it, because a single evaluation is too noisy."""
MARGIN = 1.05
"""The loss to reach is MARGIN times the lowest loss of `sgd` in the first half of its microbatches. A method may thus need up to twice as many
microbatches as `sgd`. The margin keeps the target above the noise level."""


def growth(study: Study) -> pd.DataFrame:
    """One row per `objective`, `method` and number of `stages`, at the step size with the lowest mean ‖∇f‖² (see `tuning`)."""
    ended = study.ended
    measured = ended.assign(**{MEASURE: ended[MEASURE].where(ended["complete"])})
    return tuned(measured, ["objective", "method", "stages"], MEASURE)


def powers(found: pd.DataFrame) -> pd.DataFrame:
    """The power of S with which the mean ‖∇f‖² of a method grows, and the power for its ratio to the mean of `sgd`. Each has a 95 %
    interval: over seeds, or of the fitted line if there is one seed."""
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
    """The mean ‖∇f‖² divided by the mean of `sgd` at the same S. The interval resamples the seeds of both. Columns: `objective`, `method`,
    `stages`, `mean`, `low`, `high`."""
    rows = []
    for row in found[found["method"] != SYNCHRONOUS].itertuples():
        both = np.column_stack([row.values, _reference(found, row.objective, row.stages)])
        band = fits.bootstrap(both, lambda drawn: drawn[:, :, 0].mean(axis=1) / drawn[:, :, 1].mean(axis=1))
        rows.append({"objective": row.objective, "method": row.method, "stages": row.stages, "mean": band.value, "low": band.low, "high": band.high})
    return pd.DataFrame(rows)


def mean_progress(study: Study, found: pd.DataFrame) -> dict[tuple[str, str, int], Progress]:
    """For each objective, method and S: the loss over microbatches at the best step size, mean over seeds."""
    table, curves = study.complete, {}
    for row in found.itertuples():
        key = (row.objective, row.method, row.stages)
        runs = table[(table[["objective", "method", "stages"]] == key).all(axis=1) & (table["learning-rate"] == row.step)]
        seeds = [progress(study.runs.read(folder, ("objective",))) for folder in runs["folder"]]
        curves[key] = Progress(seeds[0].microbatches, np.mean([seed.loss for seed in seeds], axis=0))
    return curves


def overheads(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """Token overhead, one row per objective and method, one column per number of stages: the relative number of additional microbatches,
    compared with `sgd` at the same S, to reach the loss of `sgd` at half of its run. Infinite if the run ended before it reached that loss.
    `rpd` is left out, because each of its microbatches updates only one stage."""
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
    """Mean ‖∇f‖² over the whole run against S, one panel per problem; `sgd` in black."""
    style.apply()
    objectives = list(found["objective"].unique())
    figure, panels = plt.subplots(1, len(objectives), figsize=(6 * len(objectives), 4.6), constrained_layout=True, squeeze=False)
    methods = [method for method in found["method"].unique() if method != SYNCHRONOUS]
    colours = figures.colours_of(methods) | {SYNCHRONOUS: style.INK}
    for axes, objective, letter in zip(panels[0], objectives, "abc"):
        figures.draw_growth(axes, found[found["objective"] == objective], colours, by="method")
        axes.set_ylabel("mean ‖∇f‖² over the run")
        axes.set_title(f"{letter}  {objective.capitalize()}, best step size")
    return figure


def draw_ratios(axes: Axes, found: pd.DataFrame, method: str) -> None:
    """The mean ‖∇f‖² of a method divided by the mean of `sgd` at the same S, one line per problem."""
    table = ratios(found)
    figures.draw_growth(axes, table[table["method"] == method], figures.colours_of(list(found["objective"].unique())), by="objective")
    axes.axhline(1, color=style.INK, linewidth=1)
    axes.set_ylabel("mean ‖∇f‖² relative to sgd")


def answer(study: Study, found: pd.DataFrame) -> str:
    """How the mean ‖∇f‖² of each method grows with S, alone and relative to `sgd`, and the token overhead at the largest S."""
    law, ratio, tokens = powers(found), ratios(found), overheads(study, found)
    text = []
    for (objective, method), row in law.iterrows():
        if method == SYNCHRONOUS:
            text.append(f"- **{objective}, {method}**, without staleness: the mean ‖∇f‖² grows as S^{row['power']}. K = S·N is fixed, so runs with more "
                        "stages have fewer microbatches.")
            continue
        at_most = ratio[(ratio["objective"] == objective) & (ratio["method"] == method)].iloc[-1]
        band = fits.Band(at_most["mean"], at_most["low"], at_most["high"])
        counted = (objective, method) in tokens.index
        needed = f"; token overhead {_more(tokens.loc[(objective, method), at_most['stages']])}" if counted else ""
        text.append(f"- **{objective}, {method}**: the mean ‖∇f‖² grows as S^{row['power']}, "
                    f"and relative to {SYNCHRONOUS} as S^{row['of the ratio']}. At S = {at_most['stages']} "
                    f"it is {band.shown()} times the mean of {SYNCHRONOUS}{needed}.")
    edges = found[~found["inside"]]
    if len(edges):
        names = ", ".join(f"{row.objective} {row.method} S = {row.stages}" for row in edges.itertuples())
        text.append(f"- The best step size lies at the edge of its grid for {names}, so these results are upper bounds.")
    text.append("- **Not shown**: the cost of staleness. The mean is taken over the whole run from w₀, so the start of the run dominates it. The step size "
                "comes from a grid of powers of two, so a ratio also contains the limit of the step size.")
    return "\n".join(text)


def _more(overhead: float) -> str:
    return "inf (loss not reached)" if np.isinf(overhead) else f"{overhead:+.0%}"
