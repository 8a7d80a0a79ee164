"""With which power of S and γ does ‖w_k − z_k‖² grow, and how aligned are the gradients?

A sample is a squared distance over all blocks, between the weights when stage 0 is about to apply a microbatch and the weights that
the microbatch's forward read. *Raw* is the mean of the samples. *Scaled* is *raw* divided by γ² and by the mean squared norm of a block's
gradient, which removes the size of the gradients: then gradients of one direction grow as S³ and pure noise grows as S², as the theoretical
curves at finite S show. Both means are taken over the second half of the run, without the drain, so that every number of
stages is measured in the same phase of training.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import figures, fits, style, theory
from ..study import Study
from ..trace import Run

LINES = {
    "bound, S⁴": theory.stale_read_bound,
    "refined bound, S³": theory.refined_stale_read_bound,
    "one direction": theory.stale_read_aligned,
    "pure noise": theory.stale_read_noise,
}
"""Theoretical curves of ‖w − z‖² for PipeDream, in units of γ² times the squared norm of a block's gradient."""


def samples(study: Study) -> pd.DataFrame:
    """One row per complete run: `group`, `stages`, `step` (the step size), `seed`, `raw`, `block` (the mean squared norm of a block's
    gradient), `scaled`, and `noise` (the share of `block` that comes from --gradient-noise)."""
    rows = []
    for run in study.complete.itertuples():
        trace = study.runs.read(run.folder, ("blocks", "steps", "stale_read"), ("microbatch", "gradient_sq", "value"))
        raw, block = _in_window(trace, trace.stale_read, "value"), _in_window(trace, trace.steps, "gradient_sq")
        step = float(trace.config["learning-rate"])
        noise = float(trace.config["gradient-noise"]) ** 2 * trace.blocks["parameters"].mean() / trace.accumulate
        rows.append({"group": run.group, "stages": run.stages, "step": step, "seed": run.seed, "raw": raw, "block": block,
                     "scaled": raw / (step**2 * block), "noise": noise / block})  # fmt: skip
    return pd.DataFrame(rows)


def _in_window(trace: Run, table: pd.DataFrame, column: str) -> float:
    """The mean over the second half of the microbatches but for the drain: S of a pipeline's, S² of RPD's, which has S times as many."""
    microbatches = trace.microbatches
    drain = trace.stages * (trace.stages if trace.method == "rpd" else 1)
    inside = table["microbatch"].between(microbatches // 2, microbatches - drain - 1)
    return float(table.loc[inside, column].mean())


def over_seeds(table: pd.DataFrame, column: str, group: str) -> pd.DataFrame:
    """The values of a column for one group at its larger step size: [seeds, stages]."""
    rows = table[(table["group"] == group) & (table["step"] == table.loc[table["group"] == group, "step"].max())]
    return rows.pivot(index="seed", columns="stages", values=column).dropna()


def powers(table: pd.DataFrame) -> pd.DataFrame:
    """One row per group:

    - `raw` and `scaled`: their powers of S as text, with 95 % intervals over seeds (one seed: the interval of the fitted line)
    - `power of γ`: the power p such that `raw` grows by 2^p when the step size doubles; mean and range over S
    - `noise`: the share of noise at the smallest and the largest S
    - `power`, `low`, `high`: the power of `scaled` as numbers
    """
    rows = {}
    for group in table["group"].unique():
        raw, scaled = over_seeds(table, "raw", group), over_seeds(table, "scaled", group)
        found, found_raw = (fits.power_over_seeds(curve.columns, curve) for curve in (scaled, raw))
        of_step = step_powers(table, group)
        noise = over_seeds(table, "noise", group).mean()
        rows[group] = {
            "S": f"{raw.columns.min()} to {raw.columns.max()}", "seeds": len(raw), "raw": found_raw.shown(), "scaled": found.shown(),
            "power of γ": f"{of_step.mean():.2f} ({of_step.min():.2f} to {of_step.max():.2f})",
            "noise": f"{noise.iloc[0]:.0%} to {noise.iloc[-1]:.0%}",
            "power": found.value, "low": found.low, "high": found.high}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def step_powers(table: pd.DataFrame, group: str) -> pd.Series:
    """For each S, the power of γ between the two step sizes, from means over seeds."""
    means = table[table["group"] == group].pivot_table(index="stages", columns="step", values="raw")
    small, large = means.columns.min(), means.columns.max()
    return np.log(means[large] / means[small]) / np.log(large / small)


def line_powers(most: int) -> pd.Series:
    """The powers of S that a fit finds for the theoretical curves over S = 2 … most."""
    stages = 2 ** np.arange(1, int(np.log2(most)) + 1)
    return pd.Series({name: fits.power_law(stages, [line(int(s)) for s in stages]).power for name, line in LINES.items()})


def draw(table: pd.DataFrame) -> Figure:
    """The scaled stale reads against S, and the fitted powers of all groups."""
    style.apply()
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), constrained_layout=True, width_ratios=(1.35, 1))
    groups = list(table["group"].unique())
    colours = {group: plt.get_cmap("tab10")(place % 10) for place, group in enumerate(groups)}
    draw_scaled(left, table, colours)
    _draw_powers(right, powers(table), line_powers(table["stages"].max()), colours)
    return figure


def draw_scaled(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    """`scaled` against S for the groups in `colours`, with bands over seeds, and the theoretical curves."""
    stages = 2 ** np.arange(1, int(np.log2(table["stages"].max())) + 1)
    for name, line in LINES.items():
        y = [line(int(s)) for s in stages]
        axes.plot(stages, y, color=style.FAINT, linewidth=1, linestyle="--", zorder=1)
        if "bound" in name:  # the others lie on the made-up gradients' points
            axes.annotate(name, (stages[-2], y[-2]), xytext=(-5, 4), textcoords="offset points", ha="right", color="#555555")
    found = []
    for group in colours:
        for count, values in over_seeds(table, "scaled", group).items():
            band = fits.bootstrap(values)
            found.append({"group": group, "stages": count, "mean": band.value, "low": band.low, "high": band.high})
    figures.draw_growth(axes, pd.DataFrame(found), colours)
    axes.set_ylabel("‖w − z‖² / (γ² mean squared block gradient)")
    axes.set_title("a  Stale reads; dashed: theoretical curves")


def _draw_powers(axes: Axes, found: pd.DataFrame, lines: pd.Series, colours: dict) -> None:
    for place, (group, row) in enumerate(found.iterrows()):
        axes.plot([row["low"], row["high"]], [place, place], color=colours[group], linewidth=2.5)
        axes.plot(row["power"], place, "o", color=colours[group], ms=7)
    for place, (name, power) in enumerate(lines.sort_values().items()):
        axes.axvline(power, color=style.FAINT, linewidth=1, linestyle="--", zorder=1)
        axes.annotate(f"{name} {power:.2f}", (power, 1), xycoords=("data", "axes fraction"), xytext=(-2 if place % 2 else 2, -2), rotation=90,
                      textcoords="offset points", va="top", ha="right" if place % 2 else "left", fontsize=8.5, color="#555555")  # fmt: skip
    axes.set_yticks(range(len(found)), found.index)
    axes.set_ylim(len(found) - 0.5, -0.35 * len(found))  # room above for the names of the lines
    axes.set_xlabel("fitted power of S")
    axes.set_title("b  Powers of S (95 % intervals over seeds)")


def answer(table: pd.DataFrame) -> str:
    """The power of each group, its regime, and the comparison with S⁴."""
    found, lines = powers(table), line_powers(table["stages"].max())
    text = []
    for group, row in found.iterrows():
        text.append(f"- **{group}**: scaled S^{row['scaled']}, raw S^{row['raw']}, γ^{row['power of γ']}. Regime: {regime(row['power'], lines)}. "
                    f"Noise is {row['noise']} of a block's squared gradient.")
    above = found.index[found["power"] > lines["bound, S⁴"]]
    reached = f"Groups that grow faster than the published bound: {', '.join(above)}" if len(above) else "No group grows that fast"
    text.append(f"- **S⁴?** The published bound fits as S^{lines['bound, S⁴']:.2f} over these S, the refined bound as "
                f"S^{lines['refined bound, S³']:.2f}. {reached}. The largest scaled power is {found['power'].max():.2f} ({found['power'].idxmax()}). "
                "‖w − z‖² is a displacement, not a cost: at fixed block norms it counts updates. It does not decide what staleness costs.")
    return "\n".join(text)


def regime(power: float, lines: pd.Series) -> str:
    """Where the power lies between pure noise and gradients of one direction, as a phrase."""
    noise, aligned = lines["pure noise"], lines["one direction"]
    share = (power - noise) / (aligned - noise)
    if share < -0.1:
        return f"below pure noise ({noise:.2f})"
    if share < 0.1:
        return f"pure noise ({noise:.2f})"
    if share > 0.9:
        return f"gradients of one direction ({aligned:.2f})"
    return f"{share:.0%} of the way from pure noise ({noise:.2f}) to gradients of one direction ({aligned:.2f})"
