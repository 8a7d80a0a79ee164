"""The output of the sweep tool: the commands of a dry run, the states of the runs, the failures."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .at_work import progress
from .estimate import Estimate, duration
from .folder import OUTPUT, RUNNING
from .machine import Machine
from .runs import Run
from .standing import STATES, Standing, counts
from .study import Study


def title(study: Study) -> str:
    return one_line(f"{study.name} ({study.size}): {study.question}")


def one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shown(path: Path) -> str:
    """The path as text, relative to the working directory if that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def table(rows: list[list[str]]) -> str:
    """A text table. The first column is aligned left, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip()
                     for row in rows)


def by_group(some: list[Standing]) -> dict[str, list[Standing]]:
    groups: dict[str, list[Standing]] = {}
    for one in some:
        groups.setdefault(one.run.choice.group, []).append(one)
    return groups


def status(study: Study, some: list[Standing]) -> str:
    present = [state for state in STATES if counts(some)[state]]
    rows = [["group", "runs", *present]]
    for name, members in [*by_group(some).items(), ("all", some)]:
        rows.append([name, str(len(members)), *(str(counts(members)[state]) for state in present)])
    return f"{title(study)}\n{table(rows)}"


def running(some: list[Standing]) -> list[str]:
    """One line per running run: folder, group and options, progress. A run that two groups share has one line."""
    going = {one.run.name: one for one in some if one.state == RUNNING}
    return [f"{shown(one.run.folder.path)} ({describe(one, some)}): running: {progress(one.run.folder.path)}" for one in going.values()]


def dry_run(study: Study, some: list[Standing], todo: list[Run], machine: Machine, estimate: Estimate, program: Path, out: Path) -> str:
    """The commands that would run, then the numbers of runs and the time for each group."""
    lines = [title(study), *(f"make  {file.text}" for file in data_to_make(todo))]
    for run in todo:
        folder = run.folder.path if run.folder else out / "HASH"
        lines.append(shlex.join(machine.command(run.program_words(shown(program), shown(folder)), run.ranks, run.threads)))
    rows = [["group", "runs", "complete", "to run", "ranks", "microbatches x stages", "time"]]
    wanted = {id(run) for run in todo}
    for name, members in [*by_group(some).items(), ("all", some)]:
        rows.append(arithmetic(name, members, [one.run for one in members if id(one.run) in wanted], machine, estimate))
    return "\n".join([*lines, table(rows), f"on {machine.name}: {cores_of(machine)}; start the runs with --local or --submit"])


def arithmetic(name: str, members: list[Standing], todo: list[Run], machine: Machine, estimate: Estimate) -> list[str]:
    work = [run.work for run in todo]
    seconds = estimate.seconds_on(machine, todo)
    ranks = sorted({one.run.ranks for one in members})
    return [name, str(len(members)), str(sum(one.is_done for one in members)), str(len(todo)),
            str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}-{ranks[-1]}",
            "?" if None in work else f"{sum(work):,}", "?" if seconds is None else duration(seconds)]


def data_to_make(todo: list[Run]) -> list:
    return list({file.path: file for run in todo for file in run.data if not file.path.exists()}.values())


def cores_of(machine: Machine) -> str:
    return f"{machine.cores} cores" if machine.nodes == 1 else f"{machine.nodes} nodes of {machine.cores} cores"


def failures(some: list[Standing]) -> list[str]:
    """One line per failed run: folder, group and options, reason. A run that two groups share has one line."""
    failed = {one.run.name: one for one in reversed(some) if one.is_failure}
    return [f"{shown(one.run.folder.path)} ({describe(one, some)}): {one.state}: {why(one)}"
            for one in reversed(failed.values())]


def why(one: Standing) -> str:
    return f"{one.record.message}; see the file {OUTPUT} in its folder" if one.record else one.reason


def stale(folders: dict[Path, Path | None]) -> list[str]:
    """One line per folder whose run was made with other data."""
    made = {path: f"--local runs it with the new data in {shown(now)}" if now else "its folder can be removed" for path, now in folders.items()}
    return [f"{shown(path)}: stale: its data has changed since it was made; {what}" for path, what in made.items()]


def describe(one: Standing, some: list[Standing]) -> str:
    """The group of the run, and the options in which the runs of the group differ."""
    options = one.run.choice.options
    others = [other.run.choice.options for other in some if other.run.choice.group == one.run.choice.group]
    differing = [f"{name} {value}" for name, value in options.items() if any(other.get(name) != value for other in others)]
    return ", ".join([one.run.choice.group, *differing])


def summary(study: Study, some: list[Standing], out: Path) -> str:
    parts = [f"{count} {state}" for state in STATES if (count := counts(some)[state])]
    return one_line(f"{study.name} ({study.size}): {len(some)} runs, {', '.join(parts)}; {shown(out)}")
