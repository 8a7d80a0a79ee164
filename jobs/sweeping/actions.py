"""The actions on a study: dry run, run here, submit, status. Each returns the exit code."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from . import Mistake, make_folder, report, slurm
from .answers import Answers
from .data import DataFile, data_files, require_user_files
from .estimate import Estimate
from .folder import STOPPED
from .launch import NOT_STARTED
from .local import Pool, Stopped, are_free
from .machine import Machine, load_machine
from .program import find_program
from .progress import Progress, announced
from .runs import Run, require_ranks, runs_of, write_study
from .stale import changed_since, stale_folders
from .standing import Standing, at_work, standings, to_make
from .study import Study, load_study
from .submission import Submission, read_submission

DONE, FAILED, REFUSED = 0, 1, 2


@dataclass(frozen=True)
class Sweep:
    """A study with its runs, on a machine that is large enough for them."""

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
        """Makes missing data, so that every run has its folder, and writes DIR/study.json."""
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
        return standings(self.runs, slurm.queue(self.out))


def prepare(options: argparse.Namespace) -> Sweep:
    """Checks the study, the machine and the options of every run before anything is written. Mistake if something is wrong."""
    if options.study is None:
        raise Mistake("no study given; give a .toml file such as jobs/studies/delay.toml; see jobs/sweep.py --help")
    study = load_study(options.study, options.size)
    machine = load_machine(options.machine)
    program = find_program(options.quartic)
    out = (options.out or Path("runs") / study.name).absolute()
    require_own_folder(out, study.name)
    files = data_files(study.data, options.data.absolute(), study.analysis, options.study.name)
    require_user_files(study.files_in_use(files), options.data)
    answers = Answers(out, program)
    with announced(f"checking the options of {len(study.choices)} runs"):
        runs = runs_of(study, files, answers, out)
    answers.save()
    require_ranks(runs, machine)
    return Sweep(study, files, machine, answers, out, runs)


def require_own_folder(out: Path, name: str) -> None:
    if out.exists() and not out.is_dir():
        raise Mistake(f"--out {report.shown(out)}: is not a folder; give a folder or a new name")
    try:
        other = json.loads((out / "study.json").read_text())["study"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if other != name:
        raise Mistake(f"--out {report.shown(out)}: contains the study {other}; give another folder")


def dry_run(sweep: Sweep) -> int:
    some = sweep.standings()
    todo = to_make(some, retry=False)
    print(report.dry_run(sweep.study, some, todo, sweep.machine, Estimate(sweep.runs), sweep.program, sweep.out))
    return DONE


def status(sweep: Sweep) -> int:
    some = sweep.standings()
    print(report.status(sweep.study, some))
    for line in report.running(some) + report.stale(stale_folders(sweep.runs, sweep.out)):
        print(f"sweep: {line}", file=sys.stderr)
    return verdict(some)


def local(sweep: Sweep, retry: bool) -> int:
    sweep = sweep.resolved()
    some = sweep.standings()
    todo = to_make(some, retry) + at_work(some)
    progress = Progress(todo, Estimate(sweep.runs), sweep.machine)
    try:
        Pool(todo, sweep.machine, sweep.program, progress).execute()
    except Stopped:
        print(f"{report.summary(sweep.study, standings(sweep.runs), sweep.out)}\nsweep: stopped; repeat the command to continue", file=sys.stderr)
        return FAILED
    some = standings(sweep.runs)
    print(report.summary(sweep.study, some, sweep.out))
    return verdict(some)


def submit(sweep: Sweep, retry: bool) -> int:
    slurm.require_slurm(sweep.machine, to_make(sweep.standings(), retry), sweep.out)
    sweep = sweep.resolved()
    some = sweep.standings()
    todo = to_make(some, retry)
    print(report.summary(sweep.study, some, sweep.out))
    if todo:
        job = slurm.submit(sweep.study.name, todo, sweep.machine, sweep.program, sweep.out)
        print(f"submitted {len(todo)} runs as job {job} on {sweep.machine.name}; --status shows their states")
    return verdict([one for one in some if one.is_failure and one.run not in todo])


def task(path: Path) -> int:
    """Executes one job of an array: the run with its index. A Mistake is printed as the last line of the job's log, where --status reads it."""
    index = slurm.task_index()
    try:
        return make_task(read_submission(path), index)
    except Mistake as mistake:
        print(f"{NOT_STARTED}{mistake}", file=sys.stderr)
        return REFUSED


def make_task(submission: Submission, index: int) -> int:
    run = submission.runs[index]
    if changed := changed_since(run.resolved.contents):
        raise Mistake(f"{changed}: has changed since the run was submitted; submit the run again")
    # The warning may come when the run has just stopped: it must not end the job before it is requeued.
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    if not are_free([run]):
        print("sweep: another process is executing this run", file=sys.stderr)
        return FAILED
    try:
        Pool([run], submission.machine, submission.program, Progress([run], Estimate([]), submission.machine)).execute()
    except Stopped:
        print("sweep: stopped; the run continues when the job is requeued, or with the next --submit", file=sys.stderr)
        return FAILED
    record = run.folder.record()
    if record is None or record.outcome != STOPPED:
        return verdict(standings([run]))
    print(f"sweep: stopped with a checkpoint: {record.message}; requeued, to continue", file=sys.stderr, flush=True)
    slurm.requeue()
    return DONE


def verdict(some: list[Standing]) -> int:
    """Prints every failed run once and returns the exit code."""
    failures = report.failures(some)
    for line in failures:
        print(f"sweep: {line}", file=sys.stderr)
    if failures:
        print(f"sweep: {len(failures)} of {len(some)} runs failed; --retry runs them again", file=sys.stderr)
    if stopped := sum(one.state == STOPPED for one in some):
        print(f"sweep: {stopped} of {len(some)} runs stopped before their end; --local or --submit continues them", file=sys.stderr)
    return DONE if all(one.is_done for one in some) else FAILED
