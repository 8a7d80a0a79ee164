"""What the tests of the executable share: runs that are refused, runs that go on, and their traces."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np

from program import EXECUTABLE, MPIRUN, PATIENCE, quartic, said

DONE, FAILED, REFUSED, DIVERGED, STOPPED = 0, 1, 2, 3, 4
TABLES = ("loss", "objective")
PLANNED_MEMORY = ("weights_bytes", "stashes_bytes", "activations_bytes", "buffers_bytes")

# A network whose microbatch takes milliseconds and whose run takes minutes: to be stopped in its middle.
LONG_RUN = ("--objective", "mlp", "--features", 256, "--hidden", "256,256,256", "--rows", 512,
            "--microbatch-size", 64, "--microbatches", 200_000)


def lines_of_quartic(done):
    """The lines of stderr that quartic wrote; mpirun adds its own banner."""
    return [line for line in done.stderr.splitlines() if line.startswith("quartic: ")]


def refused(*arguments, says, ranks=0, code=REFUSED, **options):
    """The command must end with `code` and one line of quartic's that contains every word of `says`."""
    done = quartic(*arguments, ranks=ranks, exit_code=code, timeout=120, **options)
    lines = lines_of_quartic(done)
    assert len(lines) == 1, done.stderr
    if not ranks:
        assert done.stderr.splitlines() == lines, done.stderr
    assert done.stdout == "", done.stdout
    for word in [says] if isinstance(says, str) else says:
        assert str(word) in lines[0], f"'{word}' is not in: {lines[0]}"
    return lines[0]


def until(condition, what, seconds=30.0):
    """Polls until the condition gives something true, and returns that; fails after so many seconds."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"after {seconds} s still not: {what}")


class LiveRun:
    """`quartic run` in the background, in a `with` block that ends it; the job of a launcher included."""

    def __init__(self, out, *options, ranks=0):
        where = () if "--resume" in options else ("--out", out)
        command = [str(EXECUTABLE), "run", *map(str, (*options, "--quiet", *where))]
        if ranks:
            command = [str(MPIRUN), "-n", str(ranks), *command]
        self.out = Path(out)
        self.ranks = ranks
        # A shell that has put the tests into the background has them ignore Ctrl-C, and so all they start.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE, env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate(timeout=10)

    def rank_processes(self):
        """The ids of the ranks' processes, which are ours or the launcher's children."""
        return descendants(self.process.pid) if self.ranks else [self.process.pid]

    def wait(self, seconds=10.0):
        """(exit code, stderr) of the job, which must end within so many seconds."""
        _, errors = self.process.communicate(timeout=seconds * PATIENCE)
        return self.process.returncode, said(errors)

    def rows(self):
        """How many rows the live trace shows at the stage that has the fewest; 0 before there is one."""
        assert self.process.poll() is None, self.process.communicate()[1]
        try:
            return min(len(rows) for rows in read_steps(self.out, live=True).values())
        except (OSError, KeyError):
            return 0

    def has_rows(self):
        return until(self.rows, f"rows in {self.out}")


def descendants(pid):
    """The processes below `pid` that run quartic."""
    children = [int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children")
                for child in tasks.read_text().split()]
    names = {child: Path(f"/proc/{child}/comm").read_text().strip() for child in children}
    found = [child for child in children if names[child] == EXECUTABLE.name]
    return found + [below for child in children for below in descendants(child)]


def read_steps(folder, live=False):
    """{stage: rows of its `steps`}; `live` for a run that goes on or was killed."""
    with h5py.File(Path(folder) / "trace.h5", "r", swmr=live) as file:
        return {int(name): file["stage"][name]["steps"][()] for name in sorted(file["stage"])}


def read_tables(folder, live=False):
    """{name: rows} of what a run computes and plans: the steps of each stage, the loss, the objective, and, where a
    run has them, the events, the loss of held-out rows and the stale reads, of each stage and of all."""
    with h5py.File(Path(folder) / "trace.h5", "r", swmr=live) as file:
        paths = ["stage", *(f"pipeline/{name}/stage" for name in sorted(file.get("pipeline", {})))]
        tables = {f"{path}/{name}": file[path][name]["steps"][()] for path in paths for name in sorted(file[path])}
        tables |= {f"stage/{name}/{table}": group[table][()] for name, group in file["stage"].items()
                   for table in ("events", "stale_read") if table in group}
        return tables | {name: file[name][()] for name in (*TABLES, "validation", "stale_read") if name in TABLES or name in file}


def attributes(folder):
    with h5py.File(Path(folder) / "trace.h5", "r") as file:
        return dict(file.attrs)


def same_bits(one, other, columns=None):
    """Two tables are bitwise equal in `columns`; by default in all but the wall times."""
    assert one.dtype == other.dtype and len(one) == len(other)
    for column in columns or [name for name in one.dtype.names if not name.endswith("_ns")]:
        equal = one[column].tobytes() == other[column].tobytes()
        assert equal, f"{column}: {np.flatnonzero(one[column] != other[column])[:5]} differ"


def same_run(one, other):
    """Two run folders hold bitwise the same results, wall times aside."""
    left, right = read_tables(one), read_tables(other)
    assert left.keys() == right.keys()
    for name in left:
        same_bits(left[name], right[name])


def memory(folder):
    with h5py.File(Path(folder) / "trace.h5", "r") as file:
        return file["memory"][()]


def kept_what_was_planned(folder):
    """Every rank kept at most, to the byte, what was planned before the run started."""
    for row in memory(folder):
        for column in PLANNED_MEMORY:
            assert row[column] == row[f"planned_{column}"], f"rank {row['rank']}: {column} {row[column]}, planned {row[f'planned_{column}']}"


def values_of_ini(text):
    return dict(re.findall(r"^(\S+) = (.*)$", text, re.MULTILINE))
