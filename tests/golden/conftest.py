"""Fixtures of the golden tests."""

from __future__ import annotations

import pytest

from problems import Problem, write_problems


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Problem]:
    return write_problems(tmp_path_factory.mktemp("problems"))
