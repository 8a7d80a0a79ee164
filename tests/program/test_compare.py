"""`quartic compare`: equal runs are equal however they were hosted, and one bit anywhere in what a run computes is found."""

import shutil

import h5py
import numpy as np
import pytest

from program import LONG, quartic
from runs import REFUSED, lines_of_quartic, refused, same_run

STAGES = 3
RUN = ("--objective", "mlp", "--rows", 96, "--features", 12, "--hidden", "8,7", "--microbatch-size", 4,
       "--method", "pipedream", "--learning-rate", 0.05, "--evaluate-every", 16, "--validation", 0.25, "--trace-events",
       "--trace-stale-read", 2, "--save-parameters", "--quiet")
EQUAL, DIFFERENT = 0, 1
STAGE_TABLES = ("steps", "events", "stale_read")
COMPARED = [*(f"stage/{STAGES - 1:04}/{name}" for name in STAGE_TABLES), "loss", "objective", "validation", "stale_read"]
HOSTING = ("memory", "ranks")


def train(out, *options, microbatches=24, stages=STAGES, ranks=0):
    quartic("run", *RUN, "--stages", stages, "--microbatches", microbatches, *options, "--out", out, ranks=ranks)
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("compare") / "run")


@pytest.fixture
def other(run, tmp_path):
    return shutil.copytree(run, tmp_path / "other")


def compared(*runs, exit_code, ranks=0):
    done = quartic("compare", *runs, exit_code=exit_code, ranks=ranks)
    if not ranks:
        assert done.stderr == ""
    return done.stdout.splitlines()


def changed(file, table, column, row, change):
    rows = file[table][()]
    rows[column][row] = change(rows[column][row])
    file[table][:] = rows


def next_value(value):
    """The value of the same type whose last bit is the other one."""
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1])
    if isinstance(value, np.floating):
        return (np.array([value]).view(f"i{value.itemsize}") ^ 1).view(value.dtype)[0]
    return value ^ 1


def flip(folder, table, column, row):
    with h5py.File(folder / "trace.h5", "r+") as file:
        changed(file, table, column, row, next_value)


def columns(folder, tables):
    with h5py.File(folder / "trace.h5") as file:
        return [(table, column) for table in tables for column in file[table].dtype.names]


def test_equal_on_other_numbers_of_ranks(run, tmp_path):
    other = train(tmp_path / "other", ranks=2)
    same_run(run, other)
    with h5py.File(run / "trace.h5") as file, h5py.File(run / "parameters.h5") as parameters:
        steps = sum(len(stage["steps"]) for stage in file["stage"].values())
        stale = sum(len(stage["stale_read"]) for stage in file["stage"].values()) + len(file["stale_read"])
        events = sum(len(stage["events"]) for stage in file["stage"].values())
        assert compared(run, other, exit_code=EQUAL) == [
            f"equal: {steps} steps, {events} events, {len(file['loss'])} losses, {stale} stale reads, "
            f"{len(file['objective'])} evaluations, {len(file['validation'])} validations, {len(parameters)} parameters"]
    assert compared(run / "trace.h5", other, exit_code=EQUAL)[0].startswith("equal: ")


def test_equal_with_several_pipelines(tmp_path):
    options = ("--pipelines", 2)
    one = train(tmp_path / "one", *options)
    longer = train(tmp_path / "longer", *options, microbatches=48)
    assert compared(one, train(tmp_path / "two", *options, ranks=2), exit_code=EQUAL)[0].startswith("equal: ")
    # Losses of pipeline 1 stand behind those of pipeline 0, at other rows of the two traces.
    lines = compared(one, longer, exit_code=DIFFERENT)
    assert any(line.startswith("  loss of pipeline 1: 0 of 24 rows differ; ") for line in lines), lines


def test_every_bit_of_what_is_computed_counts_and_no_other(run, other):
    """The columns that are compared are those by which the other tests call runs the same."""
    for table, column in columns(run, [*COMPARED, *HOSTING]):
        if table in HOSTING and column not in ("rank", "resident_bytes", "threads"):
            continue
        shutil.copy(run / "trace.h5", other / "trace.h5")
        flip(other, table, column, 2 if table in COMPARED else 0)
        counts = table in COMPARED and not column.endswith("_ns")
        lines = compared(run, other, exit_code=DIFFERENT if counts else EQUAL)
        if not counts:
            continue
        assert f"column {column} of {table.split('/')[-1]} (row 2): " in lines[0], lines
        assert " 1 of " in lines[1] and len(lines) == 2, lines
        with pytest.raises(AssertionError):
            same_run(run, other)


def test_first_is_the_earliest_in_the_training(run, other):
    flip(other, "stage/0002/steps", "gradient_sq", 5)
    flip(other, "stage/0001/steps", "gradient_sq", 9)
    flip(other, "stage/0000/steps", "gradient_sq", 9)
    flip(other, "objective", "value", 0)
    with h5py.File(run / "trace.h5") as old, h5py.File(other / "trace.h5") as new:
        rows = [file["stage/0002/steps"][5] for file in (old, new)]
        values = [repr(float(row["gradient_sq"])) for row in rows]
    assert compared(run, other, exit_code=DIFFERENT) == [
        f"differ at microbatch {rows[0]['microbatch']}, stage 2, column gradient_sq of steps (row 5): "
        f"{values[0]} and {values[1]} (1 unit in the last place)",
        "  steps of stage 0: 1 of 24 rows differ", "  steps of stage 1: 1 of 24 rows differ",
        "  steps of stage 2: 1 of 24 rows differ", f"  objective: 1 of {objectives(run)} rows differ"]


def objectives(folder):
    with h5py.File(folder / "trace.h5") as file:
        return len(file["objective"])


@pytest.mark.parametrize("left, right, words", [
    (0.0, -0.0, "0 and -0 (0 units in the last place)"),
    (1.0, np.nextafter(np.nextafter(1.0, 2), 2), "(2 units in the last place)"),
    (-5e-324, 5e-324, "-5e-324 and 5e-324 (2 units in the last place)"),
    (np.nan, 1.0, "NaN (0x7ff8000000000000) and 1"),
    (np.inf, 1.0, "inf and 1"),
])
def test_values_in_words(run, other, tmp_path, left, right, words):
    one = shutil.copytree(run, tmp_path / "one")
    for folder, value in ((one, left), (other, right)):
        with h5py.File(folder / "trace.h5", "r+") as file:
            changed(file, "loss", "loss", 3, lambda old: value)
    assert words in compared(one, other, exit_code=DIFFERENT)[0]


def test_one_nan_is_another_when_their_bits_are(run, other, tmp_path):
    one = shutil.copytree(run, tmp_path / "one")
    for folder in (one, other):
        with h5py.File(folder / "trace.h5", "r+") as file:
            changed(file, "loss", "loss", 3, lambda old: np.nan)
    compared(one, other, exit_code=EQUAL)
    flip(other, "loss", "loss", 3)
    assert "NaN (0x7ff8000000000000) and NaN (0x7ff8000000000001)" in compared(one, other, exit_code=DIFFERENT)[0]


def test_a_shorter_run_is_named(run, other):
    with h5py.File(other / "trace.h5", "r+") as file:
        file["loss"].resize(20, axis=0)
    for runs in ((run, other), (other, run)):
        assert compared(*runs, exit_code=DIFFERENT) == [
            "differ: all rows in common are equal, but not all rows are in common",
            f"  loss: 0 of 20 rows differ; {other} is shorter: 20 rows, 24 in {run}"]


def test_rows_are_read_in_blocks(run, other, tmp_path):
    """Differences at the ends of blocks of 16,384 rows, and in the last row of all."""
    one = shutil.copytree(run, tmp_path / "one")
    places = [0, 16_383, 16_384, 32_768, 39_999]
    for folder, change in ((one, 0), (other, 1)):
        with h5py.File(folder / "trace.h5", "r+") as file:
            rows = np.resize(file["loss"][()], 40_000)
            rows["microbatch"] = np.arange(len(rows))
            rows["minibatch"][places] += change
            file["loss"].resize(len(rows), axis=0)
            file["loss"][:] = rows
    lines = compared(one, other, exit_code=DIFFERENT)
    assert lines[0].startswith("differ at microbatch 0, stage 2, column minibatch of loss (row 0): ")
    assert lines[1:] == ["  loss: 5 of 40,000 rows differ"]


def test_files_that_crash_hdf5_are_refused(run, other):
    """Mutated traces: whatever HDF5 does with them, the command ends with a code of its own."""
    whole = (other / "trace.h5").read_bytes()
    random = np.random.default_rng(1)
    for _ in range(200 if LONG else 20):
        content = bytearray(whole)
        for at in random.integers(0, min(len(content), 20_000), 30):
            content[at] = random.integers(256)
        (other / "trace.h5").write_bytes(content)
        for runs in ((run, other), (other, run)):
            done = quartic("compare", *runs, exit_code=None)
            assert done.returncode in (EQUAL, DIFFERENT, REFUSED), (done.returncode, done.stderr)
            assert len(lines_of_quartic(done)) == (done.returncode == REFUSED), done.stderr


def test_a_table_that_one_run_lacks(run, other):
    with h5py.File(other / "trace.h5", "r+") as file:
        del file["validation"]
    assert f"  validation: only in {run}" in compared(run, other, exit_code=DIFFERENT)


def test_parameters(run, other):
    with h5py.File(other / "parameters.h5", "r+") as file:
        name = sorted(file)[1]
        values = file[name][()]
        values.flat[3] = next_value(values.flat[3])
        file[name][...] = values
        count = len(file)
    lines = compared(run, other, exit_code=DIFFERENT)
    assert lines[0].startswith(f"differ at parameter {name}, element 3: ") and lines[0].endswith("(1 unit in the last place)")
    assert lines[1].startswith(f"  parameters.h5: 1 of {count} parameters differ")
    with h5py.File(other / "parameters.h5", "r+") as file:
        del file[name]
    assert f"parameter {name}, is missing in {other / 'parameters.h5'}" in compared(run, other, exit_code=DIFFERENT)[0]
    (other / "parameters.h5").unlink()
    assert compared(run, other, exit_code=EQUAL)[1:] == [f"not compared: parameters.h5, which only {run} has"]


def test_other_configurations_are_shown_and_decide_nothing(run, other, tmp_path):
    with h5py.File(other / "trace.h5", "r+") as file:
        file.attrs["config"] = file.attrs["config"].replace("seed = ", "seed = 9")
    lines = compared(run, other, exit_code=EQUAL)
    assert lines[1] == "other differences, which do not affect the result:" and lines[2].startswith("  --seed: ")
    seeded = compared(run, train(tmp_path / "seeded", "--seed", 5), exit_code=DIFFERENT)
    assert seeded[0].startswith("differ at microbatch 0, ") and "  --seed: 0 and 5" in seeded
    assert "differ: 3 and 2 stages" == compared(run, train(tmp_path / "two", stages=2), exit_code=DIFFERENT)[0]


def test_under_mpirun(run, other):
    assert compared(run, other, exit_code=EQUAL, ranks=2) == compared(run, other, exit_code=EQUAL)
    flip(other, "loss", "loss", 3)
    assert compared(run, other, exit_code=DIFFERENT, ranks=2)[0].startswith("differ at microbatch 3, ")
    refused("compare", run, other / "none", says="no such file", ranks=2)


def test_refused(run, other):
    for arguments in ((), (run,), (run, run, run)):
        refused("compare", *arguments, says="two arguments")
    refused("compare", run, other / "none", says=(other / "none", "no such file"))
    refused("compare", run / "none", other / "none", says=(run / "none", "no such file"))
    refused("compare", run, other / "parameters.h5", says="is not a trace")
    trace = other / "trace.h5"
    whole = trace.read_bytes()
    for content in (b"", b"garbage" * 1000, whole[:len(whole) // 2]):
        trace.write_bytes(content)
        refused("compare", run, other, says=str(trace))
        refused("compare", other, run, says=str(trace))
    trace.write_bytes(whole)
    with h5py.File(trace, "r+") as file:
        del file["loss"]
        file["loss"] = np.zeros((3, 4))
    refused("compare", run, other, says=str(trace))
    with h5py.File(trace, "r+") as file:
        file.attrs["format_version"] = 2
    refused("compare", run, other, says="format version 2")
    trace.write_bytes(whole)
    with h5py.File(trace, "r+") as file:
        del file.attrs["finished"]
    refused("compare", run, other, says=("is not gathered", f"quartic gather {other}"))
    trace.write_bytes(whole)
    (other / "parameters.h5").write_bytes(b"garbage")
    refused("compare", run, other, says="parameters.h5")


def test_help():
    assert "Exit codes: 0 equal, 1 different" in quartic("compare", "--help").stdout
    assert "quartic compare RUN RUN" in quartic("--help").stdout
