"""A run that goes on from a checkpoint is bitwise the run that was never interrupted: for every method and objective, from any
moment, on other numbers of ranks.

tests/fault/long_cases.sh takes the whole product of methods and objectives.
"""

import random
import re
import shutil
import subprocess
import tempfile
import zlib
from functools import cache

import h5py
import numpy as np
import pytest

from program import EXECUTABLE, LONG, MPIRUN, PATIENCE, preload, quartic
from runs import FAILED, REFUSED, attributes, kept_what_was_planned, lines_of_quartic, read_steps, read_tables, refused, same_bits, same_run
from test_hosting import FOLDED, METHODS, OBJECTIVES, RUN, STAGES, hosted_options


# What only they keep of a model: the outer step's momentum, the mean update.
KEEPS_MORE = (("local-sgd P=3, outer step", "quadratic"), ("pipemare", "mlp float"))


def cases():
    for m, method in enumerate(METHODS):
        for o, objective in enumerate(OBJECTIVES):
            if LONG or (m + 2 * o) % 12 == 0 or (method, objective) in KEEPS_MORE:
                yield method, objective


def interrupted(folder):
    """What a run leaves that dies after its last checkpoint, while it gathers: rows of later steps included."""
    with h5py.File(folder / "trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    return folder


def block_updates(folder):
    return int(read_tables(folder)["objective"]["block_updates"][-1])


FOLDER = tempfile.TemporaryDirectory(prefix="quartic-resume-")


@cache
def all_checkpoints_stay():
    """The environment of a run that removes none of its checkpoints, so that a test can choose the last that was made."""
    return {"LD_PRELOAD": preload(FOLDER.name, "keeps_checkpoints")}


def interrupted_after(updates, out, *options, **how):
    """What a run leaves that dies some time after a checkpoint at so many block updates."""
    quartic("run", *options, "--checkpoint-every", updates, "--out", out, env=all_checkpoints_stay(), **how)
    here = [folder for folder in sorted((out / "checkpoint").iterdir()) if f"\nblock_updates = {updates}\n" in (folder / "manifest").read_text()]
    for folder in set((out / "checkpoint").iterdir()) - {here[0]}:
        shutil.rmtree(folder)
    return interrupted(out)


def checkpoints_of(folder):
    """The newest first; all are whole."""
    found = sorted((folder / "checkpoint").iterdir(), reverse=True)
    assert all((each / "manifest").is_file() for each in found)
    return found


def checkpoint_of(folder):
    """Its only one."""
    (newest,) = checkpoints_of(folder)
    return newest


def cut_once(out, options, total, random, ranks):
    """A run whose only checkpoint lies somewhere in its second half."""
    return interrupted_after(random.randint(total // 2 + 1, total), out, *RUN, *options, ranks=ranks, timeout=120)


@pytest.mark.parametrize("method, objective", list(cases()))
def test_a_resumed_run_is_the_uninterrupted_one(method, objective, tmp_path):
    chance = random.Random(f"{method} {objective}")
    ranks = (0, 2) if method in FOLDED else (0, 1, 2, 3, STAGES)
    options = (*hosted_options(method, objective), "--save-parameters")
    quartic("run", *RUN, *options, "--out", tmp_path / "whole")
    total = block_updates(tmp_path / "whole")
    for trial in range(5 if LONG else 1):
        out = cut_once(tmp_path / f"{trial}", options, total, chance, chance.choice(ranks))
        quartic("run", "--resume", out, "--quiet", ranks=chance.choice(ranks))
        same_run(tmp_path / "whole", out)
        kept_what_was_planned(out)
        same_parameters(tmp_path / "whole", out)
        assert attributes(out)["complete"] == 1 and attributes(out)["resumed"]


# What neither methods nor objectives have of state: more tables, other random numbers and plans.
VARIANTS = {
    "all tables": ("--trace-events", "--trace-displacement", 3, "--trace-stale-read", 2),
    "images that are moved": ("--data", "generate:images", "--features", 64, "--augment", "flip-crop", "--shuffle"),
    "times by chance": ("--cost", "f=1,bi=1,bw=1,latency=0.1,jitter=0.3,straggler=2:1.5"),
    "forwards made twice": ("--recompute",),
    "epochs": ("--epochs", 3),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_whatever_a_run_has(variant, tmp_path):
    options = ("--objective", "mlp", "--hidden", "16,11,8", "--rows", 64, "--microbatch-size", 4, "--learning-rate", 0.01,
               "--optimizer", "adamw", "--evaluate-every", 5, *VARIANTS[variant], *(() if variant == "epochs" else RUN))
    quartic("run", *options, "--out", tmp_path / "whole")
    out = tmp_path / "run"
    interrupted_after(100, out, *options, ranks=2)
    quartic("run", "--resume", out, "--checkpoint-every", 150, ranks=3)
    same_run(tmp_path / "whole", out)


def test_rows_may_become_fewer(cut, tmp_path):
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "whole")
    with h5py.File(checkpoint_of(cut) / "0000-0002.h5") as checkpoint:
        before = int(checkpoint["rows"].attrs["steps"])
    quartic("run", "--resume", cut, "--trace-every", 3, "--quiet")
    whole, rows = read_steps(tmp_path / "whole")[2], read_steps(cut)[2]
    kept = (np.arange(len(whole)) < before) | (whole["microbatch"] % 3 == 0)
    assert 0 < before < len(rows) < len(whole)
    same_bits(whole[kept], rows)


def same_parameters(one, other):
    with h5py.File(one / "parameters.h5") as left, h5py.File(other / "parameters.h5") as right:
        assert left.keys() == right.keys()
        for name in left:
            assert left[name][()].tobytes() == right[name][()].tobytes(), name


SMALL = (*OBJECTIVES["mlp float"], "--method", "pipedream", "--stages", STAGES, "--microbatches", 48, "--seed", 3, "--evaluate-every", 7)


@pytest.fixture
def cut(tmp_path):
    """The folder of a run that was interrupted after a checkpoint at 100 of 192 block updates."""
    return interrupted_after(100, tmp_path / "cut", *SMALL)


def longer(options, microbatches):
    return [option if option != 48 else microbatches for option in options]


def test_a_run_may_become_longer(cut, tmp_path):
    quartic("run", *longer(SMALL, 64), "--quiet", "--out", tmp_path / "long")
    quartic("run", "--resume", cut, "--microbatches", 64, "--quiet")
    same_run(tmp_path / "long", cut)


def can_become_longer(method):
    """The rates of pipemare were chosen for its length."""
    return not method.startswith("pipemare")


@pytest.mark.parametrize("method", filter(can_become_longer, METHODS))
def test_a_finished_run_may_become_longer(method, tmp_path):
    """From the last position that its plan has in common with a longer one, whichever of the two options keeps it."""
    options = hosted_options(method, "quadratic")
    keep = ("--checkpoint-every", "1000m") if len(method) % 2 else ("--save-parameters",)
    out = tmp_path / "run"
    quartic("run", *RUN, *options, *keep, "--out", out)
    assert len(checkpoints_of(out)) == 1
    quartic("run", "--resume", out, "--microbatches", 96, "--quiet")
    quartic("run", *longer(RUN, 96), *options, "--out", tmp_path / "long")
    same_run(tmp_path / "long", out)
    assert int(attributes(out)["resumed"]) > 0 and len(checkpoints_of(out)) == 1


def test_a_finished_run_may_become_longer_again_and_again(tmp_path):
    out = tmp_path / "run"
    quartic("run", *SMALL, "--save-parameters", "--quiet", "--out", out)
    for microbatches, ranks in ((52, 2), (64, 0), (96, 3)):
        quartic("run", "--resume", out, "--microbatches", microbatches, "--quiet", ranks=ranks)
    quartic("run", *longer(SMALL, 96), "--save-parameters", "--quiet", "--out", tmp_path / "long")
    same_run(tmp_path / "long", out)
    same_parameters(tmp_path / "long", out)


def test_a_run_that_died_in_its_drain_may_become_longer(tmp_path):
    """Its newest checkpoint is of the shorter run alone; the one before it is of both."""
    out = tmp_path / "run"
    quartic("run", *SMALL, "--checkpoint-every", 190, "--quiet", "--out", out)
    newest, lasting = checkpoints_of(interrupted(out))
    quartic("run", "--resume", out, "--microbatches", 64, "--quiet")
    quartic("run", *longer(SMALL, 64), "--quiet", "--out", tmp_path / "long")
    same_run(tmp_path / "long", out)
    assert attributes(out)["resumed"] == str(int(lasting.name)) and newest not in checkpoints_of(out)


def test_not_from_a_checkpoint_in_its_drain(tmp_path):
    interrupted_after(190, tmp_path / "run", *SMALL)
    refused("run", "--resume", tmp_path / "run", "--microbatches", 64, says=("--resume", "valid: --microbatches 48"))
    quartic("run", "--resume", tmp_path / "run", "--quiet")


def test_the_closing_table_says_what_checkpoints_cost(tmp_path):
    done = quartic("run", *SMALL, "--checkpoint-every", 50, "--out", tmp_path / "run", ranks=2)
    count, total, each = re.search(r"^checkpoints: (\d+), training stopped for (\S+) s, (\S+) s each$", done.stdout, re.MULTILINE).groups()
    assert int(count) == 3 + 1 and 0 < float(each) <= float(total)


def test_a_finished_run_needs_nothing(tmp_path):
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "run")
    before = (tmp_path / "run" / "trace.h5").read_bytes()
    done = quartic("run", "--resume", tmp_path / "run", ranks=2)
    assert "is complete" in done.stdout and (tmp_path / "run" / "trace.h5").read_bytes() == before
    (tmp_path / "run" / "ranks").mkdir()  # as kill -9 leaves it that strikes when the trace is in place
    quartic("run", "--resume", tmp_path / "run")
    assert not (tmp_path / "run" / "ranks").exists() and (tmp_path / "run" / "trace.h5").read_bytes() == before


def test_without_a_checkpoint_it_starts_again_and_says_so(tmp_path):
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "whole")
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "run")
    interrupted(tmp_path / "run")
    done = quartic("run", "--resume", tmp_path / "run", "--quiet", ranks=2)
    assert lines_of_quartic(done) == [f"quartic: --resume {tmp_path}/run: has no checkpoint; the run starts again from its beginning"]
    same_run(tmp_path / "whole", tmp_path / "run")
    assert "resumed" not in attributes(tmp_path / "run")


def test_checkpoints_by_time_are_that_far_apart_over_a_resume(cut):
    """The next is due five minutes after the last, at whatever wall time that was made."""
    manifest = checkpoint_of(cut) / "manifest"
    body = re.sub(r"^wall_ns = .*$", f"wall_ns = {3600 * 10**9}", manifest.read_text(), flags=re.MULTILINE).partition("manifest = ")[0]
    manifest.write_text(f"{body}manifest = crc32:{zlib.crc32(body.encode()):08x}\n")
    before = checkpoint_of(cut)
    done = quartic("run", "--resume", cut, "--checkpoint-every", "5m", "--microbatches", 640)
    assert re.search("^checkpoints: 1, ", done.stdout, re.MULTILINE) and checkpoint_of(cut) > before  # that of its end


def test_the_same_command_again_keeps_a_stopped_run(cut):
    """Only --overwrite gives up what --resume could continue."""
    before = (cut / "trace.h5").read_bytes(), checkpoint_of(cut)
    for command in ("run", *SMALL), ("plan",):
        refused(*command, "--out", cut, says=(cut, "checkpoint", f"--resume {cut}", "--overwrite"))
    assert before == ((cut / "trace.h5").read_bytes(), checkpoint_of(cut))
    quartic("run", *SMALL, "--quiet", "--out", cut, "--overwrite")
    assert attributes(cut)["complete"] == 1 and not (cut / "checkpoint").exists()


def test_the_same_command_again_keeps_a_stopped_run_with_a_damaged_checkpoint(cut):
    (checkpoint_of(cut) / "manifest").write_text("lost")
    refused("run", *SMALL, "--out", cut, says=(cut, "checkpoint", "--overwrite"))


def test_the_same_command_again_replaces_a_run_without_a_checkpoint(cut):
    newest = checkpoint_of(cut)
    newest.rename(newest.with_suffix(".part"))
    quartic("run", *SMALL, "--quiet", "--out", cut)
    assert attributes(cut)["complete"] == 1


def test_other_microbatches_and_rates_are_refused(tmp_path):
    interrupted_after(100, tmp_path / "run", *SMALL, "--decay", "cosine")
    refused("run", "--resume", tmp_path / "run", "--microbatches", 40, says=("--resume", "48", "not shorter"))
    refused("run", "--resume", tmp_path / "run", "--microbatches", 64, says=("--decay", "48"), ranks=2)


def test_another_configuration_is_refused(cut):
    ini = cut / "config.ini"
    ini.write_text(ini.read_text().replace("learning-rate = 0.01", "learning-rate = 0.02"))
    refused("run", "--resume", cut, says=("--resume", "config.ini"), ranks=2)


def labelled(path, seed):
    numbers = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = numbers.normal(size=(64, 8)), numbers.integers(0, 3, 64)


@pytest.mark.parametrize("file", ["data", "validation"])
def test_other_data_is_refused(file, tmp_path):
    """The same names, with other numbers in them: what was trained with the first would be said to be of the second."""
    for name in ("data", "validation"):
        labelled(tmp_path / f"{name}.h5", 1)
    files = ("--data", tmp_path / "data.h5", "--validation", tmp_path / "validation.h5")
    interrupted_after(100, tmp_path / "run", "--objective", "mlp", "--hidden", "8,8,8", *files, *RUN)
    labelled(tmp_path / f"{file}.h5", 2)
    refused("run", "--resume", tmp_path / "run", ranks=2, says=(f"--{file} {tmp_path / file}.h5", "restore"))
    labelled(tmp_path / f"{file}.h5", 1)
    quartic("run", "--resume", tmp_path / "run")


def test_start_weights_are_needed_no_more(tmp_path):
    """The checkpoint has what has become of them; the trace says which they were."""
    start = tmp_path / "start" / "parameters.h5"
    quartic("run", *SMALL, "--save-parameters", "--quiet", "--out", start.parent)
    options = (*SMALL, "--init", start)
    quartic("run", *options, "--quiet", "--out", tmp_path / "whole")
    interrupted_after(100, tmp_path / "run", *options)
    start.unlink()
    quartic("run", "--resume", tmp_path / "run")
    same_run(tmp_path / "whole", tmp_path / "run")
    assert attributes(tmp_path / "run")["init_checksum"] == attributes(tmp_path / "whole")["init_checksum"]


def test_parameters_that_were_being_written(tmp_path):
    """What is left of them where the run was killed then is no file that HDF5 can open."""
    options = (*SMALL, "--save-parameters")
    quartic("run", *options, "--quiet", "--out", tmp_path / "whole")
    interrupted_after(100, tmp_path / "run", *options)
    whole = (tmp_path / "run" / "parameters.h5").read_bytes()
    (tmp_path / "run" / "parameters.h5").unlink()
    (tmp_path / "run" / "parameters.h5.part").write_bytes(whole[:48])
    quartic("run", "--resume", tmp_path / "run", "--quiet", ranks=2)
    same_parameters(tmp_path / "whole", tmp_path / "run")
    assert not (tmp_path / "run" / "parameters.h5.part").exists()


def test_rates_that_were_chosen_for_a_length_do_not_become_longer(tmp_path):
    interrupted_after(100, tmp_path / "run", *SMALL[:SMALL.index("--method")], "--method", "pipemare", *RUN)
    refused("run", "--resume", tmp_path / "run", "--microbatches", 96, says=("--method pipemare", "48", "longer"))


def test_what_is_no_checkpoint_is_passed_over(cut):
    (cut / "checkpoint" / "notes").write_text("mine")
    (cut / "checkpoint" / "of yesterday").mkdir()
    quartic("run", "--resume", cut, "--quiet")


def test_checkpoints_that_cannot_be_looked_for_are_not_none(cut):
    """A link to a disk that is not there: what lies here is not begun anew."""
    before = (cut / "trace.h5").read_bytes()
    (cut / "checkpoint").rename(cut / "elsewhere")
    (cut / "checkpoint").symlink_to(cut / "scratch")
    done = quartic("run", "--resume", cut, "--quiet", exit_code=FAILED)
    assert f"{cut}/checkpoint: cannot be read: No such file" in done.stderr and (cut / "trace.h5").read_bytes() == before
    (cut / "elsewhere").rename(cut / "scratch")
    quartic("run", "--resume", cut, "--quiet")


def test_a_trace_that_cannot_be_read_may_be_that_of_a_finished_run(tmp_path):
    out = tmp_path / "run"
    quartic("run", *SMALL, "--quiet", "--out", out)
    content = b"lost" + (out / "trace.h5").read_bytes()[4:]
    (out / "trace.h5").write_bytes(content)
    for command in (("run", *SMALL, "--out", out), ("run", "--resume", out)):
        refused(*command, says=(f"{out}/trace.h5", "--overwrite"))
        assert (out / "trace.h5").read_bytes() == content
    quartic("run", *SMALL, "--quiet", "--out", out, "--overwrite")


def test_a_finished_run_without_a_checkpoint_cannot_become_longer(tmp_path):
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "run")
    refused("run", "--resume", tmp_path / "run", "--microbatches", 96, says=("--resume", "finished", "no checkpoint"))


@pytest.mark.parametrize("table, column", [("stage/0001/steps", "gradient_sq"), ("loss", "loss"), ("objective", "value")])
@pytest.mark.parametrize("row", [0, 3])
def test_a_bit_that_a_disk_has_turned_is_named_and_the_run_is_resumed(table, column, row, cut, tmp_path):
    """The trace up to the checkpoint belongs to it; HDF5 does not notice."""
    with h5py.File(cut / "trace.h5") as trace:
        rows = trace[table]
        at = rows.id.get_chunk_info_by_coord((0,)).byte_offset + row * rows.dtype.itemsize + rows.dtype.fields[column][1]
    content = bytearray((cut / "trace.h5").read_bytes())
    content[at] ^= 1
    (cut / "trace.h5").write_bytes(content)
    (line,) = lines_of_quartic(quartic("run", "--resume", cut, "--quiet", ranks=3))
    gap = attributes(cut)["gap"]
    assert gap.startswith(f"/{table}: some of its first ") and gap.endswith(" rows are altered") and f"is damaged: {gap};" in line
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "whole")
    with h5py.File(tmp_path / "whole" / "trace.h5") as whole, h5py.File(cut / "trace.h5") as found:
        assert [i for i, (one, other) in enumerate(zip(whole[table][column], found[table][column])) if one.tobytes() != other.tobytes()] == [row]


def test_a_trace_with_a_table_that_cannot_be_read_does_not_cost_the_checkpoint(cut, tmp_path):
    with h5py.File(cut / "trace.h5", "r+") as trace:
        del trace["stage/0002/steps"]
    (line,) = lines_of_quartic(quartic("run", "--resume", cut, "--quiet"))
    assert "is damaged: /stage/0002/steps: " in line and "rows are lost" in attributes(cut)["gap"] and "ranks.damaged" not in line
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "whole")
    whole, found = read_steps(tmp_path / "whole"), read_steps(cut)
    for stage in whole:
        kept = found[stage]["microbatch"] >= 0
        assert kept.all() == (stage != 2) and kept.any()
        same_bits(whole[stage][kept], found[stage][kept])


@pytest.mark.parametrize("file", ["manifest", "0000-0000.h5", "0000-0003.h5"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "grown"])
def test_a_damaged_checkpoint_is_refused(file, damage, cut):
    path = checkpoint_of(cut) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-1], "flipped": content, "gone": b"", "grown": path.read_bytes() + b"\0"}[damage])
    if damage == "gone":
        path.unlink()
    line = refused("run", "--resume", cut, says=str(path), ranks=3)
    assert "damaged" in line


def test_ranks_that_see_different_checkpoints(cut, tmp_path):
    """As on a file system that is slow to show one rank what another has written: none goes on, and nothing is lost."""
    for rank in range(2):
        shutil.copytree(cut, tmp_path / f"{rank}" / "run")
    shutil.rmtree(tmp_path / "1" / "run" / "checkpoint")
    script = tmp_path / "start.sh"
    script.write_text(f'#!/bin/sh\ncd {tmp_path}/$OMPI_COMM_WORLD_RANK && exec "{EXECUTABLE}" run --resume /proc/self/cwd/run --quiet\n')
    script.chmod(0o755)
    done = subprocess.run([MPIRUN, "-n", "2", script], capture_output=True, text=True, timeout=30 * PATIENCE)
    assert done.returncode == REFUSED
    assert len(lines_of_quartic(done)) == 1 and "the checkpoint differs between rank 0 and rank 1" in done.stderr
    quartic("run", "--resume", tmp_path / "0" / "run", "--quiet")


def test_a_checkpoint_in_the_making_counts_for_nothing(cut, tmp_path):
    """What a run leaves that dies while it writes the next one."""
    quartic("run", *SMALL, "--quiet", "--out", tmp_path / "whole")
    newest = checkpoint_of(cut)
    part = newest.with_name("000000000500.part")
    part.mkdir()
    (part / "0000-0000.h5").write_bytes((newest / "0000-0000.h5").read_bytes()[:1000])
    quartic("run", "--resume", cut, "--checkpoint-every", 180, "--quiet")
    same_run(tmp_path / "whole", cut)
    assert newest not in checkpoints_of(cut)


def test_parameters_by_name(tmp_path):
    """h5py shows the live weights under the names, and in the shapes, of --save-parameters, and the file says what it is."""
    out = tmp_path / "run"
    quartic("run", *SMALL, "--checkpoint-every", 192, "--save-parameters", "--quiet", "--out", out)
    shown = {}
    for file in sorted(checkpoints_of(out)[0].glob("*.h5")):
        with h5py.File(file) as checkpoint:
            assert checkpoint.attrs["format_version"] == 1
            shown |= {name: data[()] for name, data in checkpoint["parameters"].items()}
    with h5py.File(out / "parameters.h5") as ended:
        assert shown.keys() == ended.keys()
        for name, values in shown.items():
            assert values.shape == ended[name].shape and values.tobytes() == ended[name][()].tobytes(), name


@pytest.mark.parametrize("method", ["pipedream P=2, evaluated often", "v-timeprest P=2, evaluated often"])
def test_a_checkpoint_waits_for_no_rank_that_waits_for_it(method, tmp_path):
    """Due before the one before is done, on three ranks, one of which has the end of pipeline 0 and the beginning of pipeline 1: it
    comes to the checkpoint only when the others go on evaluating."""
    options = hosted_options(method, "mlp float")
    quartic("run", *RUN, *options, "--out", tmp_path / "whole")
    quartic("run", *RUN, *options, "--checkpoint-every", 8, "--out", tmp_path / "run", ranks=3)
    same_run(tmp_path / "whole", tmp_path / "run")
