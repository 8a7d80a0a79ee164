"""The repository's own studies: the sweep tool takes every one, and the quickest go from their file to their notebook's answer.
The others' quick sizes are run by `make check-all`."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from program import EXECUTABLE, REPOSITORY

sys.path.insert(0, str(REPOSITORY / "jobs"))
from sweeping.study import SIZES, load_study  # noqa: E402

sys.path.insert(0, str(REPOSITORY / "analysis"))
from quartic_analysis import fits, load_study as load_runs  # noqa: E402
from quartic_analysis.studies import stale_read  # noqa: E402

STUDIES = sorted((REPOSITORY / "jobs" / "studies").glob("*.toml"))
NOTEBOOKS = REPOSITORY / "analysis" / "notebooks"
OF_EXPERIMENTS = {"delay", "stale-read", "convergence", "crossover", "paci", "timeprest", "bubbles", "e1", "e2", "e3", "e4", "e5"}


def named(paths):
    return [pytest.param(path, id=path.stem) for path in paths]


def test_every_experiment_has_a_study_and_its_notebook():
    assert OF_EXPERIMENTS <= {path.stem for path in STUDIES}
    assert OF_EXPERIMENTS <= {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


@pytest.mark.parametrize("path", named(path for path in STUDIES if path.stem in OF_EXPERIMENTS))
def test_a_study_has_both_sizes_and_says_what_they_cost(path):
    sizes = {size: load_study(path, size) for size in SIZES}
    assert 0 < len(sizes["quick"].choices) <= len(sizes["full"].choices)
    opening = re.match(r"(#.*\n)+", path.read_text())
    assert opening and "quick" in opening[0] and "full" in opening[0]


@pytest.mark.parametrize("path", named(path for path in STUDIES if path.stem in OF_EXPERIMENTS))
def test_the_quick_size_needs_no_file_of_the_users(path):
    """So it can be run where nothing can be fetched."""
    study = load_study(path, "quick")
    used = {str(value).partition("@")[2] for choice in study.choices for value in choice.options.values() if "@" in str(value)}
    assert all("make" in study.data[name] for name in used)


def sweep_quick(study, folder):
    """The quick size of a study, in folder/NAME."""
    words = [sys.executable, str(REPOSITORY / "jobs" / "sweep.py"), str(study), "--local",
             "--quartic", str(EXECUTABLE), "--out", str(folder / study.stem), "--data", str(folder / "data")]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def shown_by(name, folder, monkeypatch):
    """Runs the notebook on these runs; returns its answer, and all the text and the number of figures before it."""
    monkeypatch.setenv("QUARTIC_STUDY", str(folder / name))
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}).execute()
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "\n".join(data.get("text/plain", "") for data in outputs)
    return outputs[-1]["text/markdown"], text, sum("image/png" in data for data in outputs)


def test_delay_finds_the_polynomial_and_measures_what_was_planned(tmp_path, monkeypatch):
    sweep_quick(REPOSITORY / "jobs" / "studies" / "delay.toml", tmp_path)
    answer, _, figures = shown_by("delay", tmp_path, monkeypatch)
    quadratic, linear = (float(found) for found in re.findall(r"\((-?[\d.]+) ± [^)]*\) S", answer))
    assert quadratic == pytest.approx(1, abs=0.001) and linear == pytest.approx(-0.5, abs=0.01)
    assert "at 12 of 12 numbers of stages, S = 1 to 128" in answer
    assert "5 of 5 real runs, S = 2 to 32, have exactly the planned delay" in answer
    assert figures == 1


def test_e1_prints_ours_beside_the_published_digits(tmp_path, monkeypatch):
    sweep_quick(REPOSITORY / "jobs" / "studies" / "e1.toml", tmp_path)
    answer, text, figures = shown_by("e1", tmp_path, monkeypatch)
    for digits in ("2.38", "1.199891e-11", "7.466453e-08", "2.30"):
        assert digits in text
    apart = float(re.search(r"difference is ([\d.e-]+)", answer)[1])
    assert apart < 1e-3 and "not run" not in answer
    assert figures == 1


MADE_UP = """
question = "Which powers of S have gradients that are known?"
notebook = "stale-read.ipynb"
[data.slope]
make = "slope --rows 10 --features 512"
[data.flat]
make = "flat --rows 10 --features 512"
[options]
method = "pipedream"
objective = "quadratic"
microbatch-size = 1
microbatches = 512
trace-every = 4
trace-stale-read = 4
[[group]]
name = "constant"
[group.options]
data = "@slope"
[group.vary]
stages = [2, 4, 8, 16, 32]
learning-rate = [0.004, 0.002]
[[group]]
name = "noise"
[group.options]
data = "@flat"
gradient-noise = 0.5
[group.vary]
stages = [2, 4, 8, 16, 32]
learning-rate = [0.004, 0.002]
seed = [1, 2]
"""


def test_stale_reads_of_made_up_gradients_have_the_powers_of_theory(tmp_path):
    """A gradient that is the same everywhere, and noise of known variance: with block norms fixed (scaled) and with the whole
    norm fixed (raw, for a block's share of the 512 coordinates falls as 1/S)."""
    (tmp_path / "made-up.toml").write_text(MADE_UP)
    sweep_quick(tmp_path / "made-up.toml", tmp_path)
    samples = stale_read.samples(load_runs(tmp_path / "made-up"))
    found, lines = stale_read.powers(samples), stale_read.line_powers(32)
    for group, line in (("constant", "one direction"), ("noise", "pure noise")):
        assert found.loc[group, "power"] == pytest.approx(lines[line], abs=0.03)
        raw = stale_read.over_seeds(samples, "raw", group)
        assert fits.power_over_seeds(raw.columns, raw).value == pytest.approx(lines[line] - 1, abs=0.03)
        assert stale_read.step_powers(samples, group).to_numpy() == pytest.approx(2, abs=1e-6)
    noise, constant = samples[samples["group"] == "noise"], samples[samples["group"] == "constant"]
    assert noise["noise"].to_numpy() == pytest.approx(1, abs=0.05) and (constant["noise"] == 0).all()
    assert (constant["block"] * constant["stages"]).to_numpy() == pytest.approx(512)
