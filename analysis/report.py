"""Runs the notebooks of studies on the existing runs and writes one self-contained HTML page per study:
`report.py delay` writes analysis/out/delay.html. `report.py` without a study runs every notebook whose study has runs.

The runs of a study are in RUNS/STUDY, where jobs/sweep.py writes them. Every notebook that fails is reported in one line, and the
exit code is then 1. The exit code is 2 if a study has no notebook or no runs.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor

from quartic_analysis.files import written_aside
from quartic_analysis.study import STUDY_NAME

ANALYSIS = Path(__file__).resolve().parent
NOTEBOOKS = ANALYSIS / "notebooks"
SCRIPTS_FROM_ELSEWHERE = re.compile(r"<script[^>]* src=.*?</script>", re.DOTALL)
"""External scripts for formulas and widgets. The notebooks use neither, and the page must not depend on other files."""
PATIENCE_S = 1800


def html_of(notebook: Path, runs: Path) -> str:
    """Runs the notebook on the study's folder and returns the HTML page, with figures and without code."""
    os.environ["QUARTIC_STUDY"] = str(runs.resolve())
    os.environ.pop("QUARTIC_RUN", None)  # one run of another folder, which first_look opens
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # else every kernel complains of its own debugger
    content = nbformat.read(notebook, as_version=4)
    ExecutePreprocessor(timeout=PATIENCE_S, startup_timeout=PATIENCE_S, kernel_name="python3").preprocess(content, {"metadata": {"path": str(notebook.parent)}})
    page, _ = HTMLExporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True).from_notebook_node(content)
    return SCRIPTS_FROM_ELSEWHERE.sub("", page).replace("<title>Notebook</title>", f"<title>{notebook.stem}</title>")


def studies_with_runs(runs: Path) -> list[str]:
    """The names of the notebooks whose study has runs."""
    return [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb")) if (runs / path.stem / STUDY_NAME).is_file()]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="name of a study (default: every study that has runs)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder with the studies' folders (default: runs)")
    parser.add_argument("--out", type=Path, default=ANALYSIS / "out", metavar="DIR", help="output folder (default: analysis/out)")
    options = parser.parse_args(arguments)
    names = options.studies or studies_with_runs(options.runs)
    if not names:
        print(f"report.py: {options.runs} has no runs of a study; run one, for example with jobs/sweep.py jobs/studies/delay.toml --local", file=sys.stderr)
        return 2
    unknown = [name for name in names if not (NOTEBOOKS / f"{name}.ipynb").is_file() or not (options.runs / name).is_dir()]
    if unknown:
        print(f"report.py: no notebook in analysis/notebooks or no folder in {options.runs} for {', '.join(unknown)}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names:
        try:
            with written_aside(options.out / f"{name}.html") as aside:
                aside.write_text(html_of(NOTEBOOKS / f"{name}.ipynb", options.runs / name))
            print(options.out / f"{name}.html", flush=True)
        except CellExecutionError as error:
            failed += 1
            print(f"report.py: {name}: {error.ename}: {error.evalue.splitlines()[0] if error.evalue else ''}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
