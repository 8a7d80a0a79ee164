"""Tests in Python find the shared modules of tests/support: `from program import quartic`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
