"""Does the cost of staleness grow as S⁴? `question_figure.py RUNS --out analysis/out` reads the studies RUNS/delay and
RUNS/stale-read, writes question.png and question.svg, and prints the results of these runs. The two studies do not decide
the question.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pandas as pd  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from quartic_analysis import TraceError, fits, load_study, style  # noqa: E402
from quartic_analysis.figures import colours_of  # noqa: E402
from quartic_analysis.studies import delay, stale_read  # noqa: E402

NAMES = {
    "pipedream": "logistic",
    "pipedream, quadratic": "quadratic",
    "pipedream, constant gradient": "one direction",
    "pipedream, noise alone": "pure noise",
}
"""The groups of stale-read that the figure shows: PipeDream with four kinds of gradient."""


def of_pipedream(samples: pd.DataFrame) -> pd.DataFrame:
    """The samples of the groups in NAMES, with their short names."""
    chosen = samples[samples["group"].isin(list(NAMES))]
    return chosen.assign(group=chosen["group"].map(NAMES))


def draw(delays: pd.DataFrame, samples: pd.DataFrame) -> Figure:
    """Two panels for PipeDream: the delay, and the stale reads that it causes."""
    style.apply()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), constrained_layout=True)
    delay.draw_pipedream(left, delay.of_pipedream(delays))
    left.set_title("a  The delay grows as S²")
    samples = of_pipedream(samples)
    stale_read.draw_scaled(right, samples, colours_of(list(NAMES.values())))
    right.set_title("b  Stale reads: between S² and S³")
    return figure


def sentences(delays: pd.DataFrame, samples: pd.DataFrame) -> str:
    """The results as text, one sentence per study."""
    fit = delay.even_fit(delays)
    powers = stale_read.powers(of_pipedream(samples))
    lines = stale_read.line_powers(samples["stages"].max())
    return (
        f"The largest delay of PipeDream in the steady state is {fit.coefficients[2]:.3f} S² {fit.coefficients[1]:+.3f} S block updates. "
        f"During this delay the weights move. The squared distance, in units of γ² times a block gradient's squared norm, grows as "
        f"S^{powers['power'].min():.2f} to S^{powers['power'].max():.2f}, from pure noise to gradients of one direction. "
        f"The bound behind S⁴ fits as S^{lines['bound, S⁴']:.2f} over the same S."
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="question_figure.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, metavar="RUNS", help="folder with the studies delay and stale-read")
    parser.add_argument("--out", type=Path, default=Path("analysis/out"), metavar="DIR", help="output folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        delays = delay.delays(load_study(options.runs / "delay"))
        samples = stale_read.samples(load_study(options.runs / "stale-read"))
        paths = style.save(draw(delays, samples), options.out / "question")
    except (TraceError, OSError) as error:
        print(f"question_figure.py: {error}", file=sys.stderr)
        return 1
    print(*paths, sep="\n")
    print(sentences(delays, samples))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
