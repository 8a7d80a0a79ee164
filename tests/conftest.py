"""Tests in Python find the shared modules: `from program import quartic`, and what the tests of the executable share, `runs`."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "program")]
