"""Small studies for the tests of the sweep tool, and an executable that stands before quartic to fail, wait or tell."""

import json
import subprocess
import sys
from pathlib import Path

from program import EXECUTABLE, REPOSITORY, preload

SWEEP = REPOSITORY / "jobs" / "sweep.py"
DONE, FAILED, REFUSED = 0, 1, 2

TINY = """
question = "Is it quick?"
notebook = "tiny.ipynb"
[options]
objective = "quadratic"
rows = 64
features = 16
microbatches = 8
[[group]]
name = "pipedream"
[group.options]
method = "pipedream"
[group.vary]
stages = [2, 4]
seed = [0, 1]
"""


def write_study(folder, text=TINY, name="tiny"):
    """The study and its notebook beside each other; returns the study's path."""
    (folder / "tiny.ipynb").write_text("{}")
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def command(study, *words, program=EXECUTABLE):
    return [sys.executable, str(SWEEP), str(study), "--quartic", str(program), "--out", str(study.parent / "out"), *map(str, words)]


def sweep(study, *words, exit_code=DONE, program=EXECUTABLE, **options):
    """Runs jobs/sweep.py on the study, with DIR `out` beside it, and returns the CompletedProcess."""
    done = subprocess.run(command(study, *words, program=program), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          cwd=study.parent, timeout=120, **options)
    assert done.returncode == exit_code, f"exit code {done.returncode}, not {exit_code}:\n{done.stdout}{done.stderr}"
    return done


def status(study, *words, exit_code=DONE, **options):
    """{"runs": 4, "complete": 3, …}: the last line of --status, as its first names the columns."""
    rows = [line.split() for line in sweep(study, "--status", *words, exit_code=exit_code, **options).stdout.splitlines()]
    return dict(zip(rows[1][1:], map(int, rows[-1][1:])))


def listed(study):
    """The entries of DIR/study.json."""
    return json.loads((study.parent / "out" / "study.json").read_text())["runs"]


def folders(study):
    """{(stages, seed): run folder} of what study.json lists."""
    return {(row["options"]["stages"], row["options"]["seed"]): study.parent / "out" / row["folder"] for row in listed(study)}


def records(study):
    """{folder: the record's text} of all runs that have ended."""
    return {path.parent: path.read_text() for path in (study.parent / "out").glob("*/sweep.json")}


def stand_in(folder, script, name="quartic"):
    """An executable that does `script` before each run (not before --print-config), and is quartic then; $LOG is its own file."""
    path = folder / name
    path.write_text(f"""#!/bin/bash
LOG={folder}/{name}.log
case "$*" in *--print-config*) ;; *)
{script}
esac
exec {EXECUTABLE} "$@"
""")
    path.chmod(0o755)
    return path


def slow_at_first(folder, script=""):
    """An executable whose runs take their time, on a machine of any speed, until they are resumed."""
    library = preload(folder, "slow_products")
    return stand_in(folder, f'case "$*" in *--resume*) ;; *) export LD_PRELOAD={library};; esac\n{script}')


def log_of(program):
    path = Path(f"{program}.log")
    return path.read_text().splitlines() if path.exists() else []


def is_alive(pid):
    """And not a zombie that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def machine_file(folder, **keys):
    path = folder / "machine.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    return path
