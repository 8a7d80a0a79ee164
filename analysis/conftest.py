"""Lets the tests import the package and the independent reference without an installation."""

import sys
from pathlib import Path

ANALYSIS = Path(__file__).resolve().parent
sys.path[:0] = [str(ANALYSIS), str(ANALYSIS.parent / "tests" / "golden")]
