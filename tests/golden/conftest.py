"""What the golden tests share. They find the analysis package where it lies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))

from problems import Problem, write_problems  # noqa: E402


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Problem]:
    return write_problems(tmp_path_factory.mktemp("problems"))
