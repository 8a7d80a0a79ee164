"""Submits a study as one Slurm job array. Each job executes one run, with the code of --local."""

from __future__ import annotations

import getpass
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import ROOT, Mistake
from .launch import NOT_STARTED, jobs_of, not_started
from .machine import Machine
from .program import complaint
from .runs import Run
from .submission import Submission, next_path, read_submission

TEMPLATE = ROOT / "jobs" / "slurm" / "array.sh.in"
ARRAY_SIZE = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)


def require_slurm(machine: Machine, runs: list[Run], out: Path) -> None:
    """Mistake if Slurm would reject the jobs or end them too early."""
    if "\\" in str(out):
        raise Mistake(f"--out {out}: Slurm cannot write a log to a path with a backslash; give another folder")
    if machine.scheduler != "slurm":
        raise Mistake(f"--submit: the machine {machine.name} has no scheduler; give --machine with scheduler = \"slurm\", "
                      "such as jobs/machines/slurm-example.toml")
    if shutil.which("sbatch") is None:
        raise Mistake("--submit: there is no sbatch on the PATH; submit on a machine with Slurm, or use --local")
    limit = min(filter(None, (machine.array, largest_array())), default=0)
    if limit and len(runs) > limit:
        raise Mistake(f"--submit: {len(runs)} runs are more than the {limit} jobs that an array may have; "
                      "shorten the ranges of the study or split the study")
    longest = max((run.minutes for run in runs), default=0)
    if machine.minutes and longest + spare_minutes(machine) > machine.minutes:
        raise Mistake(f"--submit: minutes = {longest:g} plus {spare_minutes(machine)} for start and checkpoint are more than "
                      f"the {machine.minutes:g} minutes of the machine {machine.name}; reduce the study's minutes")


def spare_minutes(machine: Machine) -> int:
    """Minutes of a job beyond the limit of its run, for the start and for a checkpoint at the end."""
    return 1 + math.ceil(machine.grace / 60)


def largest_array() -> int:
    """Slurm's MaxArraySize, which is one more than the largest index; 0 if it is unknown."""
    try:
        done = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return 0
    found = ARRAY_SIZE.search(done.stdout)
    return int(found[1]) if found else 0


def submit(study: str, runs: list[Run], machine: Machine, program: Path, out: Path) -> str:
    """Submits the runs as one array and returns its job id. Mistake with the message of sbatch if it fails."""
    submission = Submission(next_path(out), program, machine, runs)
    submission.write()
    submission.script.write_text(script(study, submission), errors="surrogateescape")
    command = ["sbatch", "--parsable", f"--output={log_pattern(submission)}", str(submission.script)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        submission.path.unlink()
        submission.script.unlink()
        raise Mistake(f"--submit: {complaint(done)}")
    job = done.stdout.strip().partition(";")[0]
    submission.job.write_text(f"{job}\n")
    return job


def log_pattern(submission: Submission) -> str:
    """The path of the logs for sbatch, where %a is the index of the job and %% is a %. It is passed on the command line, because #SBATCH lines
    have other quoting rules."""
    path = submission.path.with_suffix("")
    return f"{str(path).replace('%', '%%')}.%a.log"


def script(study: str, submission: Submission) -> str:
    """The template, filled in."""
    machine, runs = submission.machine, submission.runs
    ranks = max(run.ranks for run in runs)
    optional = [f"--partition={machine.partition}"] * bool(machine.partition) + [f"--account={machine.account}"] * bool(machine.account)
    values = {
        "study": re.sub(r"[^\w.+-]", "_", study, flags=re.ASCII),
        "last": len(runs) - 1,
        "ranks": ranks,
        "nodes": math.ceil(ranks / machine.ranks_a_node),
        "ranks_a_node": min(ranks, machine.ranks_a_node),
        "threads": max(run.threads for run in runs),
        "minutes": math.ceil(max(run.minutes for run in runs)) + spare_minutes(machine),
        "grace": machine.grace,
        "not_started": NOT_STARTED,
        "options": "\n".join(f"#SBATCH {option}" for option in [*optional, *machine.options]),
        "modules": "\n".join(f"module load {(word := shlex.quote(module))} || not_started module load {word}" for module in machine.modules),
        "python": shlex.quote(sys.executable),
        "sweep": shlex.quote(str(ROOT / "jobs" / "sweep.py")),
        "submission": shlex.quote(str(submission.path)),
    }
    return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), TEMPLATE.read_text())


@dataclass(frozen=True)
class Queue:
    """The Slurm jobs of the runs in DIR, by folder name."""

    queued: frozenset[str] = frozenset()
    """Runs whose jobs are queued or running."""
    not_started: dict[str, str] = field(default_factory=dict)
    """Runs whose jobs cannot start them, and the reasons."""


def queue(out: Path) -> Queue:
    """The queue of DIR. It is empty if Slurm is not installed or nothing was submitted."""
    lists = {path.read_text().strip(): path.with_suffix(".json") for path in out.glob("submission-*.job")}
    if not lists or shutil.which("squeue") is None:
        return Queue()
    done = subprocess.run(["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%F %K %T %r"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Mistake(f"squeue cannot list the jobs: {complaint(done)}")
    jobs = jobs_of(done.stdout)
    waiting = {read_submission(lists[job.array]).runs[job.index].name for job in jobs if job.array in lists and not job.is_stuck}
    return Queue(frozenset(waiting), not_started(out, jobs))


def task_index() -> int:
    try:
        return int(os.environ["SLURM_ARRAY_TASK_ID"])
    except (KeyError, ValueError):
        raise Mistake("--task: works only in a job of an array, where SLURM_ARRAY_TASK_ID is the index of the run; use --submit") from None


def requeue() -> None:
    """Requeues the current job. Mistake with the message of scontrol if it fails."""
    # Not SLURM_JOB_ID: of one job of each array it is that of the array, all of which would be requeued.
    job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Mistake(f"the job cannot be requeued: {complaint(done)}; the next --submit continues its run")
