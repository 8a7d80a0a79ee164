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
from pathlib import Path

from . import ROOT, Mistake
from .machine import Machine
from .program import complaint
from .runs import Run
from .submission import Submission, next_path, read_submission

TEMPLATE = ROOT / "jobs" / "slurm" / "array.sh.in"
ARRAY_SIZE = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)


def require_slurm(machine: Machine, runs: list[Run]) -> None:
    """Mistake for what Slurm would refuse, or would start and then end."""
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
    submission.script.write_text(script(study, submission))
    done = subprocess.run(["sbatch", "--parsable", str(submission.script)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        submission.path.unlink()
        submission.script.unlink()
        raise Mistake(f"--submit: {complaint(done)}")
    job = done.stdout.strip().partition(";")[0]
    submission.job.write_text(f"{job}\n")
    return job


def script(study: str, submission: Submission) -> str:
    """The template, filled in."""
    machine, runs = submission.machine, submission.runs
    ranks = max(run.ranks for run in runs)
    optional = [f"--partition={machine.partition}"] * bool(machine.partition) + [f"--account={machine.account}"] * bool(machine.account)
    values = {
        "study": study,
        "last": len(runs) - 1,
        "ranks": ranks,
        "nodes": math.ceil(ranks / machine.ranks_a_node),
        "ranks_a_node": min(ranks, machine.ranks_a_node),
        "threads": max(run.threads for run in runs),
        "minutes": math.ceil(max(run.minutes for run in runs)) + spare_minutes(machine),
        "grace": machine.grace,
        "log": submission.path.with_suffix(".%a.log"),
        "options": "\n".join(f"#SBATCH {option}" for option in [*optional, *machine.options]),
        "modules": "\n".join(f"module load {shlex.quote(module)} || exit" for module in machine.modules),
        "python": shlex.quote(sys.executable),
        "sweep": shlex.quote(str(ROOT / "jobs" / "sweep.py")),
        "submission": shlex.quote(str(submission.path)),
    }
    return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), TEMPLATE.read_text())


def queued(out: Path) -> frozenset[str]:
    """Names of the folders whose jobs Slurm still has; none where there is no Slurm, or none was submitted."""
    jobs = {path.read_text().strip(): path.with_suffix(".json") for path in out.glob("submission-*.job")}
    if not jobs or shutil.which("squeue") is None:
        return frozenset()
    done = subprocess.run(["squeue", "--noheader", "--array", f"--user={getpass.getuser()}", "--format=%F %K"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Mistake(f"Slurm does not say which jobs wait: {complaint(done)}")
    names = set()
    for line in done.stdout.splitlines():
        job, index = line.split()
        if job in jobs:
            names.add(read_submission(jobs[job]).runs[int(index)].name)
    return frozenset(names)


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
        raise Mistake(f"the job cannot be requeued: {complaint(done)}; the next --submit goes on with its run")
