"""Runs notebooks of studies on the runs that there are, and writes one self-contained HTML page each:
`report.py delay` writes analysis/out/delay.html; `report.py` alone takes every notebook whose study has runs.

A study's runs are RUNS/NAME, as jobs/sweep.py leaves them. Exit code 1 if a notebook fails, each told in a line.
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
"""For formulas and widgets, of which our notebooks have none; a page that is sent finds them nowhere."""
PATIENCE_S = 1800


def html_of(notebook: Path, runs: Path) -> str:
    """The page of the notebook, run now on the study's folder, with its figures and without its code."""
    os.environ["QUARTIC_STUDY"] = str(runs.resolve())
    os.environ.pop("QUARTIC_RUN", None)  # one run of another folder, which first_look opens
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # else every kernel complains of its own debugger
    content = nbformat.read(notebook, as_version=4)
    ExecutePreprocessor(timeout=PATIENCE_S, startup_timeout=PATIENCE_S, kernel_name="python3").preprocess(content, {"metadata": {"path": str(notebook.parent)}})
    page, _ = HTMLExporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True).from_notebook_node(content)
    return SCRIPTS_FROM_ELSEWHERE.sub("", page).replace("<title>Notebook</title>", f"<title>{notebook.stem}</title>")


def studies_with_runs(runs: Path) -> list[str]:
    """Names of the notebooks whose study has been run."""
    return [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb")) if (runs / path.stem / STUDY_NAME).is_file()]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="STUDY")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the studies' folders are (runs)")
    parser.add_argument("--out", type=Path, default=ANALYSIS / "out", metavar="DIR", help="where the pages go (analysis/out)")
    options = parser.parse_args(arguments)
    names = options.studies or studies_with_runs(options.runs)
    if not names:
        print(f"report.py: {options.runs} has no runs of a study; make some with jobs/sweep.py jobs/studies/delay.toml --local", file=sys.stderr)
        return 2
    unknown = [name for name in names if not (NOTEBOOKS / f"{name}.ipynb").is_file() or not (options.runs / name).is_dir()]
    if unknown:
        print(f"report.py: there is no notebook, or no folder {options.runs / unknown[0]}, of {', '.join(unknown)}", file=sys.stderr)
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
