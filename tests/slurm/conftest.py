"""These tests share `runs` with those of the executable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "program"))
