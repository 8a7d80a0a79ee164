"""What the sweep tool refuses: one line that says what would be right, exit code 2, and nothing made."""

import os

import pytest

from program import REPOSITORY
from studies import REFUSED, TINY, machine_file, stand_in, sweep, write_study


# name: (the study, words that the line must have)
STUDIES = {
    "unknown option": (TINY.replace("rows = 64", "rowz = 64"), ("group pipedream", "--rowz", "quartic run --help")),
    "value out of range": (TINY.replace("[2, 4]", "[2, 0]"), ("group pipedream", "--stages '0'")),
    "another method's option": (TINY.replace("[group.vary]", "accumulate = 3\n[group.vary]"), ("--accumulate 3", "must be 1")),
    "empty range": (TINY.replace("[0, 1]", "[]"), ("group pipedream", "vary", "seed is an empty list")),
    "no list": (TINY.replace("[0, 1]", "1"), ("vary", "seed", "list", "options")),
    "lists of two lengths": (
        TINY + "[[group.zip]]\nmomentum = [0.1, 0.2]\nlearning-rate = [1]", ("momentum has 2, learning-rate has 1", "same length")),
    "zip of nothing": (TINY + "[[group.zip]]\n", ("zip", "same length")),
    "zip that is no table": (TINY.replace("[group.options]", "zip = [3]\n[group.options]"), ("[[group.zip]]",)),
    "given twice": (TINY + "[[group.zip]]\nseed = [3]\n", ("seed", "twice", "vary, zip and computed")),
    "the same run twice": (TINY.replace("[0, 1]", "[1, 1]"), ("--seed=1", "twice")),
    "unknown key": ("notebok = 1\n" + TINY, ("tiny.toml", "'notebok'", "notebook")),
    "unknown key of a group": (TINY.replace("[group.vary]", "[group.varies]"), ("group 1", "'varies'", "vary")),
    "unknown key of a size": (TINY + "[quick]\noption = {}\n", ("[quick]", "'option'", "options")),
    "unknown group of a size": (TINY + "[quick.group.gpipe]\nskip = true\n", ("[quick.group.gpipe]", "pipedream")),
    "two groups of one name": (TINY + "[[group]]\nname = \"pipedream\"\n", ("two groups", "pipedream")),
    "no group": (TINY[:TINY.index("[[group]]")], ("'group' is missing",)),
    "all skipped": (TINY + "[quick.group.pipedream]\nskip = true\n", ("no run of size quick",)),
    "no question": (TINY.replace("question", "# "), ("'question' is missing",)),
    "no notebook": (TINY.replace("tiny.ipynb", "huge.ipynb"), ("huge.ipynb", "analysis/notebooks")),
    "not TOML": (TINY + "x = = 1\n", ("tiny.toml", "is not TOML", "line ")),
    "a type": ("minutes = \"ten\"\n" + TINY, ("minutes must be a number", "'ten'")),
    "an option of a table": (TINY.replace("rows = 64", "rows = { n = 64 }"), ("rows", "must be a number")),
    "no time": ("minutes = 0\n" + TINY, ("minutes = 0",)),
    "a formula of what is not given": (TINY + "[group.computed]\nrows-per = \"stages * width\"\n", ("computed: rows-per", "width", "valid: integers")),
    "a formula that does more": (TINY + "[group.computed]\ndelta = \"open(stages)\"\n", ("computed: delta", "open(stages)")),
    "a formula that does not parse": (TINY + "[group.computed]\ndelta = \"5 stages\"\n", ("computed: delta", "5 stages")),
    "a number as a formula": (TINY + "[group.computed]\ndelta = 5\n", ("computed: delta", "in quotes")),
    "computed and given": (TINY + "[group.computed]\nseed = \"stages\"\n", ("seed is given twice", "computed")),
    "a label by an option that is not given": (TINY.replace('name = "pipedream"', 'name = "all"\nlabel = "@width"'), ("label @width", "'width' is missing")),
    "a range that is none": (TINY.replace("[0, 1]", '"3..1"'), ("seed is an empty list",)),
    "no such command": ("command = \"train\"\n" + TINY, ("run, plan",)),
    "no such ranks": ("ranks = \"all\"\n" + TINY, ("'all'", "stages")),
    "part of a rank": ("ranks = 1.5\n" + TINY, ("ranks must be an integer or a string", "1.5")),
    "no ranks": ("ranks = 0\n" + TINY, ("ranks = 0", "from 1")),
    "more ranks than stages": ("ranks = 4\n" + TINY, ("ranks = 4", "2 stages", "work for 2")),
    "ranks of a plan": ("ranks = 2\ncommand = \"plan\"\n" + TINY, ("one process",)),
    "an option of run in a plan": ("command = \"plan\"\n" + TINY, ("--objective", "quartic plan --help")),
    "a plan that cannot be": (
        "command = \"plan\"\n" + TINY.replace('objective = "quadratic"\nrows = 64\nfeatures = 16', 'cost = "f=0"'), ("--cost", "f=0")),
    "the tool's own option": (TINY.replace("rows = 64", "rows = 64\nout = \"x\""), ("--out", "sweep tool")),
    "a cut that changes": (TINY.replace("rows = 64", "cut = \"measured\""), ("measured", "counted")),
    "no such data": (TINY.replace("rows = 64", "data = \"@mine\""), ("@mine", "[data.mine]")),
    "data of two kinds": (TINY + "[data.mine]\nmake = \"a\"\nfile = \"b\"\n", ("data.mine", "exactly one of make and file")),
    "a missing file": (TINY.replace("rows = 64", "data = \"@mine\"") + "[data.mine]\nfile = \"b.txt\"\n", ("b.txt", "data/README.md", "--data")),
    "a range of too many": (TINY.replace("[0, 1]", '"0..99999999999"'), ("seed", "0..99999999999", "at most 100000")),
    "too many runs": (TINY.replace("[0, 1]", '"1..1000"').replace("[2, 4]", '"1..1000"'), ("group pipedream", "1000000 runs", "at most 100000")),
    "nested too deeply": (TINY + "x = " + "[" * 5000, ("is not TOML", "nested too deeply")),
    "a number of thousands of digits": (TINY + "x = " + "9" * 5000, ("is not TOML",)),
    "a formula that is nested too deeply": (TINY + "[group.computed]\ndelta = \"" + "+".join(["1"] * 5000) + "\"\n", ("computed: delta", "nested too deeply")),
    "a formula beyond the whole numbers": (
        TINY + "[group.computed]\ndelta = \"" + "*".join(["999999999"] * 3) + "\"\n", ("computed: delta", "64 bits")),
    "a group's name of two lines": (TINY.replace('name = "pipedream"', 'name = "a\\nb"').replace("[0, 1]", "[]"), ("group a?b",)),
    "a quotation without an end": (TINY + "[data.mine]\nmake = 'a \"b'\n", ("data.mine", "no closing quotation")),
    "no such maker": (TINY + "[data.mine]\nmaker = \"m.py\"\nmake = \"a\"\n", ("analysis/m.py",)),
}




def refused(study, *words, says, **options):
    before = sorted(path.name for path in study.parent.iterdir())
    done = sweep(study, *words, exit_code=REFUSED, **options)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("sweep: "), done.stderr
    for word in says:
        assert word in done.stderr, f"'{word}' is not in: {done.stderr}"
    assert sorted(path.name for path in study.parent.iterdir()) == before


@pytest.mark.parametrize("mistake", STUDIES)
def test_study(tmp_path, mistake):
    text, says = STUDIES[mistake]
    refused(write_study(tmp_path, text), "--local", says=says)


@pytest.mark.parametrize("action", ["--dry-run", "--submit", "--status", "--retry"])
def test_every_action_finds_it_first(tmp_path, action):
    text, says = STUDIES["unknown option"]
    refused(write_study(tmp_path, text), action, says=says)


def test_the_full_size_is_checked_as_such(tmp_path):
    study = write_study(tmp_path, TINY + "[full]\noptions = { stages = 3 }\n[full.group.pipedream]\nvary = { seed = [] }\n")
    sweep(study, "--dry-run")
    refused(study, "--dry-run", "--size", "full", says=("seed is an empty list",))


COMMAND_LINES = {
    "nothing to do": ((), ("--dry-run, --local, --submit, --status or --retry",)),
    "two things to do": (("--local", "--submit"), ("--submit", "not allowed with")),
    "unknown option": (("--locally",), ("--locally", "--help")),
    "no such size": (("--size", "huge", "--local"), ("huge", "quick", "full")),
    "no such machine": (("--machine", "cray", "--local"), ("--machine cray", "local, slurm-example")),
    "a machine without a scheduler": (("--submit",), ("local has no scheduler", "slurm-example.toml")),
    "no such executable": (("--quartic", "nowhere", "--local"), ("--quartic nowhere", "not an executable")),
    "an executable of another kind": (("--quartic", "/bin/true", "--local"), ("--quartic /bin/true",)),
    "--out is a file": (("--out", "tiny.toml", "--local"), ("--out tiny.toml", "not a folder")),
    "an array's own option": (("--task", "tiny.toml"), ("--task", "--submit")),
}


@pytest.mark.parametrize("mistake", COMMAND_LINES)
def test_command_line(tmp_path, mistake):
    words, says = COMMAND_LINES[mistake]
    refused(write_study(tmp_path), *words, says=says)


def test_study_that_is_not_there(tmp_path):
    refused(tmp_path / "nowhere.toml", "--local", says=("nowhere.toml", "no such file"))


MACHINES = {
    "launcher": ("aprun", ("launcher = \"aprun\"", "mpirun, srun")),
    "scheduler": ("pbs", ("scheduler = \"pbs\"", "none, slurm")),
    "cores": (0, ("cores = 0", "at least 1")),
    "nodes": ("two", ("nodes must be an integer",)),
    "modules": ([1], ("modules", "strings")),
    "environment": ({}, ("environment must be a table",)),
    "rank": (1, ("'rank'", "ranks")),
}


@pytest.mark.parametrize("key", MACHINES)
def test_machine(tmp_path, key):
    value, says = MACHINES[key]
    machine = machine_file(tmp_path, **{"cores": 2, key: "x" if value == {} else value})
    refused(write_study(tmp_path), "--machine", machine, "--local", says=("machine.toml", *says))


def test_a_cluster_says_how_many_cores_a_node_has(tmp_path):
    machine = machine_file(tmp_path, scheduler="slurm")
    refused(write_study(tmp_path), "--machine", machine, "--submit", says=("machine.toml", "'cores' is missing"))


def test_more_ranks_than_the_machine(tmp_path):
    machine = machine_file(tmp_path, cores=1, ranks=3)
    refused(write_study(tmp_path, 'ranks = "stages"' + TINY), "--machine", machine, "--local", says=("4 ranks", "the 3 of", "1 x 3"))


def test_no_slurm(tmp_path):
    (tmp_path / "tools").mkdir()
    refused(write_study(tmp_path), "--machine", machine_file(tmp_path, scheduler="slurm", cores=8), "--submit",
            says=("no sbatch on the PATH", "--local"), env={**os.environ, "PATH": str(tmp_path / "tools")})


def test_more_runs_than_the_machine_says(tmp_path):
    machine = machine_file(tmp_path, scheduler="slurm", cores=8, array=3)
    (tmp_path / "tools").mkdir()
    stand_in(tmp_path / "tools", "exit 1", name="sbatch")
    refused(write_study(tmp_path), "--machine", machine, "--submit", says=("4 runs", "the 3 jobs"),
            env={**os.environ, "PATH": f"{tmp_path / 'tools'}:/bin"})


def test_the_folder_of_another_study(tmp_path):
    sweep(write_study(tmp_path), "--local")
    refused(write_study(tmp_path, name="other"), "--local", says=("--out out", "the study tiny"))


def test_data_that_cannot_be_made(tmp_path):
    text = TINY.replace("rows = 64\nfeatures = 16", 'data = "@made"') + '[data.made]\nmake = "tridiagonal --rows 4 --features 16"\n'
    done = sweep(write_study(tmp_path, text), "--local", exit_code=REFUSED)
    making, line = done.stderr.splitlines()
    assert making.startswith("making ") and "data/made/made-" in making and "make_data.py" in line and "rows" in line
    assert not (tmp_path / "out").exists() and not list((REPOSITORY / "data" / "made").glob("made-*"))


def test_the_machines_that_are_there(tmp_path):
    """The example is for copying, so it must be right."""
    study = write_study(tmp_path)
    for name in ("local", "slurm-example", "slurm-gpu-example"):
        assert f"on {name}: " in sweep(study, "--dry-run", "--machine", name).stdout


def test_a_byte_order_mark_in_a_study_is_no_part_of_it(tmp_path):
    study = write_study(tmp_path)
    study.write_bytes(b"\xef\xbb\xbf" + study.read_bytes())
    assert sweep(study, "--dry-run").stdout.startswith("tiny (quick): Is it quick?")
