"""Every stored notebook runs from top to bottom, and none is stored with outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import report
from recorded import record, write_finished

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in paths]


@pytest.mark.parametrize("path", named(NOTEBOOKS))
def test_it_is_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("path", named(NOTEBOOKS))
def test_it_reads_only_through_the_package(path: Path) -> None:
    assert "h5py" not in path.read_text()


def test_first_look_answers_with_the_numbers_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_finished(record(4, 60), tmp_path / "S4")
    monkeypatch.setenv("QUARTIC_RUN", str(tmp_path / "S4"))
    path = next(path for path in NOTEBOOKS if path.stem == "first_look")
    stored = path.read_bytes()
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    answer = notebook.cells[-1].outputs[0]["data"]["text/markdown"]
    assert "exactly S - 1 - s" in answer
    assert "largest own delay is 14 block updates" in answer
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    assert path.read_bytes() == stored


def test_the_report_of_first_look_shows_the_runs_of_its_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the demonstration's, nor one that the environment names."""
    for stages in (4, 2):
        write_finished(record(stages, 60), tmp_path / "runs" / "first_look" / f"run{stages}")
    monkeypatch.setenv("QUARTIC_RUN", str(tmp_path / "elsewhere"))
    assert report.main(["first_look", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "first_look.html").read_text()
    assert "2 runs, 2 complete" in page and "<code>run4</code>" in page
    assert "<td>run2</td>" in page and "<td>run4</td>" in page
