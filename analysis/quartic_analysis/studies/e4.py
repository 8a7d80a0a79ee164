"""The published experiment E4: logistic regression on 16 stages, PipeDream and LocalSGD with H = 2, 5, 30."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import compare, curves, figures, style
from ..study import Study
from ..tuning import tuned

END = 829
"""The plan time at which all runs are evaluated."""
PUBLISHED = {
    "pipedream, best γ": 0.0376,
    "local-sgd, H = 2, best γ": 0.0231,
    "local-sgd, H = 5, best γ": 0.0082,
    "local-sgd, H = 30, best γ": 0.178,
}
"""The final f of one published seed (arXiv 2606.03498), compared with our results at the best γ. The paper does not state the noise, and σ = 0.2 does not reproduce these values."""
SIMULATED = {"pipedream, γ = 2⁻⁶": 0.0125, "local-sgd, H = 5, γ = 2⁻¹": 0.0031}
"""The final f in an unpublished simulation of ours: the mean over 10 seeds of an independent program with σ = 0.2."""
DEVIATIONS = {"pipedream, γ = 2⁻⁶": 0.0007, "local-sgd, H = 5, γ = 2⁻¹": 0.0011}
"""Standard deviations over the seeds of that program."""


def readings(study: Study) -> pd.DataFrame:
    """One row per run that ended: `folder`, `learning-rate`, `seed`, `method` with its H, `end` (f at plan time 829), and `tail` (the mean
    f over the last 1 % before plan time 829)."""
    ended = study.ended
    table = ended[["folder", "learning-rate", "seed"]].copy()
    table["method"] = ended["group"]
    local = ended["method"] == "local-sgd"
    table.loc[local, "method"] += ended["local-steps"][local].map(", H = {:.0f}".format)
    table["end"] = study.measured(lambda run: curves.value_at(run.objective, END))
    table["tail"] = study.measured(lambda run: curves.tail_mean(run.objective, end=END))
    return table


def by_step(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation of `end` over seeds, one row per method and step size, indexed by both."""
    found = table.groupby(["method", "learning-rate"])["end"].agg(["mean", "std", "count"]).reset_index()
    found.index = [f"{method}, γ = {style.power_of_two(step)}" for method, step in zip(found["method"], found["learning-rate"])]
    return found


def beside_published(study: Study) -> pd.DataFrame:
    """The tail at the best step size, mean over seeds, compared with one published seed."""
    return compare.beside(best(study)["mean"].rename("{}, best γ".format).to_dict(), PUBLISHED)


def beside_simulated(study: Study) -> pd.DataFrame:
    """Means over seeds compared with a simulation by another program of ours. `away` is the difference in standard errors of the difference."""
    ours = by_step(readings(study))
    table = compare.beside(ours["mean"].to_dict(), SIMULATED, "other program")
    ours = ours.reindex(table.index)
    error = (ours["std"] ** 2 / ours["count"] + pd.Series(DEVIATIONS) ** 2 / 10) ** 0.5
    return table.assign(away=(table["ours"] - table["other program"]) / error)


def best(study: Study) -> pd.DataFrame:
    """One row per method at its best step size: `mean`, `low`, `high` of the tail. The step size for each seed is chosen by the other seeds."""
    return tuned(readings(study), ["method"], "tail").set_index("method")


def draw(study: Study) -> Figure:
    """f against plan time at the best step sizes, mean over seeds; and the tail mean of every method with its interval."""
    style.apply()
    table, chosen = readings(study), best(study)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), constrained_layout=True, width_ratios=(1.3, 1))
    colours = figures.colours_of(list(chosen.index))
    shown = {}
    for method, row in chosen.iterrows():
        runs = table[(table["method"] == method) & (table["learning-rate"] == row["step"])]
        objectives = [study.runs.read(folder, ("objective",)).objective.set_index("plan_time")["value"] for folder in runs["folder"]]
        mean = pd.concat(objectives, axis=1).mean(axis=1).loc[:END]
        shown[f"{method}, γ = {style.power_of_two(row['step'])}"] = (mean.index, mean)
    figures.draw_curves(left, shown, dict(zip(shown, colours.values())))
    left.set_xlabel("plan time (slots)")
    left.set_ylabel("objective f(w), mean over seeds")
    left.set_title("a  Best step sizes")
    for place, (method, row) in enumerate(chosen.iterrows()):
        right.plot([place, place], [row["low"], row["high"]], color=colours[method], linewidth=2)
        right.plot(place, row["mean"], "o", color=colours[method], ms=8)
    right.set_xticks(range(len(chosen)), [method.replace(", ", "\n") for method in chosen.index])
    right.set_xlim(-0.5, len(chosen) - 0.5)
    right.set_ylim(bottom=0)
    right.set_ylabel(f"mean f over the last 1 % before slot {END}")
    right.set_title("b  Mean and 95 % interval over seeds")
    return figure


def answer(study: Study) -> str:
    """How the results compare with the published numbers, and which H of LocalSGD is best."""
    published, simulated, chosen = beside_published(study), beside_simulated(study), best(study)
    factors = "; ".join(f"{name}: {row['published']:g}, {row['published'] / row['ours']:.2g} times our value"
                        for name, row in published.dropna().iterrows())
    apart = "; ".join(f"{name}: {row['difference']:+.1%}, {row['away']:+.1f} standard errors" for name, row in simulated.dropna().iterrows())
    lines = [f"- **Published**, one seed each: {factors}. The paper does not state the noise; σ = 0.2 is inferred and does not reproduce these values.",
             f"- **Other program of ours**, same noise: {apart}."]
    lines += [f"- **{method}**: {row['mean']:.4f} [{row['low']:.4f}, {row['high']:.4f}] at γ = {style.power_of_two(row['step'])}, "
              f"{row['seeds']} seeds{'' if row['inside'] else ' (**at the edge of its grid**)'}." for method, row in chosen.iterrows()]
    local = chosen.drop(index="pipedream")["mean"]
    steps = local.index.str.extract(r"H = (\d+)")[0].astype(int)
    between = steps.min() < int(steps[local.to_numpy().argmin()]) < steps.max()
    lines.append(
        f"- The best LocalSGD is {local.idxmin()}, {'an intermediate' if between else 'not an intermediate'} H. It is "
        f"{'below' if local.min() < chosen.loc['pipedream', 'mean'] else 'not below'} PipeDream: f of PipeDream divided by f of LocalSGD is "
        f"{chosen.loc['pipedream', 'mean'] / local.min():.2g}."
    )
    return "\n".join(lines)
