"""What the studies compute, on small tables; whole studies are tested in tests/studies and by `make check-all`."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import report
from quartic_analysis import load_study
from quartic_analysis.studies import bubbles, crossover, delay, paci, stale_read
from recorded import record, write_finished


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PipeDream on 2, 4 and 8 stages, each twice: as planned and as measured."""
    folder = tmp_path_factory.mktemp("runs") / "delay"
    runs = []
    for group in ("pipedream", "measured"):
        for stages in (2, 4, 6, 8, 10):
            name = f"{group}{stages}"
            write_finished(record(stages, 6 * stages + 4), folder / name)
            runs.append({"folder": name, "group": group, "options": {"stages": stages}})
    (folder / "study.json").write_text(json.dumps({"study": "delay", "size": "quick", "question": "?", "runs": runs}))
    return folder


def test_delays_and_their_polynomial(study: Path) -> None:
    found = delay.delays(load_study(study))
    both = delay.of_pipedream(found)
    assert both["planned"].tolist() == both["measured"].tolist() == both["formula"].tolist() == [3, 14, 33, 60, 95]
    np.testing.assert_allclose(delay.even_fit(found).coefficients, [0, -0.5, 1], atol=1e-9)
    assert "5 of 5 numbers of stages" in delay.answer(found)
    found.loc[found["group"] == "measured", "largest"] += 1
    assert "0 of 5 real runs" in delay.answer(found)


def test_methods_of_like_delay_are_one_family() -> None:
    rows = [("a", 4, 14.0), ("a", 8, 60.0), ("b", 4, 15.0), ("b", 8, 62.0), ("flush", 4, 3.0), ("flush", 8, 7.0)]
    assert delay.families(pd.DataFrame(rows, columns=["group", "stages", "largest"])) == [["b", "a"], ["flush"]]


def test_a_crossing_is_where_the_later_winner_takes_the_lead_for_good() -> None:
    times = [0, 1, 2, 3, 4]
    falling = pd.Series([9.0, 5, 4, 2, 1], index=times)
    assert crossover.crossing(falling, pd.Series([9.0, 6, 3, 3, 3], index=times)) == 3
    assert crossover.crossing(falling, pd.Series([9.0, 6, 5, 4, 3], index=times)) == 0


@pytest.mark.parametrize(("accumulate", "bounds"), [(1, [7, 6, 5, 4, 3, 2, 1, 0]), (4, [2, 2, 2, 1, 1, 1, 1, 0]), (8, [1] * 7 + [0])])
def test_the_drift_bound_of_paci(accumulate: int, bounds: list[int]) -> None:
    assert [paci.drift_bound(8, stage, accumulate) for stage in range(8)] == bounds


def test_pipedream_has_no_planned_bubble_and_none_is_measured_in_one_process(study: Path) -> None:
    run = load_study(study).runs["pipedream4"]
    assert bubbles.bubble(run, "planned") == 0
    assert np.isnan(bubbles.bubble(run, "measured"))
    assert bubbles.bubble(load_study(study).runs["pipedream2"], "planned") == 0


def test_theory_lines_name_the_regime() -> None:
    lines = stale_read.line_powers(64)
    assert lines.round(2).to_dict() == {"bound, S⁴": 4.15, "refined bound, S³": 3.07, "one direction": 3.21, "pure noise": 2.10}
    assert stale_read.regime(2.1, lines).startswith("pure noise")
    assert stale_read.regime(3.2, lines).startswith("gradients of one direction")
    assert stale_read.regime(2.6, lines).startswith("45% of the way")
    assert stale_read.regime(1.1, lines).startswith("below pure noise")


def test_a_report_is_one_self_contained_page(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--runs", str(study.parent), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "delay.html").read_text()
    assert "data:image/png;base64," in page and "5 of 5 real runs" in page
    assert 'src="http' not in page and 'src="file' not in page and "<link" not in page
    assert capsys.readouterr().out == f"{tmp_path / 'delay.html'}\n"


def test_a_report_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (([], "jobs/sweep.py"), (["none"], "no notebook")):
        assert report.main([*words, "--runs", str(tmp_path), "--out", str(tmp_path)]) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_notebook_that_fails_leaves_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [nbformat.v4.new_code_cell("raise ValueError('no such run')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "broken.ipynb")
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)
    assert report.main(["broken", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 1
    assert "broken: ValueError: no such run" in capsys.readouterr().err
    assert not (tmp_path / "broken.html").exists()
