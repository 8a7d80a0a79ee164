"""The published experiment E2: PipeDream against LocalSGD on an ill-conditioned quadratic, at equal plan time."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import compare, curves, figures, style
from ..study import Study

END = 1229
"""The plan time at which all runs are evaluated: one slot before PipeDream's end."""
PUBLISHED = {
    "f(w₀)": 471.16,
    "pipedream, γ = 2⁻⁸": 2.731247,
    "pipedream, γ = 2⁻⁸, at its end": 2.7315207,
    "local-sgd, H = 2, γ = 2⁻⁵": 19.51762,
    "local-sgd, H = 5, γ = 2⁻⁵": 22.50372,
    "slots of pipedream": 1230,
    "slots of local-sgd, H = 2": 1770,
    "slots of local-sgd, H = 5": 1440,
    "slots of local-sgd, H = 30": 1260,
}
"""arXiv 2606.03498 and its authors' public outputs."""


def readings(study: Study) -> pd.DataFrame:
    """One row per run that ended: `folder`, `method` with its H, `step` (the step size), `name`, and `slots` (the length of the run).
    `first`, `end` and `last` are f at the start, at plan time 1229 (infinite if the run diverged) and at the run's end."""
    ended = study.ended
    table = pd.DataFrame({"folder": ended["folder"], "method": ended["group"], "step": ended["learning-rate"]})
    local = ended["method"] == "local-sgd"
    table.loc[local, "method"] += ended["local-steps"][local].map(", H = {:.0f}".format)
    table["name"] = [f"{method}, γ = {style.power_of_two(step)}" for method, step in zip(table["method"], table["step"])]
    table["first"], table["last"], table["slots"] = ended["objective_first"], ended["objective_last"], ended["plan_end"]
    table["end"] = study.measured(lambda run: curves.value_at(run.objective, END)).fillna(float("inf"))
    return table


def beside_published(study: Study) -> pd.DataFrame:
    """f at plan time 1229 and the lengths of the runs, compared with the published values."""
    table = readings(study)
    ours = dict(zip(table["name"], table["end"]))
    ours |= {f"slots of {run.method}": run.slots for run in table.itertuples() if pd.notna(run.slots)}
    ours |= {f"{run.name}, at its end": run.last for run in table.itertuples()} | {"f(w₀)": table["first"].dropna().iloc[0]}
    return compare.beside(ours, PUBLISHED)


def best(study: Study) -> pd.DataFrame:
    """The run of each method with the lowest f at plan time 1229."""
    table = readings(study)
    return table.loc[table.groupby("method", sort=False)["end"].idxmin()].set_index("method")


def draw(study: Study) -> Figure:
    """f against plan time at the best step sizes. If the study has a grid of step sizes, also f at plan time 1229 against the step size."""
    style.apply()
    table, chosen = readings(study), best(study)
    has_grid = table.groupby("method")["step"].nunique().min() > 2
    figure, panels = plt.subplots(1, 1 + has_grid, figsize=(6 + 5 * has_grid, 4), constrained_layout=True, squeeze=False)
    left = panels[0, 0]
    shown = {}
    for run in chosen.itertuples():
        objective = study.runs.read(run.folder, ("objective",)).objective
        objective = objective[objective["plan_time"] <= END]
        shown[run.name] = (objective["plan_time"], objective["value"])
    figures.draw_curves(left, shown, figures.colours_of(list(shown)))
    left.set_xlabel("plan time (slots)")
    left.set_ylabel("objective f(w)")
    left.set_title("a  Best step sizes")
    if has_grid:
        methods = {str(method): rows.set_index("step")["end"] for method, rows in table.groupby("method", sort=False)}
        colours = figures.colours_of(list(methods))
        figures.draw_steps(panels[0, 1], methods, colours, most=table["first"].max())
        panels[0, 1].set_ylabel(f"f at plan time {END}")
        panels[0, 1].set_title("b  All step sizes")
    return figure


def answer(study: Study) -> str:
    """How close the published numbers are, and which method is lower at plan time 1229."""
    chosen = best(study)
    lines = [f"- **Published**: {compare.largest_difference(beside_published(study))}."]
    lines += [f"- **{method}**: f = {row['end']:.4g} at plan time {END}, with γ = {style.power_of_two(row['step'])}." for method, row in chosen.iterrows()]
    local = chosen.drop(index="pipedream")["end"]
    lines.append(
        f"- At plan time {END} PipeDream is {'lower' if chosen.loc['pipedream', 'end'] < local.min() else 'not lower'} than the best "
        f"LocalSGD ({local.idxmin()}): f of LocalSGD divided by f of PipeDream is {local.min() / chosen.loc['pipedream', 'end']:.3g}."
    )
    return "\n".join(lines)
