"""A study as one job array of Slurm: submitted here; each of its jobs makes one run, with the code that --local makes it with."""

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
    """Mistake for what Slurm would refuse, or would start and then end."""
    if "\\" in str(out):
        raise Mistake(f"--out {out}: Slurm writes no log to a path with a backslash; give another folder")
    if machine.scheduler != "slurm":
        raise Mistake(f"--submit: the machine {machine.name} has no scheduler; give --machine one with scheduler = \"slurm\", "
                      "as jobs/machines/slurm-example.toml")
    if shutil.which("sbatch") is None:
        raise Mistake("--submit: there is no sbatch on the PATH; submit where Slurm is, or use --local")
    limit = min(filter(None, (machine.array, largest_array())), default=0)
    if limit and len(runs) > limit:
        raise Mistake(f"--submit: {len(runs)} runs are more than the {limit} jobs of an array there; "
                      "make the study's ranges smaller, or two studies of it")
    longest = max((run.minutes for run in runs), default=0)
    if machine.minutes and longest + spare_minutes(machine) > machine.minutes:
        raise Mistake(f"--submit: minutes = {longest:g} and {spare_minutes(machine)} to spare are more than "
                      f"the {machine.minutes:g} of the machine {machine.name}")


def spare_minutes(machine: Machine) -> int:
    """Of a job beyond its run's own limit: for what comes before it, and for a checkpoint after it."""
    return 1 + math.ceil(machine.grace / 60)


def largest_array() -> int:
    """Slurm's MaxArraySize; 0 where it does not say. Indices go from 0 to one less."""
    try:
        done = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return 0
    found = ARRAY_SIZE.search(done.stdout)
    return int(found[1]) if found else 0


def submit(study: str, runs: list[Run], machine: Machine, program: Path, out: Path) -> str:
    """Submits the runs as one array and returns its job id; Mistake with what sbatch says."""
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
    """Not in the script, whose lines for sbatch have rules of their own. In it, %a is the job's index and %% is a %."""
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
    """What Slurm has to do with the runs in DIR, by the names of their folders."""

    queued: frozenset[str] = frozenset()
    """Whose jobs it still has."""
    not_started: dict[str, str] = field(default_factory=dict)
    """Whose jobs will not begin them, and why."""


def queue(out: Path) -> Queue:
    """An empty one where there is no Slurm, or none was submitted."""
    lists = {path.read_text().strip(): path.with_suffix(".json") for path in out.glob("submission-*.job")}
    if not lists or shutil.which("squeue") is None:
        return Queue()
    done = subprocess.run(["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%F %K %T %r"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Mistake(f"Slurm does not say which jobs wait: {complaint(done)}")
    jobs = jobs_of(done.stdout)
    waiting = {read_submission(lists[job.array]).runs[job.index].name for job in jobs if job.array in lists and not job.is_stuck}
    return Queue(frozenset(waiting), not_started(out, jobs))


def task_index() -> int:
    try:
        return int(os.environ["SLURM_ARRAY_TASK_ID"])
    except (KeyError, ValueError):
        raise Mistake("--task: is for the jobs of an array, where SLURM_ARRAY_TASK_ID says which run; use --submit") from None


def requeue() -> None:
    """The job that this is in waits for its next start; Mistake with what Slurm says if it may not."""
    # Not SLURM_JOB_ID: of one job of each array it is that of the array, all of which would be requeued.
    job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Mistake(f"the job cannot be requeued: {complaint(done)}; the next --submit continues its run")
