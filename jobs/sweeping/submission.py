"""The list of runs of one job array: DIR/submission-0001.json. Later sweeps write new lists, so the list of a waiting array never changes."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from .folder import Folder, write_whole
from .machine import Machine
from .program import Resolved
from .runs import Run
from .study import Choice


@dataclass(frozen=True)
class Submission:
    path: Path
    program: Path
    machine: Machine
    runs: list[Run]

    def write(self) -> None:
        text = {"program": str(self.program), "machine": asdict(self.machine), "runs": [as_table(run) for run in self.runs]}
        write_whole(self.path, json.dumps(text, indent=1) + "\n")

    @property
    def script(self) -> Path:
        return self.path.with_suffix(".sh")

    @property
    def job(self) -> Path:
        """The file with the job id of the array, written after the submission."""
        return self.path.with_suffix(".job")


def as_table(run: Run) -> dict:
    return {"folder": str(run.folder.path), "choice": asdict(run.choice), "words": run.words,
            "hash": run.resolved.hash, "config": run.resolved.config, "contents": run.resolved.contents, "ranks": run.ranks, "minutes": run.minutes}


def read_submission(path: Path) -> Submission:
    table = json.loads(path.read_text())
    return Submission(path, Path(table["program"]), Machine(**table["machine"]), [run_of(row) for row in table["runs"]])


def run_of(row: dict) -> Run:
    resolved = Resolved(row["hash"], row["config"], row["contents"])
    return Run(choice=Choice(**row["choice"]), words=row["words"], data=[], resolved=resolved, folder=Folder(Path(row["folder"])),
               ranks=row["ranks"], minutes=row["minutes"])


def next_path(out: Path) -> Path:
    """The path with the first free number. It is reserved by creating an empty file."""
    number = 1 + max((int(re.sub(r"\D", "", path.stem)) for path in out.glob("submission-*.json")), default=0)
    while True:
        path = out / f"submission-{number:04}.json"
        try:
            path.open("x").close()
            return path
        except FileExistsError:
            number += 1
