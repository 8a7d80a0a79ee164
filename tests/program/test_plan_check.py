"""`quartic plan --check`: a plan's own csv comes back as it was planned; what is no schedule is one line, exit 2."""

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import EXECUTABLE, quartic
from runs import DONE, REFUSED, lines_of_quartic, refused

METHODS = {name: ("--method", name) for name in ("gpipe", "1f1b-flush", "zb-1p", "zb-2p", "sgd")}
METHODS["pipedream"] = ("--method", "pipedream", "--admission", "fixed")
# Their orders are the same under all costs; the others' are greedy.
FIXED = ("gpipe", "1f1b-flush", "zb-1p", "pipedream")
COSTS = ("real", "f=1,bi=1.5,bw=0.25", "f=1,bi=1,bw=1,latency=0.3", "f=1/2/3/4,b=3", "jitter=0.3,straggler=2:1.7,latency=1")
SMALL = "0F0,0F1,,0B0,,0B1\n,1F0,1B0,1F1,1B1,\n"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text):
    with open("schedule.csv", "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return "schedule.csv"


def checked(csv, *options):
    return json.loads(quartic("plan", "--check", write(csv), "--format", "json", *options).stdout)


def planned(*options):
    return json.loads(quartic("plan", "--format", "json", *options).stdout)


def csv_of(*options):
    return quartic("plan", "--format", "csv", *options).stdout


def same(check, plan):
    assert check["makespan"] == plan["makespan"]
    assert check["bubble"] == pytest.approx(plan["bubble"], abs=1e-12)
    held = [stage["activations"] for stage in plan["whole"]["per_stage"]]
    assert [stage["activations"] for stage in check["per_stage"]] == held
    assert check["stages"] == check["workers"] == plan["stages"]


@pytest.mark.parametrize("stages", (1, 4, 7))
@pytest.mark.parametrize("method", METHODS)
def test_plan_comes_back(method, stages):
    options = (*METHODS[method], "--stages", stages, "--microbatches", 24)
    check = checked(csv_of(*options))
    same(check, planned(*options))
    assert check["microbatches"] == 24


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("method", FIXED)
def test_fixed_order_under_other_costs(method, cost):
    options = (*METHODS[method], "--stages", 4, "--microbatches", 24)
    same(checked(csv_of(*options), "--cost", cost, "--seed", 3), planned(*options, "--cost", cost, "--seed", 3))


@pytest.mark.parametrize("method", METHODS)
def test_plan_in_real_costs_comes_back(method):
    options = (*METHODS[method], "--microbatches", 24, "--cost", "real")
    same(checked(csv_of(*options), "--cost", "real"), planned(*options))


def test_the_report_for_people():
    assert quartic("plan", "--check", write(SMALL)).stdout == (
        "stages 2, workers 2, microbatches 2; makespan 6 slots, bubble 0.3333\n"
        "\n"
        "stage  worker  activations  buffers\n"
        "    0       0            2        0\n"
        "    1       1            1        1\n")


def test_grid():
    options = ("--method", "1f1b-flush", "--microbatches", 8)
    drawn = quartic("plan", "--check", write(csv_of(*options)), "--format", "grid").stdout
    assert drawn == quartic("plan", *options, "--format", "grid").stdout


def test_from_a_pipe():
    command = '"$0" plan --method gpipe --format csv | "$0" plan --check /dev/stdin'
    piped = subprocess.run(["bash", "-c", command, EXECUTABLE], capture_output=True, text=True, timeout=30)
    assert piped.returncode == DONE and piped.stdout.startswith("stages 4, workers 4")


MISTAKES = {
    "a communication": ("0F0,0SEND_F0,0B0\n", ("line 1, column 2", "'0SEND_F0'", "F (forward)", "W (weight")),
    "listed twice": ("0F0,0B0,0B0\n", ("0B0", "twice", "column 3")),
    "missing": ("0F0,0B0\n1F0\n", ("1B0 is missing",)),
    "both backwards": ("0F0,0B0,0W0\n", ("0B0", "0W0", "B, or I and W")),
    "two workers": ("0F0\n0B0\n", ("stage 0", "two workers", "line 2")),
    "backward first": ("0B0,0F0\n", ("0B0", "before 0F0")),
    "weights first": ("0F0,0W0,0I0\n", ("0W0", "before 0I0")),
    "deadlock": ("0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0\n", ("deadlock", "worker 0 cannot start", "worker 1 cannot start")),
    "an idle line": ("0F0,0B0\n\n1F0,1B0\n", ("line 2", "no action")),
    "empty": ("", ("no action",)),
    "bytes": (b"\x7fELF\x02\x01\0\x1b[31m\xff\xfe" * 50, ("line 1, column 1",)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_schedule(mistake):
    csv, says = MISTAKES[mistake]
    line = refused("plan", "--check", write(csv), says=("--check schedule.csv", *says))
    assert line.isprintable() and len(line) < 400


@pytest.mark.parametrize("path, says", [("nowhere.csv", "cannot be read"), ("/", "is a folder"), ("", "give a schedule"),
                                        ("/dev/null", "no action"), ("/dev/zero", "too large")])
def test_no_file(path, says):
    refused("plan", "--check", path, says=("--check", path, says))


OPTIONS = {
    "a method": (("--method", "gpipe"), "--method"),
    "stages": (("--stages", 2), "--stages"),
    "a configuration": (("--config", "schedule.csv"), "--config"),
    "a run folder": (("--out", "run"), "--out"),
    "csv": (("--format", "csv"), ("csv", "table, grid, json")),
    "measured costs": (("--cost", "measured"), "--cost measured"),
    "costs of other stages": (("--cost", "f=1/2/3"), ("3 entries", "2 stages")),
    "too long": (("--cost", "f=1e6,b=1e6,straggler=0:4e3"), "time"),
    "a wide grid": (("--cost", "f=1e6", "--format", "grid"), ("grid", "table")),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_beside_it(option):
    options, says = OPTIONS[option]
    refused("plan", "--check", write(SMALL), *options, says=says)


def test_no_option_of_run():
    refused("run", "--check", write(SMALL), says="--check")


def damaged(csv, chance):
    """A few bytes changed, lost, doubled, or lines traded."""
    text = bytearray(csv.encode())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        how = chance.randrange(4)
        if how == 0:
            text[at] = chance.choice((*b"0123456789FBIW,\n\r \"x", chance.randrange(256)))
        elif how == 1:
            del text[at:at + chance.randint(1, 12)]
        elif how == 2:
            text[at:at] = text[chance.randrange(len(text)):][:chance.randint(1, 40)]
        else:
            lines = text.split(b"\n")
            chance.shuffle(lines)
            text = bytearray(b"\n".join(lines))
        text = text or bytearray(b"\n")
    return bytes(text)


def test_damaged_files():
    """Whatever is in the file: a report, or one line and exit 2, soon."""
    chance = random.Random(9)
    whole = [csv_of(*METHODS[method], "--stages", 3, "--microbatches", 8) for method in METHODS]

    def ends_well(number):
        csv = damaged(whole[number % len(whole)], random.Random(number))
        with open(f"{number}.csv", "wb") as file:
            file.write(csv)
        done = quartic("plan", "--check", f"{number}.csv", exit_code=None, timeout=10)
        assert done.returncode in (DONE, REFUSED), (csv, done.stderr)
        if done.returncode == REFUSED:
            assert done.stdout == "" and len(done.stderr.splitlines()) == len(lines_of_quartic(done)) == 1, csv
            assert done.stderr.rstrip("\n").isprintable(), csv
        return done.returncode

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(ends_well, (chance.randrange(2**32) for _ in range(200))))
    assert 20 < ends.count(REFUSED) < 200
