"""Does the delay of a pipeline grow as S² − S/2? Planned delays of every method, and measured delays of real runs."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import fits, style, theory
from ..study import Study

PLANNED, MEASURED = "pipedream", "measured"


def delays(study: Study) -> pd.DataFrame:
    """One row per complete run: `group`, `stages`, and the `largest` and the `mean` own delay over all stages in the steady state. The own
    delay counts block updates of any stage between the read and the update of a stage's own block."""
    rows = []
    for run in study.complete.itertuples():
        own = study.runs.read(run.folder, ("steps",), ("microbatch", "delay_own")).steady()["delay_own"]
        rows.append({"group": run.group, "stages": run.stages, "largest": own.max(), "mean": own.mean()})
    return pd.DataFrame(rows).sort_values(["group", "stages"], ignore_index=True)


def of_pipedream(table: pd.DataFrame) -> pd.DataFrame:
    """The largest delay as planned, as measured and by the closed form, one row per number of stages."""
    planned, measured = (table[table["group"] == group].set_index("stages")["largest"] for group in (PLANNED, MEASURED))
    both = pd.DataFrame({"planned": planned, "measured": measured}).sort_index()
    both["formula"] = [theory.largest_delay(int(stages)) for stages in both.index]
    return both


def even_fit(table: pd.DataFrame) -> fits.Polynomial:
    """The polynomial of degree 2 fitted to the planned delays at even S."""
    planned = of_pipedream(table)["planned"].dropna()
    even = planned[planned.index % 2 == 0]
    return fits.polynomial(even.index, even, 2)


def powers(table: pd.DataFrame) -> pd.DataFrame:
    """For each method, the power of S with which the largest delay grows, over all planned numbers of stages from 4 on. A constant delay
    has power 0. Methods with a delay of 0, or with fewer than three numbers of stages, are left out."""
    rows = {}
    for group, runs in table[(table["stages"] >= 4) & (table["group"] != MEASURED)].groupby("group"):
        if (runs["largest"] > 0).all() and runs["stages"].nunique() > 2:
            law = fits.power_law(runs["stages"], runs["largest"])
            rows[group] = {"from S": runs["stages"].min(), "to S": runs["stages"].max(), "power": law.power,
                           "low": law.low, "high": law.high, "largest": runs["largest"].iloc[-1]}
    return pd.DataFrame.from_dict(rows, orient="index").sort_values(["power", "largest"], ascending=False)


def draw(table: pd.DataFrame) -> Figure:
    """Left: PipeDream against the closed form. Right: all methods."""
    style.apply()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), constrained_layout=True)
    draw_pipedream(left, of_pipedream(table))
    _draw_methods(right, table)
    return figure


def draw_pipedream(axes: Axes, both: pd.DataFrame) -> None:
    """Planned and measured delays, and the closed form."""
    stages = np.geomspace(1.5, both.index.max(), 200)
    axes.plot(stages, stages**2 - stages / 2, color=style.INK, linewidth=1.2, label="S² − S/2")
    axes.plot(both.index, both["planned"], ".", color=style.SERIES[0], ms=5, label="planned")
    axes.plot(both.index, both["measured"], "o", mfc="none", mec=style.HIGHLIGHT, mew=1.8, ms=9, label="in real runs")
    axes.set_yscale("log")
    axes.set_ylim(1, 3 * both["planned"].max())
    style.stage_axis(axes, both.index.max())
    axes.legend(frameon=False, loc="upper left")
    axes.set_ylabel("largest own delay (block updates)")
    axes.set_title("a  PipeDream's delay")


def families(table: pd.DataFrame, apart: float = 1.1) -> list[list[str]]:
    """Groups of methods with similar largest delays, largest first: neighbours in a group differ by at most a factor `apart`, at the
    largest number of stages that all methods were planned for."""
    planned = table[(table["group"] != MEASURED) & (table["largest"] > 0)]
    common = planned.groupby("group")["stages"].max().min()
    at_common = planned[planned["stages"] == common].set_index("group")["largest"].sort_values(ascending=False)
    found: list[list[str]] = []
    for group, largest in at_common.items():
        if not found or at_common[found[-1][-1]] > apart * largest:
            found.append([])
        found[-1].append(str(group))
    return found


def _draw_methods(axes: Axes, table: pd.DataFrame) -> None:
    ends, texts, colours = [], [], []
    for family, colour in zip(families(table), style.SERIES):
        for group in family:
            runs = table[(table["group"] == group) & table["stages"].isin(2 ** np.arange(1, 8))]
            axes.plot(runs["stages"], runs["largest"], "o-", color=colour, ms=3.5, linewidth=1.2)
        longest = table[table["group"].isin(family)].nlargest(1, "stages")
        ends.append((longest["stages"].iloc[0], longest["largest"].iloc[0]))
        texts.append(textwrap.fill(", ".join(sorted(family)), 34, break_on_hyphens=False))
        colours.append(colour)
    axes.set_yscale("log")
    style.stage_axis(axes, table["stages"].max())
    axes.set_title("b  Delay of every method")
    style.label_ends(axes, ends, texts, colours)


def answer(table: pd.DataFrame) -> str:
    """The fitted polynomial, and whether plans, real runs and the closed form agree."""
    both, fit = of_pipedream(table), even_fit(table)
    measured = both.dropna()
    wrong = int((both["planned"] != both["formula"]).sum())
    off = int((measured["measured"] != measured["planned"]).sum())
    constant, linear, quadratic = (f"{value:.6f} ± {error:.1g}" for value, error in zip(fit.coefficients, fit.errors))
    by_method = powers(table)
    like = by_method.index[by_method["power"] > 1.5]
    return (
        f"- **Planned**: the largest own delay of the steady state equals ⌊S² − S/2⌋ at {len(both) - wrong} of {len(both)} numbers of stages, "
        f"S = {both.index.min()} to {both.index.max()}.\n"
        f"- **Fit** over even S: ({quadratic}) S² + ({linear}) S + ({constant}); ± is the half width of a 95 % interval.\n"
        f"- **Measured**: {len(measured) - off} of {len(measured)} real runs, S = {measured.index.min()} to {measured.index.max()}, "
        f"have exactly the planned delay.\n"
        f"- **Methods**: the delays of {len(like)} of {len(by_method)} methods grow faster than S^1.5 ({', '.join(like)}). The other methods use "
        f"several microbatches per update, or a replica has no microbatches in flight between two of its updates."
    )
