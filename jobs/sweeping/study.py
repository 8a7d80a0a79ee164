"""A study file: a question, fixed options and varying options (jobs/README.md shows an example)."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path

from . import ROOT, Mistake
from .data import DataFile, reference
from .formula import computed
from .tables import NUMBER, check_table, read_toml, require

SIZES = ("quick", "full")
COMMANDS = ("run", "plan")
MOST_RUNS = 100_000
"""The largest number of runs in a group. More are most likely a typing error, and their list would not fit into memory."""
OURS = ("out", "overwrite", "resume", "quiet", "config", "print-config", "format", "check")

STUDY = {"question": str, "notebook": str, "command": str, "ranks": (int, str), "minutes": NUMBER, "may-diverge": bool,
         "data": dict, "options": dict, "group": list, **{size: dict for size in SIZES}}
SIZE = {"ranks": (int, str), "minutes": NUMBER, "options": dict, "group": dict}
GROUP = {"name": str, "label": str, "command": str, "ranks": (int, str), "may-diverge": bool, "options": dict, "vary": dict, "zip": list,
         "computed": dict}
SIZED_GROUP = {"options": dict, "vary": dict, "zip": list, "computed": dict, "skip": bool}


@dataclass(frozen=True)
class Choice:
    """One run as the study describes it: option names of quartic and values of the study."""

    group: str
    """The label of its group."""
    command: str
    """run or plan"""
    ranks: int | str
    """MPI ranks: a number, or "stages"."""
    may_diverge: bool
    options: dict


@dataclass(frozen=True)
class Study:
    name: str
    size: str
    question: str
    minutes: float
    """The time limit of one run."""
    data: dict[str, dict]
    """The [data.NAME] tables, as in the file."""
    analysis: Path
    """The folder that contains notebooks/ and the makers of the data."""
    choices: list[Choice]

    def files_in_use(self, files: dict[str, DataFile]) -> list[DataFile]:
        """The data files that the runs of this size name."""
        found = [reference(value, files, f"group {choice.group}: {name}") for choice in self.choices for name, value in choice.options.items()]
        return list({match[1].name: match[1] for match in found if match}.values())


def load_study(path: Path, size: str) -> Study:
    """Reads and checks a study. Mistake if it is invalid."""
    table = read_toml(path)
    check_table(table, STUDY, path.name)
    sized = as_sized(table, size, path.name)
    analysis = analysis_of(path)
    require_notebook(path, analysis, require(table, "notebook", path.name))
    study = Study(
        name=path.stem,
        size=size,
        question=require(table, "question", path.name),
        minutes=sized.get("minutes", 10),
        data=table.get("data", {}),
        analysis=analysis,
        choices=[choice for group in sized["group"] for choice in choices_of(group, sized, path.name)])
    if study.minutes <= 0:
        raise Mistake(f"{path.name}: minutes = {study.minutes}; must be greater than 0")
    if not study.choices:
        raise Mistake(f"{path.name}: has no run of size {size}; give at least one [[group]] that is not skipped")
    return study


def analysis_of(study: Path) -> Path:
    """The analysis folder of the repository that contains the study; for a study elsewhere, of this repository."""
    for folder in study.absolute().parents:
        if (folder / "analysis" / "notebooks").is_dir():
            return folder / "analysis"
    return ROOT / "analysis"


def require_notebook(study: Path, analysis: Path, name: str) -> None:
    if not (study.parent / name).is_file() and not (analysis / "notebooks" / name).is_file():
        raise Mistake(f"{study.name}: there is no notebook {name}, neither beside the study nor in analysis/notebooks")


def as_sized(table: dict, size: str, where: str) -> dict:
    """The study with the keys that the table of the size replaces."""
    change = table.get(size, {})
    check_table(change, SIZE, f"{where}: [{size}]")
    groups = require(table, "group", where)
    for number, group in enumerate(groups, 1):
        check_table(group, GROUP, f"{where}: group {number}")
        require(group, "name", f"{where}: group {number}")
    names = [group["name"] for group in groups]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Mistake(f"{where}: two groups have the name {twice.pop()}; every group needs its own name")
    if strange := change.get("group", {}).keys() - set(names):
        raise Mistake(f"{where}: [{size}.group.{strange.pop()}]: unknown group; valid: {', '.join(names)}")
    return {**table, **change, "options": table.get("options", {}) | change.get("options", {}),
            "group": list(sized_groups(groups, change.get("group", {}), f"{where}: [{size}.group"))}


def sized_groups(groups: list[dict], changes: dict, where: str):
    for group in groups:
        change = changes.get(group["name"], {})
        check_table(change, SIZED_GROUP, f"{where}.{group['name']}]")
        if not change.get("skip", False):
            yield {**group, "options": group.get("options", {}) | change.get("options", {}),
                   "vary": group.get("vary", {}) | change.get("vary", {}), "zip": change.get("zip", group.get("zip", [])),
                   "computed": group.get("computed", {}) | change.get("computed", {})}


def choices_of(group: dict, study: dict, where: str):
    """The runs of a group: the product of `vary` and every zip, where the last varies fastest. Computed options are added last."""
    where = f"{where}: group {group['name']}"
    axes = [axis({name: values}, f"{where}: vary") for name, values in group["vary"].items()]
    for zipped in group["zip"]:
        if not isinstance(zipped, dict):
            raise Mistake(f"{where}: zip must be a table of lists under [[group.zip]], not {zipped!r}")
        axes.append(axis(zipped, f"{where}: zip"))
    command = group.get("command", study.get("command", "run"))
    ranks = group.get("ranks", study.get("ranks", 1))
    check_start(command, ranks, where)
    names = [*group["options"], *(name for one in axes for name in one[0]), *group["computed"]]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Mistake(f"{where}: {twice.pop()} is given twice; give it once among options, vary, zip and computed")
    if (runs := math.prod(map(len, axes))) > MOST_RUNS:
        raise Mistake(f"{where}: has {runs} runs; at most {MOST_RUNS}")
    for point in itertools.product(*axes):
        options = study["options"] | group["options"]
        for part in point:
            options = options | part
        options = computed(group["computed"], options, where)
        check_options(options, where)
        yield Choice(labelled(group.get("label", group["name"]), options, where), command, ranks, group.get("may-diverge", study.get("may-diverge", False)), options)


def labelled(label: str, options: dict, where: str) -> str:
    """The label, where @NAME is replaced by the run's value of the option NAME."""
    return re.sub(r"@([a-z0-9-]+)", lambda found: text_of(require(options, found[1], f"{where}: label {label}"), where), label)


def check_start(command: str, ranks: int | str, where: str) -> None:
    if command not in COMMANDS:
        raise Mistake(f"{where}: command = \"{command}\"; valid: {', '.join(COMMANDS)}")
    if ranks != "stages" and (isinstance(ranks, str) or ranks < 1):
        raise Mistake(f"{where}: ranks = {ranks!r}; valid: an integer from 1, or \"stages\"")
    if command == "plan" and ranks != 1:
        raise Mistake(f"{where}: quartic plan runs in one process; leave ranks out")


def axis(lists: dict, where: str) -> list[dict]:
    """[{option: value, …}, …] from lists of the same length, read side by side. "1..8" is the list of these integers."""
    lists = {name: range_of(values, f"{where}: {name}") for name, values in lists.items()}
    for name, values in lists.items():
        if not isinstance(values, list):
            raise Mistake(f"{where}: {name} must be a list, not {values!r}; a fixed value belongs under options")
        if not values:
            raise Mistake(f"{where}: {name} is an empty list")
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) != 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise Mistake(f"{where}: the lists must have the same length: {shown or 'there is no list'}")
    return [dict(zip(lists, row)) for row in zip(*lists.values())]


def range_of(values, where: str):
    found = re.fullmatch(r"(\d{1,18})\.\.(\d{1,18})", values) if isinstance(values, str) else None
    if not found:
        return values
    numbers = range(int(found[1]), int(found[2]) + 1)
    if len(numbers) > MOST_RUNS:
        raise Mistake(f"{where}: \"{values}\" contains {len(numbers)} numbers; a group has at most {MOST_RUNS} runs")
    return list(numbers)


def check_options(options: dict, where: str) -> None:
    for name, value in options.items():
        if name in OURS:
            raise Mistake(f"{where}: --{name} is set by the sweep tool; remove it")
        if not re.fullmatch(r"[a-z0-9-]+", name):
            raise Mistake(f"{where}: '{name}' is not the name of an option; write it as in `quartic run --help`, without the leading dashes")
        text_of(value, f"{where}: {name}")
    if options.get("cut") == "measured":
        raise Mistake(f"{where}: cut = \"measured\" gives a different cut in every run; valid: even, counted, or the first layers, for example \"2,3,5\"")


def text_of(value, where: str) -> str:
    """The value of an option as on the command line. A list is joined by commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    if isinstance(value, list) and value:
        return ",".join(text_of(part, where) for part in value)
    raise Mistake(f"{where}: must be a number, a string, true or false, or a list of them, not {value!r}")
