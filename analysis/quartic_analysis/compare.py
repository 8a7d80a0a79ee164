"""Our numbers beside published ones."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def beside(ours: Mapping[str, float], published: Mapping[str, float]) -> pd.DataFrame:
    """One row a published number: `ours`, `published`, `difference` (relative, ours / published − 1). NaN where the runs
    do not have it."""
    table = pd.DataFrame({"ours": pd.Series(ours, dtype=float), "published": pd.Series(published, dtype=float)})
    table = table.reindex(list(published))
    table["difference"] = table["ours"] / table["published"] - 1
    return table


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The same as text, seven digits and a difference in percent."""
    return pd.DataFrame(
        {
            "ours": table["ours"].map("{:.7g}".format),
            "published": table["published"].map("{:.7g}".format),
            "relative difference": table["difference"].map("{:+.2%}".format),
        }
    )


def largest_difference(table: pd.DataFrame) -> str:
    """One clause: how far the numbers are apart at most."""
    apart = table["difference"].dropna()
    missing = len(table) - len(apart)
    most = apart.abs().idxmax()
    return f"at most {abs(apart[most]):.2g} apart, relative ({most}; {len(apart)} numbers{f', {missing} not run' if missing else ''})"
