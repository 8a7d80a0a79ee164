"""The command line: one study, one machine, one action."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from . import ROOT, Mistake, actions
from .study import SIZES

USER_MISTAKE = 2


class OneLineParser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise Mistake(f"{message}; see jobs/sweep.py --help")


def parser_of(description: str) -> OneLineParser:
    parser = OneLineParser(prog="jobs/sweep.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", type=Path, metavar="STUDY.toml", help="the study, for example jobs/studies/delay.toml")
    parser.add_argument("--size", choices=SIZES, default="quick", help="size of the study (default: quick)")
    parser.add_argument("--machine", default="local", metavar="NAME", help="jobs/machines/NAME.toml, or the path of a .toml file (default: local)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run folders (default: runs/STUDY)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR", help="folder of your own data files (default: data/)")
    parser.add_argument("--quartic", metavar="EXE", help="the executable (default: build/release/quartic, else quartic on the PATH)")
    todo = parser.add_mutually_exclusive_group()
    todo.add_argument("--dry-run", action="store_true", help="print the commands and the estimated time; start nothing")
    todo.add_argument("--local", action="store_true", help="run missing and stopped runs here, as many at once as the cores allow")
    todo.add_argument("--submit", action="store_true", help="submit missing and stopped runs as one Slurm job array")
    todo.add_argument("--status", action="store_true", help="print how many runs are complete, running, missing or failed, and why they failed")
    todo.add_argument("--retry", action="store_true", help="also repeat failed runs: as --local, or as --submit "
                      "if the machine has a scheduler")
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
    raise Mistake("no action given; valid: --dry-run, --local, --submit, --status or --retry")


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
        print("sweep: interrupted before any run was started", file=sys.stderr)
        return actions.FAILED
