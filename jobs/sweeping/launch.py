"""Jobs of Slurm that have not begun their runs, and will not: what is wrong with a node, a module or a file is known to nobody else."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .submission import read_submission

NOT_STARTED = "sweep: not started: "
"""How the last line of a job's log begins then; jobs/slurm/array.sh.in writes it too."""
HELD_FOR_EVER = re.compile(r"launch.failed|job.?requeued.in.held|JobHoldMaxRequeue|BadConstraints", re.IGNORECASE)
ENDED_BADLY = ("FAILED", "BOOT_FAIL", "NODE_FAIL", "LAUNCH_FAILED", "RECONFIG_FAIL")


@dataclass(frozen=True)
class Job:
    """One of an array, as Slurm shows it."""

    array: str
    index: int
    state: str
    reason: str

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for somebody to put something right."""
        return self.state == "PENDING" and HELD_FOR_EVER.search(self.reason) is not None


def jobs_of(text: str) -> list[Job]:
    """Of squeue's lines: array, index, state, reason. What is no job of an array is left out."""
    rows = (line.split(maxsplit=3) for line in text.splitlines())
    return [Job(row[0], int(row[1]), row[2], row[3] if len(row) > 3 else "") for row in rows if len(row) > 2 and row[1].isdigit()]


def not_started(out: Path, waiting: list[Job]) -> dict[str, str]:
    """Why, by the name of the run's folder: of the last job that each run was submitted as. `waiting`: what squeue shows."""
    known = {(job.array, job.index): job for job in waiting}
    reasons: dict[str, str] = {}
    for path in sorted(out.glob("submission-*.job")):
        submission, array = read_submission(path.with_suffix(".json")), path.read_text().strip()
        ended = ended_badly(array) if any(not log_of(path, index).exists() for index in range(len(submission.runs))) else {}
        for index, run in enumerate(submission.runs):
            job = known.get((array, index))
            reason = why_stuck(job) if job else why_ended(log_of(path, index), ended.get(index, ""))
            reasons[run.name] = reason
    return {name: reason for name, reason in reasons.items() if reason}


def log_of(path: Path, index: int) -> Path:
    """Of a submission's job, whose log is named as its list is."""
    return path.with_suffix(f".{index}.log")


def why_stuck(job: Job) -> str:
    return f"its job waits in vain: {job.reason}" if job.is_stuck else ""


def why_ended(log: Path, slurm_says: str) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:  # it has not begun at all
        return slurm_says
    last = lines[-1] if lines else ""
    return f"its job did not start it: {last.removeprefix(NOT_STARTED)}; see {log.name}" if last.startswith(NOT_STARTED) else ""


def ended_badly(array: str) -> dict[int, str]:
    """By index, as long as Slurm remembers."""
    try:
        done = subprocess.run(["scontrol", "--oneliner", "show", "job", array], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return {}
    found = {}
    for line in done.stdout.splitlines():
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if fields.get("JobState") in ENDED_BADLY and fields.get("ArrayTaskId", "").isdigit():
            found[int(fields["ArrayTaskId"])] = f"Slurm could not start its job: {fields['JobState']}, {fields.get('Reason', '')}"
    return found
