"""The runs of a study: each with its command, its size and its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import Mistake
from .answers import Answers
from .data import DataFile, reference
from .folder import Folder, write_whole
from .machine import Machine
from .program import Resolved, resolve
from .study import Choice, Study, text_of


@dataclass(frozen=True)
class Run:
    choice: Choice
    words: list[str]
    """--option=value"""
    data: list[DataFile]
    resolved: Resolved | None
    """None until the data of the run has been made."""
    folder: Folder | None
    ranks: int
    minutes: float

    @property
    def name(self) -> str:
        """The name of its folder or, if that is not known yet, its options."""
        return self.folder.path.name if self.folder else " ".join(self.words)

    @property
    def threads(self) -> int:
        """Threads per rank."""
        return int(self.choice.options.get("threads", 1))

    def cores(self, machine: Machine) -> int:
        """The cores that the run takes. Ranks beyond the machine's cores take turns."""
        return min(self.ranks * self.threads, machine.all_cores)

    @property
    def work(self) -> int | None:
        """Microbatches times stages, over all pipelines; None if the configuration does not contain them."""
        config = self.resolved.config if self.resolved else {}
        if not {"microbatches", "stages"} <= config.keys():
            return None
        return int(config["microbatches"]) * int(config["stages"]) * int(config.get("pipelines", 1))

    def program_words(self, program: str, folder: str) -> list[str]:
        """The command that starts the run, or that resumes it if its folder has a checkpoint."""
        if self.folder and self.folder.can_go_on():
            return [program, "run", f"--resume={folder}", "--quiet"]
        quiet = ["--quiet"] if self.choice.command == "run" else []
        return [program, self.choice.command, *self.words, *quiet, f"--out={folder}"]


def runs_of(study: Study, files: dict[str, DataFile], answers: Answers, out: Path) -> list[Run]:
    """All runs of the study in its order. Mistake for the first run whose options quartic rejects."""
    def run_of(choice: Choice) -> Run:
        words, data = words_of(choice, files)
        with naming(choice):
            resolved = None if any(not file.path.exists() for file in data) else answers.resolve(choice.command, words)
            folder = Folder(out / resolved.name) if resolved else None
            return Run(choice, words, data, resolved, folder, ranks_of(choice, resolved), study.minutes)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = list(pool.map(run_of, study.choices))
        list(pool.map(lambda run: require_valid_but_for_data(run, answers.program), with_a_new_value(run for run in runs if not run.resolved)))
    refuse_repeated(runs)
    return runs


@contextmanager
def naming(choice: Choice):
    """Adds the group to the message of a Mistake inside the block."""
    try:
        yield
    except Mistake as mistake:
        raise Mistake(f"group {choice.group}: {mistake}") from None


def with_a_new_value(runs: Iterable[Run]) -> list[Run]:
    """The runs that have an option value that no earlier run of their group has. Checking these finds every wrong value before data is made."""
    seen, new = set(), []
    for run in runs:
        values = {(run.choice.group, word) for word in run.words}
        if not values <= seen:
            new.append(run)
        seen |= values
    return new


def require_valid_but_for_data(run: Run, program: Path) -> None:
    """Checks a run whose data is not made yet. quartic reads data last, so every error that does not name the data is a Mistake."""
    try:
        with naming(run.choice):
            resolve(program, run.choice.command, run.words)
    except Mistake as mistake:
        if not any(file.text in str(mistake) for file in run.data):
            raise


def words_of(choice: Choice, files: dict[str, DataFile]) -> tuple[list[str], list[DataFile]]:
    words, data = [], []
    for name, value in choice.options.items():
        if found := reference(value, files, f"group {choice.group}: {name}"):
            prefix, file = found
            data.append(file)
            value = prefix + file.text
        words.append(f"--{name}={text_of(value, name)}")
    return words, data


def ranks_of(choice: Choice, resolved: Resolved | None) -> int:
    config = resolved.config if resolved else {}
    stages = int(config.get("stages", choice.options.get("stages", 4)))
    workers = stages * int(config.get("pipelines", 1)) // int(config.get("stages-per-worker", 1))
    ranks = workers if choice.ranks == "stages" else choice.ranks
    if ranks > workers:
        raise Mistake(f"ranks = {ranks}, but a run of {stages} stages only has work for {workers} ranks; "
                      f"give at most {workers}, or ranks = \"stages\"")
    return ranks


def refuse_repeated(runs: list[Run]) -> None:
    seen = {}
    for run in runs:
        key = (run.choice.group, run.name)
        if key in seen:
            raise Mistake(f"group {run.choice.group}: {' '.join(run.words)} occurs twice; remove one")
        seen[key] = run


def require_ranks(runs: list[Run], machine: Machine) -> None:
    largest = max(run.ranks for run in runs)
    if largest > machine.most_ranks:
        raise Mistake(f"a run needs {largest} ranks, more than the {machine.most_ranks} of the machine {machine.name} "
                      f"({machine.nodes} x {machine.ranks_a_node})")


def of_data(resolved: Resolved | None) -> dict:
    """The entries of study.json that identify stale runs."""
    return {"config_hash": resolved.hash, "contents": resolved.contents} if resolved else {}


def write_study(study: Study, runs: list[Run], out: Path) -> None:
    """Writes DIR/study.json, the list of the current runs of the study at this size."""
    rows = [{"folder": run.name, "group": run.choice.group, "options": run.choice.options, **of_data(run.resolved)} for run in runs]
    text = {"study": study.name, "size": study.size, "question": study.question, "runs": rows}
    write_whole(out / "study.json", json.dumps(text, indent=1) + "\n")
