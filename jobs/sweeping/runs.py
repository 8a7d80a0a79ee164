"""The runs of a study on a machine: each with its command, its size and its folder."""

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
    """None while its data is still to be made."""
    folder: Folder | None
    ranks: int
    minutes: float

    @property
    def name(self) -> str:
        """Of its folder; while that is not known, what was asked for."""
        return self.folder.path.name if self.folder else " ".join(self.words)

    @property
    def threads(self) -> int:
        """Of a rank."""
        return int(self.choice.options.get("threads", 1))

    def cores(self, machine: Machine) -> int:
        """That it takes while it runs: ranks beyond the machine's cores take turns."""
        return min(self.ranks * self.threads, machine.all_cores)

    @property
    def work(self) -> int | None:
        """Microbatches times stages, of all pipelines; None where only the program knows them."""
        config = self.resolved.config if self.resolved else {}
        if not {"microbatches", "stages"} <= config.keys():
            return None
        return int(config["microbatches"]) * int(config["stages"]) * int(config.get("pipelines", 1))

    def program_words(self, program: str, folder: str) -> list[str]:
        """What makes it, or goes on with what there is of it."""
        if self.folder and self.folder.can_go_on():
            return [program, "run", f"--resume={folder}", "--quiet"]
        quiet = ["--quiet"] if self.choice.command == "run" else []
        return [program, self.choice.command, *self.words, *quiet, f"--out={folder}"]


def runs_of(study: Study, files: dict[str, DataFile], answers: Answers, out: Path) -> list[Run]:
    """All runs of the study in its order; Mistake for the first whose options the program refuses."""
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
    """A Mistake inside says whose it is."""
    try:
        yield
    except Mistake as mistake:
        raise Mistake(f"group {choice.group}: {mistake}") from None


def with_a_new_value(runs: Iterable[Run]) -> list[Run]:
    """Those that give an option a value that no earlier one of their group has: enough to find a wrong one before data is made."""
    seen, new = set(), []
    for run in runs:
        values = {(run.choice.group, word) for word in run.words}
        if not values <= seen:
            new.append(run)
        seen |= values
    return new


def require_valid_but_for_data(run: Run, program: Path) -> None:
    """The program reads its data last, so whatever it says of anything else is a mistake."""
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
        raise Mistake(f"ranks = {ranks}, but its runs of {stages} stages have work for {workers}; "
                      "give at most that, or ranks = \"stages\"")
    return ranks


def refuse_repeated(runs: list[Run]) -> None:
    seen = {}
    for run in runs:
        key = (run.choice.group, run.name)
        if key in seen:
            raise Mistake(f"group {run.choice.group}: {' '.join(run.words)} is there twice")
        seen[key] = run


def require_ranks(runs: list[Run], machine: Machine) -> None:
    largest = max(run.ranks for run in runs)
    if largest > machine.most_ranks:
        raise Mistake(f"a run on {largest} ranks is more than the {machine.most_ranks} of the machine {machine.name} "
                      f"({machine.nodes} x {machine.ranks_a_node})")


def of_data(resolved: Resolved | None) -> dict:
    """By which the run is known to be stale, or another one to be."""
    return {"config_hash": resolved.hash, "contents": resolved.contents} if resolved else {}


def write_study(study: Study, runs: list[Run], out: Path) -> None:
    """DIR/study.json: what the study of this size consists of now, for whoever reads the folders."""
    rows = [{"folder": run.name, "group": run.choice.group, "options": run.choice.options, **of_data(run.resolved)} for run in runs]
    text = {"study": study.name, "size": study.size, "question": study.question, "runs": rows}
    write_whole(out / "study.json", json.dumps(text, indent=1) + "\n")
