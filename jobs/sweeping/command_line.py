"""The command line: one study, one machine, one thing to do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from . import ROOT, Mistake, actions
from .study import SIZES

USER_MISTAKE = 2


class OneLineParser(argparse.ArgumentParser):
    """Reports a mistake in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise Mistake(f"{message}; see jobs/sweep.py --help")


def parser_of(description: str) -> OneLineParser:
    parser = OneLineParser(prog="jobs/sweep.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", type=Path, metavar="STUDY.toml")
    parser.add_argument("--size", choices=SIZES, default="quick", help="of the study (quick)")
    parser.add_argument("--machine", default="local", metavar="NAME", help="jobs/machines/NAME.toml, or a path (local)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the run folders are (runs/STUDY)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR", help="where your own data files are (data/)")
    parser.add_argument("--quartic", metavar="EXE", help="the executable (build/release/quartic, else the one on the PATH)")
    todo = parser.add_mutually_exclusive_group()
    todo.add_argument("--dry-run", action="store_true", help="show what would run, and how long; make nothing")
    todo.add_argument("--local", action="store_true", help="run here what is missing, as many at once as the cores allow")
    todo.add_argument("--submit", action="store_true", help="submit what is missing as one job array")
    todo.add_argument("--status", action="store_true", help="show what is done, running, failed (and why) and missing")
    todo.add_argument("--retry", action="store_true", help="run what failed again, and what is missing: as --local, or as --submit "
                      "where the machine has a scheduler")
    todo.add_argument("--task", type=Path, help=argparse.SUPPRESS)  # of an array's jobs
    return parser


def act(options: argparse.Namespace) -> int:
    if options.task:
        return actions.task(options.task)
    sweep = actions.prepare(options)
    if options.local:
        return actions.local(sweep, retry=False)
    if options.submit:
        return actions.submit(sweep, retry=False)
    if options.retry:
        return (actions.submit if sweep.machine.scheduler == "slurm" else actions.local)(sweep, retry=True)
    if options.status:
        return actions.status(sweep)
    if options.dry_run:
        return actions.dry_run(sweep)
    raise Mistake("say what to do: --dry-run, --local, --submit, --status or --retry")


def main(arguments: list[str], description: str) -> int:
    try:
        return act(parser_of(description).parse_args(arguments))
    except Mistake as mistake:
        print(f"sweep: {mistake}", file=sys.stderr)
        return USER_MISTAKE
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"sweep: {error}", file=sys.stderr)
        return actions.FAILED
    except KeyboardInterrupt:
        print("sweep: stopped before anything was run", file=sys.stderr)
        return actions.FAILED
