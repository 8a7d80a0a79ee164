"""A machine: how runs are started on it and how large they may be (jobs/machines/local.toml and slurm-example.toml explain the keys)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import ROOT, Mistake
from .tables import NUMBER, check_table, read_toml, require

MACHINES = ROOT / "jobs" / "machines"
MPIRUN = ROOT / "jobs" / "mpirun.sh"
# Unlike mpirun, srun lets the other ranks wait for one that was killed, unless it is told.
LAUNCHERS = {"mpirun": [str(MPIRUN)], "srun": ["srun", "--mpi=pmix", "--kill-on-bad-exit=1"]}
SCHEDULERS = ("none", "slurm")
KEYS = {"launcher": str, "scheduler": str, "nodes": int, "cores": int, "ranks": int, "minutes": NUMBER, "grace": int, "array": int,
        "partition": str, "account": str, "modules": list, "options": list, "environment": dict}


@dataclass(frozen=True)
class Machine:
    name: str
    launcher: str = "mpirun"
    scheduler: str = "none"
    nodes: int = 1
    """The largest number of nodes of one run."""
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Cores per node. --local shares them among runs."""
    ranks: int = 0
    """The largest number of ranks of one run per node; 0: as many as cores."""
    minutes: float = 0
    """The time limit of a job; 0: no limit."""
    grace: int = 60
    """Seconds that a run may take to stop with a checkpoint, before its job's limit and after Ctrl-C."""
    array: int = 0
    """The largest number of jobs in an array; 0: the limit of Slurm."""
    partition: str = ""
    account: str = ""
    modules: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    """Additional options of sbatch, passed on unchanged."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def ranks_a_node(self) -> int:
        return self.ranks or self.cores

    @property
    def all_cores(self) -> int:
        return self.nodes * self.cores

    @property
    def most_ranks(self) -> int:
        return self.nodes * self.ranks_a_node

    def command(self, words: list[str], ranks: int, threads: int) -> list[str]:
        """The command that starts `words` on this many ranks. One rank needs no launcher; the results are the same and it starts faster."""
        if ranks == 1:
            return words
        spread = [f"--cpus-per-task={threads}"] if self.launcher == "srun" else []
        return [*LAUNCHERS[self.launcher], "-n", str(ranks), *spread, *words]


def load_machine(name: str) -> Machine:
    """Reads the machine jobs/machines/NAME.toml, or the .toml file of this path."""
    path = Path(name) if name.endswith(".toml") else MACHINES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in MACHINES.glob("*.toml")))
        raise Mistake(f"--machine {name}: is unknown; valid: {known}, or the path of a .toml file")
    table = read_toml(path)
    check_table(table, KEYS, path.name)
    if table.get("scheduler", "none") != "none":
        require(table, "cores", path.name)  # those of this machine are another's
    machine = Machine(path.stem, **table)
    check_machine(machine, path.name)
    return machine


def check_machine(machine: Machine, where: str) -> None:
    if machine.launcher not in LAUNCHERS:
        raise Mistake(f"{where}: launcher = \"{machine.launcher}\"; valid: {', '.join(LAUNCHERS)}")
    if machine.scheduler not in SCHEDULERS:
        raise Mistake(f"{where}: scheduler = \"{machine.scheduler}\"; valid: {', '.join(SCHEDULERS)}")
    for key, least in {"nodes": 1, "cores": 1, "ranks": 0, "minutes": 0, "grace": 1, "array": 0}.items():
        if getattr(machine, key) < least:
            raise Mistake(f"{where}: {key} = {getattr(machine, key)}; must be at least {least}")
    for key in ("modules", "options"):
        if not all(isinstance(word, str) for word in getattr(machine, key)):
            raise Mistake(f"{where}: {key} must be a list of strings")
    for key, words in {"partition": [machine.partition], "account": [machine.account], "options": machine.options}.items():
        if unfit := [word for word in words if not word.isprintable()]:
            raise Mistake(f"{where}: {key}: {unfit[0]!r} has more than one line; give each option as a string of its own")
    if not all(isinstance(value, str) for value in machine.environment.values()):
        raise Mistake(f"{where}: [environment]: every value must be a string, for example OMP_NUM_THREADS = \"1\"")
