"""Compares our numbers with published ones or with simulations by other programs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def beside(ours: Mapping[str, float], others: Mapping[str, float], source: str = "published") -> pd.DataFrame:
    """One row per entry of `others`: `ours`, a column named by `source` with the other number, and `difference` (ours / other − 1).
    `ours` is NaN if the runs do not have the number."""
    table = pd.DataFrame({"ours": pd.Series(ours, dtype=float), source: pd.Series(others, dtype=float)})
    table = table.reindex(list(others))
    table["difference"] = table["ours"] / table[source] - 1
    return table


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `beside` as text: numbers with seven digits, and the difference in percent."""
    source = table.columns[1]
    return pd.DataFrame(
        {
            "ours": table["ours"].map("{:.7g}".format),
            source: table[source].map("{:.7g}".format),
            "relative difference": table["difference"].map("{:+.2%}".format),
        }
    )


def largest_difference(table: pd.DataFrame) -> str:
    """One clause: the largest relative difference of the table."""
    apart = table["difference"].dropna()
    missing = len(table) - len(apart)
    most = apart.abs().idxmax()
    return f"the largest relative difference is {abs(apart[most]):.2g} ({most}; {len(apart)} numbers{f', {missing} not run' if missing else ''})"
