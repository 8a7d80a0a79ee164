"""Finds Slurm jobs that cannot start their runs, for example because of a node, a module or a file, and the reasons."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .submission import read_submission

NOT_STARTED = "sweep: not started: "
"""The beginning of the last line in the log of such a job. jobs/slurm/array.sh.in writes it too."""
HELD_FOR_EVER = re.compile(r"launch.failed|job.?requeued.in.held|JobHoldMaxRequeue|BadConstraints", re.IGNORECASE)
ENDED_BADLY = ("FAILED", "BOOT_FAIL", "NODE_FAIL", "LAUNCH_FAILED", "RECONFIG_FAIL")


@dataclass(frozen=True)
class Job:
    """One job of an array, as squeue shows it."""

    array: str
    index: int
    state: str
    reason: str

    @property
    def is_stuck(self) -> bool:
        """Whether the job is held until someone corrects a problem."""
        return self.state == "PENDING" and HELD_FOR_EVER.search(self.reason) is not None


def jobs_of(text: str) -> list[Job]:
    """Parses lines of squeue: array, index, state, reason. Jobs outside arrays are left out."""
    rows = (line.split(maxsplit=3) for line in text.splitlines())
    return [Job(row[0], int(row[1]), row[2], row[3] if len(row) > 3 else "") for row in rows if len(row) > 2 and row[1].isdigit()]


def not_started(out: Path, waiting: list[Job]) -> dict[str, str]:
    """The reason of each run whose last submitted job cannot start it, by folder name. `waiting`: the jobs that squeue shows."""
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
    """The log of one job of a submission. Its name starts with the name of the list."""
    return path.with_suffix(f".{index}.log")


def why_stuck(job: Job) -> str:
    return f"Slurm holds its job: {job.reason}" if job.is_stuck else ""


def why_ended(log: Path, slurm_says: str) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:  # it has not begun at all
        return slurm_says
    last = lines[-1] if lines else ""
    return f"its job did not start it: {last.removeprefix(NOT_STARTED)}; see {log.name}" if last.startswith(NOT_STARTED) else ""


def ended_badly(array: str) -> dict[int, str]:
    """The reasons of jobs that Slurm could not start, by index. Slurm reports them only for a while."""
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
