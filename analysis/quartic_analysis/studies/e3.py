"""The published experiment E3: logistic regression at equal plan time, for growing numbers of stages."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import compare, curves, figures, fits, style
from ..study import Study
from ..tuning import tuned

END = 3180
"""The plan time at which runs are evaluated. RPD has no timeline and is evaluated at its end."""
_STAGES = (2, 4, 8, 16, 32, 64, 128)
_PIPEDREAM = (0.0108, 0.0096, 0.0131, 0.0076, 0.0161, 0.0120, 0.0095)
_RPD = (0.0152, 0.0149, 0.0080, 0.0156, 0.0118, 0.0125, 0.0103)
PUBLISHED = (
    {f"pipedream, S = {stages}, best γ": value for stages, value in zip(_STAGES, _PIPEDREAM)}
    | {f"rpd, S = {stages}, best γ": value for stages, value in zip(_STAGES, _RPD)}
    | {"local-sgd, S = 2, best γ": 0.013, "local-sgd, S = 128, best γ": 0.0014}
)
"""The final f of one published seed (arXiv 2606.03498), compared with our results at the best γ."""
SIMULATED = {
    "pipedream, S = 2, γ = 2⁻⁶": 0.0107,
    "pipedream, S = 8, γ = 2⁻⁶": 0.0127,
    "pipedream, S = 16, γ = 2⁻⁶": 0.01325,
    "local-sgd, S = 8, γ = 2⁻³": 0.00655,
}
"""The final f in unpublished simulations of ours: the mean of two independent programs with 12 seeds each, which differ by up to 22 %."""
METHODS = ("pipedream", "rpd", "local-sgd")


def readings(study: Study) -> pd.DataFrame:
    """One row per run that ended: `group`, `stages`, `learning-rate`, `seed`, `last` (the final f) and `tail` (the mean f over the last 1 %)."""
    ended = study.ended
    table = ended[["group", "stages", "learning-rate", "seed"]].copy()
    timeless = ended["method"] == "rpd"
    table["last"] = study.measured(lambda run: curves.value_at(run.objective, END))
    table["tail"] = study.measured(lambda run: curves.tail_mean(run.objective, end=END))
    table.loc[timeless, "last"] = ended.loc[timeless, "objective_last"].where(ended["complete"])
    table.loc[timeless, "tail"] = ended.loc[timeless, "objective_tail"].where(ended["complete"])
    return table


def growth(study: Study) -> pd.DataFrame:
    """One row per method and number of stages, at the step size with the lowest tail mean (see `tuning`)."""
    return tuned(readings(study), ["group", "stages"], "tail")


def beside_published(study: Study) -> pd.DataFrame:
    """The tail at the best step size, mean over seeds, compared with one published seed."""
    ours = {f"{row.group}, S = {row.stages}, best γ": row.mean for row in growth(study).itertuples()}
    return compare.beside(ours, PUBLISHED)


def beside_simulated(study: Study) -> pd.DataFrame:
    """The final value, mean over seeds, compared with simulations by other programs of ours."""
    means = readings(study).groupby(["group", "stages", "learning-rate"])["last"].mean()
    ours = {f"{group}, S = {stages}, γ = {style.power_of_two(step)}": mean for (group, stages, step), mean in means.items()}
    return compare.beside(ours, SIMULATED, "other programs")


def powers(found: pd.DataFrame) -> pd.DataFrame:
    """The power of S with which each method's tail mean grows, fitted to the mean over seeds, with a bootstrap interval."""
    rows = {}
    for group, table in found.groupby("group", sort=False):
        band = fits.power_over_seeds(table["stages"], np.column_stack(table["values"].to_list()))
        rows[group] = {"power": band.value, "low": band.low, "high": band.high, "seeds": table["seeds"].min(), "to S": table["stages"].max()}
    return pd.DataFrame.from_dict(rows, orient="index")


def draw(study: Study) -> Figure:
    """The tail mean of each method against S, at the best step sizes."""
    style.apply()
    figure, axes = plt.subplots(figsize=(7.5, 4.4), constrained_layout=True)
    found = growth(study)
    figures.draw_growth(axes, found, figures.colours_of(METHODS))
    axes.set_ylabel(f"mean f over the last 1 % before slot {END}")
    axes.set_title("Logistic regression at equal plan time, best step size (95 % over seeds)")
    return figure


def answer(study: Study) -> str:
    """How close the published numbers are, and how the loss of each method grows with S."""
    found = growth(study)
    law = powers(found)
    edges = int((~found["inside"]).sum())
    lines = [f"- **Published**, one seed each: {compare.largest_difference(beside_published(study))}. The standard deviation over seeds is about "
             f"{(found['deviation'] / found['mean']).median():.0%} of the mean.",
             f"- **Other programs of ours**, 12 seeds each: {compare.largest_difference(beside_simulated(study))}."]
    for group, row in law.iterrows():
        kind = "constant within its interval" if row["low"] <= 0 <= row["high"] else "growing" if row["power"] > 0 else "falling"
        lines.append(f"- **{group}**: S^{row['power']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}], {kind} "
                     f"({row['seeds']:.0f} seeds, up to S = {row['to S']:.0f}).")
    wide = found[found["stages"] == found.loc[found["group"] == "pipedream", "stages"].max()].set_index("group")
    ratio = wide.loc["pipedream", "mean"] / wide.loc["local-sgd", "mean"]
    lines.append(f"- At S = {wide['stages'].iloc[0]} PipeDream's loss is {ratio:.3g} times LocalSGD's. This does not show what staleness costs, "
                 "because the study does not include `sgd`, which has no staleness.")
    if edges:
        lines.append(f"- {edges} of the best step sizes lie at the edge of their grids.")
    return "\n".join(lines)
