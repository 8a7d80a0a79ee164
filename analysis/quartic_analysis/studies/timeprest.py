"""Which rule of the TiMePReSt family trains best, per epoch and per byte?"""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import figures, fits, style
from ..overhead import progress
from ..study import Study


def named(study: Study) -> pd.DataFrame:
    """The complete runs with a column `rule`: the method, and for i-timeprest also λ."""
    complete = study.complete.copy()
    swept = complete["method"] == "i-timeprest"
    complete["rule"] = complete["method"]
    complete.loc[swept, "rule"] += complete.loc[swept, "lambda"].map(", λ = {:g}".format)
    return complete


def rules(study: Study) -> pd.DataFrame:
    """One row per rule:

    - `accuracy`, `low`, `high`: final accuracy, mean over seeds with its interval
    - `best`: the highest accuracy of any seed and epoch
    - `objective`: final objective, mean over seeds
    - `copies`: the largest number of weight copies in the steady state, mean over stages
    - `weights_mb`, `activations_mb`: peak MB of weights and stashes, and of activations
    """
    rows = {}
    for rule, runs in named(study).groupby("rule", sort=False):
        traces = [study.runs.read(folder, ("objective", "steps")) for folder in runs["folder"]]
        accuracy = fits.bootstrap([trace.objective["accuracy"].iloc[-1] for trace in traces])
        copies = traces[0].steady().groupby("stage")["weight_copies"].max().mean()
        rows[rule] = {
            "accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high,
            "best": max(trace.objective["accuracy"].max() for trace in traces), "objective": runs["objective_last"].mean(),
            "copies": copies, "weights_mb": (runs["weights_bytes"] + runs["stashes_bytes"]).mean() / 1e6,
            "activations_mb": runs["activations_bytes"].mean() / 1e6}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")


def draw(study: Study) -> Figure:
    """The objective of every rule against images, and its final value against peak memory."""
    style.apply()
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 4.4), constrained_layout=True, width_ratios=(1.25, 1))
    runs = named(study)
    names = list(runs["rule"].unique())
    colours = {name: plt.get_cmap("tab10")(place % 10) for place, name in enumerate(names)}
    shown = {}
    for rule, same in runs.groupby("rule", sort=False):
        parts = [study.runs.read(folder, ("objective",)) for folder in same["folder"]]
        mean = pd.concat([part.objective["value"] for part in parts], axis=1).mean(axis=1)
        images = progress(parts[0]).microbatches * float(same["microbatch-size"].iloc[0])
        shown[rule] = (images / 1000, mean)
    figures.draw_curves(left, shown, colours)
    left.set_xlabel("images seen (thousands)")
    left.set_ylabel("objective f(w)")
    left.set_title("a  Objective against images seen")
    _draw_bytes(right, rules(study), colours)
    return figure


def _draw_bytes(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    total = table["weights_mb"] + table["activations_mb"]
    for rule, row in table.iterrows():
        axes.plot(total[rule], row["objective"], "o", color=colours[rule], ms=8)
    axes.set_yscale("log")
    axes.margins(x=0.12, y=0.12)
    axes.autoscale_view()
    style.log_axis(axes.yaxis)
    axes.set_xlabel("peak MB of weights, stashes and activations")
    axes.set_ylabel("final objective f(w)")
    axes.set_title("b  Objective against memory")


def answer(study: Study) -> str:
    """Which rules have the lowest loss and the fewest bytes of weights."""
    table = rules(study)
    best, least = table["objective"].idxmin(), table["weights_mb"].idxmin()
    family = table.drop(index="pipedream", errors="ignore")
    swept = family[family.index.str.startswith("i-timeprest")]
    by_lambda = ", ".join(f"{rule.split(', ')[1]}: {loss:.4f}" for rule, loss in swept["objective"].items())
    worst, most = family["objective"].idxmax(), table["weights_mb"].idxmax()
    return (
        f"- **Per epoch**: {best} has the lowest final loss, {table.loc[best, 'objective']:.4f} (accuracy {table.loc[best, 'accuracy']:.1%}); "
        f"the losses of the family lie between {family['objective'].min():.4f} ({family['objective'].idxmin()}) and {family.loc[worst, 'objective']:.4f} "
        f"({worst}).\n"
        f"- **Per byte**: {least} holds the fewest bytes of weights, {table.loc[least, 'weights_mb']:.2f} MB in "
        f"{table.loc[least, 'copies']:.1f} copies per stage, and its final loss is {table.loc[least, 'objective']:.4f}. {most} holds the most, "
        f"{table.loc[most, 'weights_mb']:.2f} MB.\n"
        f"- **i-timeprest**, final loss by λ: {by_lambda}.\n"
        "- **Not shown**: which rule is better in general. All rules use the same step size, which is not tuned, and the accuracy is measured on the "
        "training images."
    )
