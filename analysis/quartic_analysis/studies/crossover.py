"""When is PipeDream better than LocalSGD? f against simulated time on several problems, each method at its best step size."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import curves, figures, fits, style
from ..study import Study
from ..tuning import tuned

METHODS = ("pipedream", "local-sgd")


def chosen(study: Study) -> pd.DataFrame:
    """One row per problem and method, at the step size with the lowest mean f at the end of PipeDream's timeline (LocalSGD's timeline is
    longer): `problem`, `method`, `end` (the plan time of that end), and the columns of `tuned`."""
    ended = study.ended.copy()
    ended[["problem", "method"]] = ended["group"].str.split(", ", expand=True)
    ends = ended[ended["method"] == "pipedream"].groupby("problem")["plan_end"].max()
    ended["end"] = ended["problem"].map(ends)
    ended["value"] = [
        curves.tail_mean(study.runs.read(row.folder, ("objective",)).objective, end=row.end) if row.complete else np.nan
        for row in ended.itertuples()
    ]
    return tuned(ended, ["problem", "method", "end"], "value")


def mean_curves(study: Study, found: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """For each problem and method: f over plan time up to `end`, at the best step size, mean over seeds."""
    complete, result = study.complete, {}
    for row in found.itertuples():
        runs = complete[(complete["group"] == f"{row.problem}, {row.method}") & (complete["learning-rate"] == row.step)]
        parts = [study.runs.read(folder, ("objective",)).objective.set_index("plan_time")["value"] for folder in runs["folder"]]
        result[row.problem, row.method] = pd.concat(parts, axis=1).mean(axis=1).loc[: row.end]
    return result


def crossing(pipedream: pd.Series, local: pd.Series) -> float:
    """The plan time from which the method that is lower at the end stays lower; 0 if it is lower at every time after the start."""
    both = pd.concat([pipedream, local], axis=1).dropna().iloc[1:]
    ahead = both.iloc[:, 0] < both.iloc[:, 1]
    other = np.flatnonzero(ahead.to_numpy() != ahead.iloc[-1])
    return float(both.index[other[-1] + 1]) if len(other) else 0.0


def verdicts(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """One row per problem: the mean f of both methods at the end with its interval, the method that is `lower`, the `factor` between
    both, and the plan time `since` which it stays lower."""
    means = mean_curves(study, found)
    rows = {}
    for problem, table in found.groupby("problem", sort=False):
        by_method = table.set_index("method")
        values = {method: by_method.loc[method, "mean"] for method in METHODS}
        lower, higher = sorted(values, key=values.__getitem__)
        shown = {method: fits.Band(*by_method.loc[method, ["mean", "low", "high"]]).shown(4) for method in METHODS}
        rows[problem] = shown | {"lower": lower, "factor": values[higher] / values[lower],
                                 "since": crossing(*(means[problem, method] for method in METHODS)), "end": table["end"].iloc[0]}
    return pd.DataFrame.from_dict(rows, orient="index")


def draw(study: Study, found: pd.DataFrame) -> Figure:
    """f of both methods against plan time, one panel per problem."""
    style.apply()
    means = mean_curves(study, found)
    problems = list(found["problem"].unique())
    figure, panels = plt.subplots(1, len(problems), figsize=(4.6 * len(problems), 3.8), constrained_layout=True, squeeze=False)
    for axes, problem, letter in zip(panels[0], problems, "abcdef"):
        shown = {method: (means[problem, method].index, means[problem, method]) for method in METHODS}
        figures.draw_curves(axes, shown, figures.colours_of(METHODS), log=problem != "language")
        axes.set_xlabel("plan time (slots)")
        axes.set_title(f"{letter}  {problem.capitalize()}")
    panels[0, 0].set_ylabel("objective f(w)")
    return figure


def answer(study: Study, found: pd.DataFrame) -> str:
    """Which method is lower on each problem, by what factor and from when on."""
    text = []
    for problem, row in verdicts(study, found).iterrows():
        since = f"and stays lower from plan time {row['since']:.0f} of {row['end']:.0f} on" if row["since"] else "and is lower from the start"
        text.append(f"- **{problem}**: {row['lower']} is lower at the end by a factor of {row['factor']:.3g} {since} "
                    f"(PipeDream {row['pipedream']}, LocalSGD {row['local-sgd']}).")
    edges = found[~found["inside"]]
    if len(edges):
        text.append(f"- The best step size lies at the edge of its grid for {', '.join(f'{row.problem} {row.method}' for row in edges.itertuples())}.")
    text.append("- **Not shown**: what staleness costs, because the study does not include `sgd`, which has no staleness.")
    return "\n".join(text)
