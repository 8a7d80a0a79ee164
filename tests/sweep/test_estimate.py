"""How long runs will take: the line through those that have ended, and its sum over a machine's cores."""

import sys
from types import SimpleNamespace

import pytest

from program import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "jobs"))
from sweeping.estimate import Estimate, Line, duration  # noqa: E402


def line_through(points):
    line = Line()
    for work, seconds in points:
        line.add(work, seconds)
    return line


def test_a_line_is_found():
    line = line_through([(work, 0.1 + 0.03 * work) for work in (1, 2, 5, 9)])
    assert line.at(100) == pytest.approx(3.1) and line.at(0) == pytest.approx(0.1)


def test_least_squares():
    points = [(1, 2.0), (2, 2.5), (4, 5.5), (7, 7.0)]
    rate, start = 37 / 42, 7 / 6  # numpy.polyfit(*zip(*points), 1)
    assert line_through(points).at(10) == pytest.approx(start + 10 * rate)


def test_neither_start_nor_rate_is_below_0():
    assert line_through([(2, 1.0), (4, 5.0)]).at(9) == pytest.approx(9.0)  # through the origin: 3 s for a work of 3
    assert line_through([(2, 5.0), (4, 1.0)]).at(9) == pytest.approx(3.0)
    assert line_through([(3, 2.0)]).at(50) == pytest.approx(2.0)


def run(group, work, seconds=None, cores=1):
    record = seconds and SimpleNamespace(outcome="complete", seconds=seconds)
    return SimpleNamespace(choice=SimpleNamespace(group=group), work=work, cores=lambda machine: cores,
                           folder=SimpleNamespace(record=lambda: record))


def test_each_group_has_its_own_line():
    estimate = Estimate([run("slow", 10, 10.0), run("slow", 20, 20.0), run("fast", 10, 1.0), run("fast", 20, 2.0)])
    assert estimate.seconds(run("slow", 30)) == pytest.approx(30) and estimate.seconds(run("fast", 30)) == pytest.approx(3)
    assert estimate.seconds(run("new", 15)) == pytest.approx(8.25)
    assert Estimate([]).seconds(run("new", 15)) is None


def test_runs_side_by_side():
    estimate = Estimate([run("all", 1, 4.0)])
    machine = SimpleNamespace(all_cores=2)
    assert estimate.seconds_on(machine, [run("all", 1)] * 3) == pytest.approx(6)
    assert estimate.seconds_on(machine, [run("all", 1, cores=2)] * 3) == pytest.approx(12)
    assert estimate.seconds_on(machine, [run("all", 1)]) == pytest.approx(4)  # one run is not divided


def test_durations():
    assert [duration(seconds) for seconds in (0.4, 59, 67, 7500)] == ["0s", "59s", "1m07s", "2h05m"]
