"""The demo figure is drawn from any set of PipeDream runs, and refuses what it cannot draw."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

import demo_figure
from quartic_analysis import load, style, theory
from recorded import record, write_finished


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for stages in (2, 4):
        write_finished(record(stages, 40), folder / f"S{stages}")
    return folder


def test_it_writes_both_files(runs: Path, tmp_path: Path) -> None:
    assert demo_figure.main([str(runs), "--out", str(tmp_path / "demo")]) == 0
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["demo.png", "demo.svg"]
    assert imread(tmp_path / "demo" / "demo.png").shape[1] >= 1200


@pytest.mark.parametrize("stages", [2, 4])
def test_the_updates_it_counts_are_the_recorded_delay(runs: Path, stages: int) -> None:
    run = load(runs / f"S{stages}")
    passes = demo_figure.passes_of(run)
    for microbatch in run.steady_window():
        _, between = demo_figure.updates_between(passes, microbatch)
        assert between.sum() == theory.own_delay(stages, 0)


def test_steps_give_the_same_schedule_as_events(runs: Path) -> None:
    run = load(runs / "S4")
    without = type(run)(**{**run.__dict__, "events": run.events[:0]})
    events, steps = demo_figure.passes_of(run), demo_figure.passes_of(without)
    assert events.to_dict("list") == steps.to_dict("list")


def test_a_folder_without_runs_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo_figure.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == (
        f"demo_figure.py: {tmp_path}: no subfolder has a trace.h5 of a pipedream run\n"
    )
    assert not (tmp_path / "out").exists()


def test_labels_move_apart_and_no_further() -> None:
    assert style.spread([5.0, 1.0, 1.2], 1.0).tolist() == pytest.approx([5.0, 0.6, 1.6])
    assert style.spread([1.0, 2.5, 4.0], 1.0).tolist() == [1.0, 2.5, 4.0]
    assert style.spread([0.0, 0.0, 0.0], 1.0).tolist() == [-1.0, 0.0, 1.0]
