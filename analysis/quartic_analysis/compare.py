"""Our numbers beside others: published ones, or simulations of other programs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def beside(ours: Mapping[str, float], others: Mapping[str, float], source: str = "published") -> pd.DataFrame:
    """One row a number of `others`: `ours`, the column `source` with the other number, `difference` (relative, ours / other − 1).
    NaN where the runs do not have it."""
    table = pd.DataFrame({"ours": pd.Series(ours, dtype=float), source: pd.Series(others, dtype=float)})
    table = table.reindex(list(others))
    table["difference"] = table["ours"] / table[source] - 1
    return table


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `beside` as text: seven digits, and the difference in percent."""
    source = table.columns[1]
    return pd.DataFrame(
        {
            "ours": table["ours"].map("{:.7g}".format),
            source: table[source].map("{:.7g}".format),
            "relative difference": table["difference"].map("{:+.2%}".format),
        }
    )


def largest_difference(table: pd.DataFrame) -> str:
    """One clause: how far the numbers are apart at most."""
    apart = table["difference"].dropna()
    missing = len(table) - len(apart)
    most = apart.abs().idxmax()
    return f"at most {abs(apart[most]):.2g} apart, relative ({most}; {len(apart)} numbers{f', {missing} not run' if missing else ''})"
