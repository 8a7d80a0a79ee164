"""The published experiment E5: PipeDream against LocalSGD on a small language model, at equal plan time."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import compare, curves, figures, style
from ..study import Study

PUBLISHED = {"pipedream": 2.48, "local-sgd, H = 1": 2.85, "local-sgd, H = 4": 2.67, "local-sgd, H = 8": 2.66}
"""The training loss of one microbatch at slot 2078 (arXiv 2606.03498), to two digits. The published runs start from PyTorch's default
weights, with a first loss of 4.371; quartic starts a gpt from smaller weights."""
RECENT = 64
"""Microbatches over which the training loss is averaged."""


def readings(study: Study) -> pd.DataFrame:
    """One row per complete run, indexed by its name: `folder`, `f` (f at the end of PipeDream's timeline), `loss` (the mean training loss
    of the last 64 microbatches before that time) and `last` (f at the run's own end)."""
    complete = study.complete
    end = complete.loc[complete["method"] == "pipedream", "plan_end"].iloc[0]
    rows = {}
    for row in complete.itertuples():
        run = study.runs.read(row.folder, ("objective", "loss"))
        name = row.group if row.method == "pipedream" else f"{row.group}, H = {int(float(run.config['local-steps']))}"
        loss = run.loss[run.loss["plan_time"] <= end].sort_values("plan_time")["loss"]
        rows[name] = {"folder": row.folder, "f": curves.value_at(run.objective, end), "loss": loss.tail(RECENT).mean(),
                      "last": run.objective["value"].iloc[-1]}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def beside_published(study: Study) -> pd.DataFrame:
    """Recent training losses of the full size, compared with the published values. The quick size trains another model, so its values are NaN."""
    ours = readings(study)["loss"].to_dict() if study.size == "full" else {}
    return compare.beside(ours, PUBLISHED)


def draw(study: Study) -> Figure:
    """f of all runs against plan time, up to the end of PipeDream's timeline."""
    style.apply()
    figure, axes = plt.subplots(figsize=(7.5, 4.2), constrained_layout=True)
    shown, end = {}, 0.0
    for name, row in readings(study).iterrows():
        objective = study.runs.read(row["folder"], ("objective",)).objective
        end = objective["plan_time"].iloc[-1] if name == "pipedream" else end
        objective = objective[objective["plan_time"] <= end]
        shown[name] = (objective["plan_time"], objective["value"])
    figures.draw_curves(axes, shown, figures.colours_of(list(shown)), log=False)
    axes.set_xlabel("plan time (slots)")
    axes.set_ylabel("loss f(w)")
    axes.set_title("A language model on 16 stages")
    return figure


def answer(study: Study) -> str:
    """The losses of all runs, and which method is lower at the end of PipeDream's timeline."""
    table = readings(study)
    local = table.drop(index="pipedream")["f"]
    ours = table.loc["pipedream", "f"]
    lines = [f"- **{name}**: f = {row['f']:.3f} and recent training loss {row['loss']:.3f} at the end of PipeDream's timeline; "
             f"f = {row['last']:.3f} at the run's own end."
             for name, row in table.iterrows()]  # fmt: skip
    lines.append(f"- At the end of its timeline PipeDream is {'lower' if ours < local.min() else 'not lower'} than the best LocalSGD "
                 f"({local.idxmin()}): {ours:.3f} and {local.min():.3f}.")
    if study.size == "full":
        lines.append(f"- **Published**, the training loss of one microbatch from other initial weights: {compare.largest_difference(beside_published(study))}.")
    return "\n".join(lines)
