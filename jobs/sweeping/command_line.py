"""The command line: one study, one machine, one thing to do."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from . import ROOT, Mistake, make_folder, report, slurm
from .answers import Answers
from .data import DataFile, data_files, require_user_files
from .estimate import Estimate
from .local import Pool, Stopped
from .machine import Machine, load_machine
from .program import find_program
from .progress import Progress, announced
from .runs import Run, require_ranks, runs_of, write_study
from .standing import Standing, at_work, standings, to_make
from .study import SIZES, Study, load_study
from .submission import read_submission

DONE, FAILED, USER_MISTAKE = 0, 1, 2


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


@dataclass(frozen=True)
class Sweep:
    """A study whose runs are known, on a machine that can take them."""

    study: Study
    files: dict[str, DataFile]
    machine: Machine
    answers: Answers
    out: Path
    runs: list[Run]

    @property
    def program(self) -> Path:
        return self.answers.program

    def resolved(self) -> Sweep:
        """Makes the data that is missing, after which every run has its folder, and writes DIR/study.json."""
        missing = report.data_to_make(self.runs)
        for file in missing:
            print(f"making {report.shown(file.path)}", file=sys.stderr, flush=True)
            file.make()
        make_folder(self.out, "--out")
        runs = runs_of(self.study, self.files, self.answers, self.out) if missing else self.runs
        self.answers.save()
        write_study(self.study, runs, self.out)
        return replace(self, runs=runs)

    def standings(self) -> list[Standing]:
        return standings(self.runs, slurm.queued(self.out))


def prepare(options: argparse.Namespace) -> Sweep:
    """Everything that can be wrong is found here, before anything is made."""
    if options.study is None:
        raise Mistake("give a study, a .toml file as those in jobs/studies; see jobs/sweep.py --help")
    study = load_study(options.study, options.size)
    machine = load_machine(options.machine)
    program = find_program(options.quartic)
    out = (options.out or Path("runs") / study.name).absolute()
    require_own_folder(out, study.name)
    files = data_files(study.data, options.data.absolute(), study.analysis, options.study.name)
    require_user_files(study.files_in_use(files), options.data)
    answers = Answers(out, program)
    with announced(f"asking {program.name} about {len(study.choices)} runs"):
        runs = runs_of(study, files, answers, out)
    answers.save()
    require_ranks(runs, machine)
    return Sweep(study, files, machine, answers, out, runs)


def require_own_folder(out: Path, name: str) -> None:
    if out.exists() and not out.is_dir():
        raise Mistake(f"--out {report.shown(out)}: is not a folder")
    try:
        other = json.loads((out / "study.json").read_text())["study"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if other != name:
        raise Mistake(f"--out {report.shown(out)}: holds the study {other}; give another folder")


def dry_run(sweep: Sweep) -> int:
    some = sweep.standings()
    todo = to_make(some, retry=False)
    print(report.dry_run(sweep.study, some, todo, sweep.machine, Estimate(sweep.runs), sweep.program, sweep.out))
    return DONE


def status(sweep: Sweep) -> int:
    some = sweep.standings()
    print(report.status(sweep.study, some))
    return verdict(some)


def local(sweep: Sweep, retry: bool) -> int:
    sweep = sweep.resolved()
    some = sweep.standings()
    todo = to_make(some, retry) + at_work(some)
    progress = Progress(todo, Estimate(sweep.runs), sweep.machine)
    try:
        Pool(todo, sweep.machine, sweep.program, progress).execute()
    except Stopped:
        print(f"{report.summary(sweep.study, sweep.standings(), sweep.out)}\nsweep: stopped; the same command goes on", file=sys.stderr)
        return FAILED
    some = sweep.standings()
    print(report.summary(sweep.study, some, sweep.out))
    return verdict(some)


def submit(sweep: Sweep, retry: bool) -> int:
    slurm.require_slurm(sweep.machine, to_make(sweep.standings(), retry))
    sweep = sweep.resolved()
    some = sweep.standings()
    todo = to_make(some, retry)
    print(report.summary(sweep.study, some, sweep.out))
    if todo:
        job = slurm.submit(sweep.study.name, todo, sweep.machine, sweep.program, sweep.out)
        print(f"submitted {len(todo)} runs as job {job} on {sweep.machine.name}; --status shows how they are")
    return verdict([one for one in some if one.is_failure and one.run not in todo])


def task(path: Path) -> int:
    """A job of an array: the run of its index."""
    index = slurm.task_index()
    submission = read_submission(path)
    run = submission.runs[index]
    try:
        Pool([run], submission.machine, submission.program, Progress([run], Estimate([]), submission.machine)).execute()
    except Stopped:
        print("sweep: stopped; the run is made again when the job is requeued, or by the next --submit", file=sys.stderr)
        return FAILED
    return verdict(standings([run]))


def verdict(some: list[Standing]) -> int:
    """Says what failed, each once, and gives the exit code."""
    failures = report.failures(some)
    for line in failures:
        print(f"sweep: {line}", file=sys.stderr)
    if failures:
        print(f"sweep: {len(failures)} of {len(some)} runs failed; --retry makes them again", file=sys.stderr)
    return DONE if all(one.is_done for one in some) else FAILED


def main(arguments: list[str], description: str) -> int:
    try:
        options = parser_of(description).parse_args(arguments)
        if options.task:
            return task(options.task)
        sweep = prepare(options)
        if options.local:
            return local(sweep, retry=False)
        if options.submit:
            return submit(sweep, retry=False)
        if options.retry:
            return (submit if sweep.machine.scheduler == "slurm" else local)(sweep, retry=True)
        if options.status:
            return status(sweep)
        if options.dry_run:
            return dry_run(sweep)
        raise Mistake("say what to do: --dry-run, --local, --submit, --status or --retry")
    except Mistake as mistake:
        print(f"sweep: {mistake}", file=sys.stderr)
        return USER_MISTAKE
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"sweep: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("sweep: stopped before anything was run", file=sys.stderr)
        return FAILED
