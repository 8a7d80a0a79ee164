"""Exports runs for TensorBoard: `export_tensorboard.py RUN... [--out DIR]`, then `tensorboard --logdir DIR`.

RUN is a run folder or its trace.h5. Every run becomes a folder DIR/NAME with one event file, where NAME is the name of the
run's folder. The scalars are the loss of each microbatch, the objective, held-out loss and accuracy, and the means of
staleness and delays of each stage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quartic_analysis import TraceError, load
from quartic_analysis.tensorboard import export

USER_MISTAKE = 2
TABLES = ("steps", "loss", "objective", "validation")


def run_name(run: Path) -> str:
    return (run if run.is_dir() else run.parent).resolve().name


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="export_tensorboard.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, metavar="RUN", nargs="+", help="run folder or trace.h5")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("runs/tensorboard"), help="output folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    names = [run_name(run) for run in options.runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        print(f"export_tensorboard.py: two runs have the folder name {twice}; export them with different --out", file=sys.stderr)
        return USER_MISTAKE
    try:
        for run, name in zip(options.runs, names):
            path, count = export(load(run, TABLES), options.out / name)
            print(f"{path}: {count} points")
    except TraceError as error:
        print(f"export_tensorboard.py: {error}", file=sys.stderr)
        return USER_MISTAKE
    except OSError as error:
        print(f"export_tensorboard.py: cannot write {error.filename or options.out}: {error.strerror or error}", file=sys.stderr)
        return USER_MISTAKE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
