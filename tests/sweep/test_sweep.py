"""The sweep tool: which runs a study has, where they are, and what is made again."""

import json
import os
import re
import shutil
from itertools import product

import pytest

from program import REPOSITORY
from runs import attributes, read_steps, same_run
from studies import FAILED, TINY, folders, listed, log_of, machine_file, records, stand_in, status, sweep, write_study

COUNT = 'echo "$*" >> $LOG'


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


@pytest.fixture
def done(study):
    sweep(study, "--local")
    return study


def test_every_run_is_in_the_folder_of_its_configuration(done):
    out = done.parent / "out"
    assert folders(done).keys() == set(product((2, 4), (0, 1)))
    for (stages, seed), folder in folders(done).items():
        found = attributes(folder)
        assert found["complete"] == 1 and found["config_hash"] == folder.name
        assert f"stages = {stages}\n" in found["config"] and f"seed = {seed}\n" in found["config"]
    assert {path for path in out.iterdir() if path.is_dir()} == set(folders(done).values())
    study = json.loads((out / "study.json").read_text())
    assert (study["study"], study["size"], study["question"]) == ("tiny", "quick", "Is it quick?")
    assert listed(done)[0]["group"] == "pipedream" and listed(done)[0]["options"]["method"] == "pipedream"


def test_dry_run_makes_nothing(study):
    shown = sweep(study, "--dry-run").stdout
    assert sorted(path.name for path in study.parent.iterdir()) == ["tiny.ipynb", "tiny.toml"]
    assert shown.count(" run --objective=quadratic") == 4 and "--stages=4 --seed=1" in shown
    assert "96" in shown  # 8 microbatches x (2 + 4) stages x 2 seeds


def test_dry_run_knows_what_is_complete_and_how_long_the_rest_takes(done):
    assert "4         4       0" in sweep(done, "--dry-run").stdout
    shutil.rmtree(folders(done)[4, 1])
    last = sweep(done, "--dry-run").stdout.splitlines()[-2].split()
    assert last[:4] == ["all", "4", "3", "1"] and last[-1].endswith("s")


def test_what_is_complete_is_skipped(study, tmp_path):
    program = stand_in(tmp_path, COUNT)
    for _ in range(2):
        assert "4 complete" in sweep(study, "--local", program=program).stdout
    assert len(log_of(program)) == 4


def test_a_changed_option_makes_a_new_run(done):
    before = records(done)
    write_study(done.parent, TINY.replace("seed = [0, 1]", "seed = [1, 2]"))
    sweep(done, "--local")
    assert folders(done).keys() == set(product((2, 4), (1, 2)))
    assert len(records(done)) == 6 and before.items() <= records(done).items()


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(1000)


def change_a_byte(path):
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\xa5\x5a")


def change_record(folder, **values):
    path = folder / "sweep.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


DAMAGES = {
    "trace cut": lambda folder: cut(folder / "trace.h5"),
    "trace changed": lambda folder: change_a_byte(folder / "trace.h5"),
    "trace gone": lambda folder: (folder / "trace.h5").unlink(),
    "record torn": lambda folder: (folder / "sweep.json").write_text((folder / "sweep.json").read_text()[:40]),
    "record without a trace": lambda folder: change_record(folder, trace=None),
    "record of other contents": lambda folder: (folder / "sweep.json").write_text("[]"),
    "record gone": lambda folder: (folder / "sweep.json").unlink(),
    "folder gone": shutil.rmtree,
    "configuration alone": lambda folder: [path.unlink() for path in folder.iterdir() if path.name != "config.ini"],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_made_again(done, damage):
    folder = folders(done)[4, 0]
    before = records(done)
    shutil.copytree(folder, done.parent / "whole")
    DAMAGES[damage](folder)
    assert status(done, exit_code=FAILED) == {"runs": 4, "complete": 3, "missing": 1}
    sweep(done, "--local")
    same_run(folder, done.parent / "whole")
    del before[folder]
    assert before.items() <= records(done).items()


def test_a_copy_of_the_folders_is_complete(done):
    shutil.move(done.parent / "out", done.parent / "moved")
    shutil.copytree(done.parent / "moved", done.parent / "out", copy_function=shutil.copy)  # with new times
    before = records(done)
    sweep(done, "--local")
    assert records(done) == before


def test_files_of_others_in_a_run_folder_stay(done):
    folder = folders(done)[2, 0]
    (folder / "notes.txt").write_text("mine")
    (folder / "sweep.json").unlink()
    sweep(done, "--local")
    assert (folder / "notes.txt").read_text() == "mine" and attributes(folder)["complete"] == 1


SIZED = TINY + """
[[group]]
name = "gpipe"
[group.options]
method = "gpipe"
[[group.zip]]
learning-rate = [0.1, 0.01]
microbatch-size = [4, 8]
[[group.zip]]
stages = [2, 3]
[quick]
options = { rows = 128 }
[quick.group.pipedream]
vary = { seed = [7] }
options = { learning-rate = 0.5 }
[quick.group.gpipe]
skip = true
[full]
options = { l2 = 0.0 }
"""


def test_sizes(tmp_path):
    study = write_study(tmp_path, SIZED)
    sweep(study, "--local")
    assert folders(study).keys() == {(2, 7), (4, 7)}
    assert all(row["options"]["rows"] == 128 and row["options"]["learning-rate"] == 0.5 for row in listed(study))
    sweep(study, "--local", "--size", "full")
    rows = [row["options"] for row in listed(study)]
    assert len(rows) == 4 + 4 and all(row["rows"] == 64 for row in rows)
    pairs = [(row["learning-rate"], row["microbatch-size"], row["stages"]) for row in rows if row["method"] == "gpipe"]
    assert pairs == [(0.1, 4, 2), (0.1, 4, 3), (0.01, 8, 2), (0.01, 8, 3)]


def test_two_groups_may_share_a_run(tmp_path):
    program = stand_in(tmp_path, COUNT)
    second = "\n[[group]]\nname = \"again\"\n[group.options]\nmethod = \"pipedream\"\nstages = 2\n[group.vary]\nseed = [1, 5]\n"
    study = write_study(tmp_path, TINY + second)
    assert "6 complete" in sweep(study, "--local", program=program).stdout
    assert len(log_of(program)) == 5 and len(listed(study)) == 6


def test_ranks_give_the_same_results(done, tmp_path):
    (tmp_path / "ranked").mkdir()
    ranked = write_study(tmp_path / "ranked", 'ranks = "stages"' + TINY)
    assert "jobs/mpirun.sh -n 4 " in sweep(ranked, "--dry-run").stdout
    sweep(ranked, "--local")
    for key, folder in folders(ranked).items():
        assert folder.name == folders(done)[key].name
        same_run(folder, folders(done)[key])


def test_plans(tmp_path):
    text = TINY.replace("objective = \"quadratic\"\nrows = 64\nfeatures = 16\n", "")
    study = write_study(tmp_path, 'command = "plan"' + text)
    sweep(study, "--local")
    assert folders(study).keys() == set(product((2, 4), (0, 1)))
    for (stages, _), folder in folders(study).items():
        assert attributes(folder)["complete"] == 1 and len(read_steps(folder)) == stages
    before = records(study)
    sweep(study, "--local")
    assert records(study) == before


def test_groups_by_method_ranges_and_formulas(tmp_path):
    text = """
question = "?"
notebook = "tiny.ipynb"
command = "plan"
[[group]]
name = "all"
label = "by @method"
[group.vary]
method = ["pipedream", "1f1b-flush"]
stages = "2..4"
[group.computed]
accumulate = "max(stages - 3, 1)"
microbatches = "4 * (stages + 2 * accumulate)"
[quick.group.all]
computed = { microbatches = "8 * accumulate" }
"""
    study = write_study(tmp_path, text)
    sweep(study, "--local", "--size", "full")
    wanted = {(f"by {method}", stages, 1, 4 * (stages + 2)) for method in ("pipedream", "1f1b-flush") for stages in (2, 3, 4)}
    assert {(row["group"], *(row["options"][name] for name in ("stages", "accumulate", "microbatches"))) for row in listed(study)} == wanted
    sweep(study, "--local")
    assert {row["options"]["microbatches"] for row in listed(study)} == {8}


def test_a_plan_and_a_run_of_one_configuration_have_two_folders(tmp_path):
    both = 'notebook = "tiny.ipynb"\nquestion = "?"\n[options]\nstages = 2\nmicrobatches = 8\n[[group]]\nname = "planned"\ncommand = "plan"\n[[group]]\nname = "measured"\n'
    study = write_study(tmp_path, both)
    sweep(study, "--local")
    assert len(records(study)) == 2


def test_the_study_that_the_readme_shows(tmp_path):
    text = (REPOSITORY / "jobs" / "README.md").read_text()
    study = write_study(tmp_path, re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])
    (tmp_path / "delay.ipynb").write_text("{}")
    for size, runs in {"quick": 2 * 1 * 2, "full": 3 * 3 * 2}.items():
        shown = sweep(study, "--dry-run", "--size", size).stdout
        assert shown.count(" run --objective=quadratic --data=data/made/tridiagonal-") == runs
        assert shown.count(" --evaluate-every=10 ") == (runs if size == "quick" else 0)


def test_a_group_has_its_own_command_and_ranks(tmp_path):
    study = write_study(tmp_path, 'command = "plan"\n' + TINY.replace("objective", "# ").replace("rows = 64\nfeatures = 16\n", "") + """
[[group]]
name = "measured"
command = "run"
ranks = 2
[group.options]
rows = 64
stages = 2
seed = 9
""")
    shown = sweep(study, "--dry-run").stdout
    assert shown.count(" plan --") == 4 and shown.count("mpirun.sh -n 2 ") == 1 and " run --" in shown


def test_the_program_is_asked_once_for_each_run(tmp_path):
    study, program = write_study(tmp_path), stand_in(tmp_path, COUNT)
    program.write_text(program.read_text().replace("#!/bin/bash\n", f"#!/bin/bash\necho \"$*\" >> {tmp_path}/asked\n"))
    asked = tmp_path / "asked"
    sweep(study, "--local", program=program)
    assert asked.read_text().count("--print-config") == 4
    for action in ("--dry-run", "--status", "--local"):
        sweep(study, action, program=program)
    assert asked.read_text().count("--print-config") == 4
    program.write_text(program.read_text() + "# another version\n")
    sweep(study, "--local", program=program)
    assert asked.read_text().count("--print-config") == 8


@pytest.mark.parametrize("cores, most", [(1, 2), (2, 2), (3, 3), (4, 4)])
def test_no_more_at_once_than_the_cores(tmp_path, cores, most):
    """Runs take a core for each of their ranks and threads; those that want more than there are take all and run alone."""
    program = stand_in(tmp_path, 'taken=$(grep -o "threads=." <<< "$*"); echo ${taken#threads=} >> $LOG; sleep 0.2; echo -${taken#threads=} >> $LOG')
    study = write_study(tmp_path, TINY.replace("[2, 4]", "[2]\nthreads = [1, 2]"))
    sweep(study, "--local", "--machine", machine_file(tmp_path, cores=cores), program=program)
    running = [0]
    for line in log_of(program):
        running.append(running[-1] + int(line))
    assert max(running) == most and running[-1] == 0


def test_one_blas_thread_a_rank(tmp_path):
    machine = tmp_path / "machine.toml"
    machine.write_text('[environment]\nHDF5_USE_FILE_LOCKING = "BEST_EFFORT"\n')
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "OMP_"))}
    study = write_study(tmp_path)
    sweep(study, "--local", "--machine", machine, env=environment | {"SECRET_TOKEN": "hidden"})
    told = (folders(study)[2, 0] / "environment").read_text()
    assert {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "HDF5_USE_FILE_LOCKING=BEST_EFFORT"} <= set(told.splitlines())
    assert "hidden" not in told


@pytest.mark.parametrize("name", ["SLURM_JWT", "SLURM_REST_TOKEN", "OMPI_MCA_secret_x", "UCX_PASSWORD", "PMIX_MCA_ssh_key"])
def test_the_saved_environment_has_no_secrets_and_is_for_nobody_else(study, name):
    sweep(study, "--local", env=os.environ | {name: "hidden", "SLURM_SAID": "shown"}, umask=0)
    saved = folders(study)[2, 0] / "environment"
    assert "SLURM_SAID=shown" in saved.read_text() and "hidden" not in saved.read_text() and name not in saved.read_text()
    assert saved.stat().st_mode & 0o777 == 0o600
