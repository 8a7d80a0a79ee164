"""The style of all figures: one palette, one set of sizes, direct labels instead of legends.

Colours are from Okabe & Ito (2008) and can be distinguished with every common kind of colour blindness.
Series ordered by a number of stages use viridis, which also prints well in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, NullLocator, StrMethodFormatter

from .files import written_aside

INK = "#222222"
FAINT = "#8C8C8C"
FORWARD = "#56B4E9"
BACKWARD = "#E69F00"
HIGHLIGHT = "#D55E00"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

PIXELS_PER_INCH = 200


def apply() -> None:
    """Sets matplotlib's defaults for all later figures."""
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.labelsize": 10,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": mpl.cycler(color=SERIES),
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.6,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.color": INK,
            "lines.linewidth": 1.8,
            "svg.hashsalt": "quartic",
            "figure.dpi": 110,
        }
    )


def stage_colours(count: int) -> list[tuple[float, ...]]:
    """Colours for `count` series ordered by stages: bright for few stages, dark for many."""
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0.7, 0.02, count)]


def stage_axis(axes: Axes, most: float, least: float = 2) -> None:
    """Sets the x axis to a number of stages: logarithmic, with ticks at powers of two from `least` to `most`."""
    marks = 2 ** np.arange(int(np.floor(np.log2(least))), int(np.floor(np.log2(most))) + 1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_major_formatter(FixedFormatter([str(mark) for mark in marks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("stages S")


def power_of_two(number: float) -> str:
    """The number as text: as a power of two if it is one, else with six digits.

    >>> power_of_two(0.125), power_of_two(0.1)
    ('2⁻³', '0.1')
    """
    exponent = np.log2(number)
    if exponent != round(exponent):
        return f"{number:.6g}"
    return "2" + f"{exponent:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(axis: Axis) -> None:
    """Labels 1, 2, 5, 10, … on a logarithmic axis of less than two decades, which would otherwise have at most one label.

    Call it after the limits of the axis are final.
    """
    low, high = axis.get_view_interval()
    if high < 100 * low:
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_minor_formatter(StrMethodFormatter("{x:g}"))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def name_series(axes: Axes, colours: Mapping[str, str]) -> None:
    """A legend whose names have the colours of their series, in the emptiest corner of the panel."""
    handles = [Line2D([], [], color=colour, marker="o", ms=4, linewidth=1.4) for colour in colours.values()]
    axes.legend(handles, list(colours), frameon=False, labelcolor=list(colours.values()), fontsize=9)


def spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Moves positions apart, as little as possible, until neighbours are at least `gap` apart. Keeps their order.

    >>> spread([1.0, 1.2, 5.0], 1.0).tolist()
    [0.6, 1.6, 5.0]
    """
    order = np.argsort(positions, kind="stable")
    groups: list[list[float]] = []
    for value in np.asarray(positions, dtype=float)[order]:
        groups.append([value])
        while len(groups) > 1 and _low(groups[-1], gap) - _high(groups[-2], gap) < gap:
            groups[-2:] = [groups[-2] + groups[-1]]
    moved = np.concatenate([_low(g, gap) + gap * np.arange(len(g)) for g in groups])
    result = np.empty_like(moved)
    result[order] = moved
    return result


def _low(group: list[float], gap: float) -> float:
    return float(np.mean(group)) - gap * (len(group) - 1) / 2


def _high(group: list[float], gap: float) -> float:
    return _low(group, gap) + gap * (len(group) - 1)


def label_ends(
    axes: Axes, ends: Sequence[tuple[float, float]], texts: Sequence[str], colours: Sequence[object]
) -> None:
    """Labels the end (x, y) of every line with its text. The labels form one column on the right and are moved apart if
    ends are close.

    Call it after the limits and scales of the axes are final.
    """
    to_fraction = axes.transData + axes.transAxes.inverted()
    places = to_fraction.transform(np.asarray(ends, dtype=float))
    column = places[:, 0].max() + 0.015
    for y, text, colour in zip(spread(places[:, 1], 0.065), texts, colours):
        axes.text(
            column, y, text, color=colour, transform=axes.transAxes, va="center", weight="bold"
        )


def save(figure: Figure, stem: Path) -> list[Path]:
    """Writes STEM.png and STEM.svg, creates their folder if needed, and returns their paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    for path in paths:
        # Without a date in it the same runs give the same bytes.
        metadata = {"Date": None} if path.suffix == ".svg" else None
        with written_aside(path) as aside:
            figure.savefig(aside, dpi=PIXELS_PER_INCH, metadata=metadata)
    return paths
