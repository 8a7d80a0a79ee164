"""The published experiment E1: PipeDream and randomized delays with the same bound, on a random quadratic."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import compare, figures, style
from ..study import Study

PUBLISHED = {
    "pipedream, γ = 2⁻⁴": 2.38e-7,
    "rpd, δ = 8, γ = 2⁻³": 1.199891e-11,
    "rpd, δ = 60, γ = 2⁻³": 7.466453e-8,
    "rpd, δ = 60, γ = 2⁻⁴": 2.303e-6,
}
"""The final f after 3200 block updates (arXiv 2606.03498 and its authors' public outputs)."""


def finals(study: Study) -> pd.DataFrame:
    """One row per run that ended: `group`, `step` (the step size), `name`, and `final`, the final f (infinite if the run diverged)."""
    ended = study.ended
    table = pd.DataFrame({"folder": ended["folder"], "group": ended["group"], "step": ended["learning-rate"]})
    table["name"] = [f"{group}, γ = {style.power_of_two(step)}" for group, step in zip(table["group"], table["step"])]
    table["final"] = ended["objective_last"].where(ended["complete"], float("inf"))
    return table


def beside_published(study: Study) -> pd.DataFrame:
    """The final f of each run compared with the published value."""
    table = finals(study)
    return compare.beside(dict(zip(table["name"], table["final"])), PUBLISHED)


def draw(study: Study) -> Figure:
    """f against block updates at the published step sizes. If the study has a grid of step sizes, also the final f against the step size."""
    style.apply()
    table = finals(study)
    has_grid = table.groupby("group")["step"].nunique().min() > 2
    figure, panels = plt.subplots(1, 1 + has_grid, figsize=(6 + 5 * has_grid, 4), constrained_layout=True, squeeze=False)
    left = panels[0, 0]
    named = table[table["name"].isin(PUBLISHED)]
    curves = {}
    for run in named.itertuples():
        objective = study.runs.read(run.folder, ("objective",)).objective
        curves[run.name] = (objective["block_updates"], objective["value"])
    figures.draw_curves(left, curves, figures.colours_of(list(curves)))
    left.set_xlabel("block updates")
    left.set_ylabel("objective f(w)")
    left.set_title("a  Published step sizes")
    if has_grid:
        groups = {str(group): rows.set_index("step")["final"] for group, rows in table.groupby("group", sort=False)}
        colours = figures.colours_of(list(groups))
        figures.draw_steps(panels[0, 1], groups, colours, most=study.complete["objective_first"].max())
        panels[0, 1].set_ylabel("f after the last update")
        panels[0, 1].set_title("b  All step sizes")
    return figure


def answer(study: Study) -> str:
    """How close the published numbers are, and how the methods compare at their best step sizes."""
    table, published = finals(study), beside_published(study)
    best = table.loc[table.groupby("group", sort=False)["final"].idxmin()].set_index("group")
    lines = [f"- **Published**: {compare.largest_difference(published)}."]
    lines += [f"- **{group}**: lowest final f {row['final']:.4g} at γ = {style.power_of_two(row['step'])}." for group, row in best.iterrows()]
    pipedream, random = best.loc["pipedream", "final"], best.loc["rpd, δ = 60", "final"]
    lines.append(
        f"- With random delays up to PipeDream's bound, δ = 60, the final f is {'higher' if random > pipedream else 'lower'} than PipeDream's, "
        f"by a factor of {max(random / pipedream, pipedream / random):.2g}. With a bound of one pipeline depth, δ = 8, the final f is "
        f"{best.loc['rpd, δ = 8', 'final'] / random:.2g} times the value at δ = 60."
    )
    return "\n".join(lines)
