"""Methods asked for what they cannot do: exit 2 and one line that says what would be valid."""

import h5py
import numpy as np
import pytest

from runs import refused

SMALL = ("--rows", 32, "--features", 12, "--microbatch-size", 4)
K = 24

# what is wrong: (options, what the line says)
OPTIONS = {
    "lambda < 0": (("--method", "i-timeprest", "--lambda", -1), ("--lambda '-1'", "at least 0", "inf")),
    "lambda nan": (("--method", "i-timeprest", "--lambda", "nan"), ("--lambda 'nan'", "at least 0")),
    "lambda of another method": (("--method", "timeprest", "--lambda", 1), ("--lambda", "not an option of method timeprest")),
    "delta < 0": (("--method", "rpd", "--delta", -1), ("--delta '-1'", "0 to")),
    "delta with fixed delays": (("--method", "rpd", "--delta", 3, "--delays", "fixed:3"), ("--delta", "uniform")),
    "fixed delay < 0": (("--method", "rpd", "--delays", "fixed:-2"), ("fixed:-2", ">= 0")),
    "unknown delays": (("--method", "rpd", "--delays", "normal"), ("--delays normal", "uniform, fixed:D, replay:FILE")),
    "H < 1": (("--method", "local-sgd", "--local-steps", 0), ("--local-steps '0'", "1 to")),
    "H no number": (("--method", "local-sgd", "--local-steps", "two"), ("--local-steps 'two'", "whole number")),
    "R > N": (("--method", "local-sgd", "--replicas", 25), ("--replicas 25", "24 microbatches")),
    "a slack without end": (("--method", "paci", "--slack", "1e300"), ("--slack '1e300'", "0 to")),
    "D = 1": (("--method", "pipemare", "--correction", 1), ("--correction 1", "below 1")),
    "averages of one pipeline": (("--synchronize-every", 3), ("--synchronize-every", "--pipelines of at least 2")),
    "too many pipelines": (("--pipelines", 4096, "--stages", 2**20), ("--pipelines 4096", "at most 1")),
    "R < 1": (("--method", "local-sgd", "--replicas", 0), ("--replicas '0'", "1 to")),
    "a that does not divide N": (("--method", "paci", "--accumulate", 7, "--microbatches", 24),
                                 ("--microbatches 24", "21 and 28")),
    "M too small for 2BW": (("--method", "pipedream-2bw", "--accumulate", 2, "--microbatches", 24), ("--accumulate 2", "S-1 = 3")),
    "accumulate with local-sgd": (("--method", "local-sgd", "--accumulate", 2), ("--accumulate 2", "must be 1")),
    "accumulate with rpd": (("--method", "rpd", "--accumulate", 2), ("--accumulate 2", "must be 1")),
    "unknown backward": (("--method", "timeprest", "--backward", "whole"), ("--backward whole", "chunk, mono")),
    "V that does not divide S": (("--method", "interleaved", "--stages-per-worker", 3), ("--stages-per-worker 3", "--stages 4")),
    "V of another method": (("--method", "gpipe", "--stages-per-worker", 2), ("--stages-per-worker", "not an option of method gpipe")),
    "M no multiple of Q": (("--method", "interleaved", "--stages-per-worker", 2, "--accumulate", 3, "--microbatches", 24),
                           ("--accumulate 3", "Q = S/V = 2")),
    "zb-v with an odd S": (("--method", "zb-v", "--stages", 3), ("--stages 3", "even")),
    "zb-v with three a worker": (("--method", "zb-v", "--stages-per-worker", 3), ("zb-v", "must be 2")),
    "D > 1": (("--method", "pipemare", "--correction", 1.5), ("--correction '1.5'", "0 to 1")),
    "a share > 1": (("--method", "pipemare", "--synchronous", 2), ("--synchronous '2'", "0 to 1")),
    "T3 with a greedy order": (("--method", "pipemare", "--synchronous", 0.5, "--admission", "stage"), ("--synchronous", "fixed")),
    "spectrain without momentum": (("--method", "spectrain", "--optimizer", "sgd"), ("--optimizer sgd", "spectrain", "only with momentum")),
    "pipeoptim without a state": (("--method", "pipeoptim", "--optimizer", "sgd"), ("--optimizer sgd", "pipeoptim", "valid: momentum")),
    "delay-adaptive on arrival": (("--method", "delay-adaptive", "--order", "arrival"), ("--order arrival", "delay-adaptive", "plan")),
    "nesterov with momentum": (("--method", "nesterov", "--optimizer", "momentum"), ("--optimizer momentum", "only with nadam")),
    "no pipelines": (("--pipelines", 0), ("--pipelines '0'", "at least 1")),
    "synchronized never": (("--pipelines", 2, "--synchronize-every", 0), ("--synchronize-every '0'", "at least 1")),
    "outer momentum 1": (("--pipelines", 2, "--outer-momentum", 1), ("--outer-momentum 1", "below 1")),
    "epochs that do not divide": (("--pipelines", 3, "--epochs", 1), ("--epochs 1", "8 microbatches", "3 pipelines")),
    "on arrival with a global view": (("--method", "timeprest", "--order", "arrival"), ("--order arrival", "global view", "--order plan")),
    "on arrival with drawn delays": (("--method", "rpd", "--order", "arrival"), ("--order arrival", "global view")),
    "on arrival in two pipelines": (("--pipelines", 2, "--order", "arrival"), ("--order arrival", "pipelines")),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("mistake", OPTIONS)
def test_refused_in_one_line(mistake, folder):
    options, says = OPTIONS[mistake]
    length = () if {"--microbatches", "--epochs"} & set(options) else ("--microbatches", 24)
    refused("run", *SMALL, *length, *options, "--out", "run", says=says)
    assert not (folder / "run").exists()


@pytest.mark.parametrize("options", [(), ("--method", "zb-v"), ("--pipelines", 2)], ids=["S", "S/2", "2 S"])
def test_more_ranks_than_workers(options):
    workers = {(): 4, ("--method", "zb-v"): 2, ("--pipelines", 2): 8}[options]
    refused("run", *SMALL, *options, "--out", "run", ranks=workers + 1, says=(f"{workers} workers",))


def replay_file(path, **changes):
    datasets = {"stage": np.arange(K) % 4, "microbatch": np.arange(K) % 8, "delays": np.zeros((K, 4), dtype=int)} | changes
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            if values is not None:
                file[name] = values


def at(values, place, value):
    values = np.array(values)
    values[place] = value
    return values


ZEROS = np.zeros((K, 4), dtype=int)
# what is wrong: (datasets instead of the good ones, what the line says)
REPLAYS = {
    "no delays": ({"delays": None}, ("no /delays", "[K, stages]")),
    "no stage": ({"stage": None}, ("no /stage",)),
    "floats": ({"delays": ZEROS / 2}, ("/delays", "integers")),
    "delays of one dimension": ({"delays": np.arange(K)}, ("/delays", "1 dimensions, not 2")),
    "fewer stages drawn": ({"stage": np.arange(K - 1) % 4}, ("/stage has 23 iterations", "24")),
    "for other stages": ({"delays": np.zeros((K, 5), dtype=int)}, ("5 stages", "--stages 4")),
    "a stage out of range": ({"stage": at(np.arange(K) % 4, 5, 4)}, ("/stage[5] is 4", "0 to 3")),
    "a negative stage": ({"stage": at(np.arange(K) % 4, 5, -1)}, ("/stage[5] is -1", "0 to 3")),
    "a negative microbatch": ({"microbatch": at(np.arange(K), 2, -3)}, ("/microbatch[2] is -3",)),
    "a delay before the start": ({"delays": at(ZEROS, (3, 2), 4)}, ("/delays[3][2] is 4", "before the start")),
    "a negative delay": ({"delays": at(ZEROS, (3, 2), -1)}, ("/delays[3][2] is -1", "0 to 3")),
    "empty": ({"stage": np.zeros(0, int), "microbatch": np.zeros(0, int), "delays": ZEROS[:0]}, ("/delays", "empty")),
}


@pytest.mark.parametrize("mistake", REPLAYS)
def test_replay_files_that_make_no_sense(mistake):
    datasets, says = REPLAYS[mistake]
    replay_file("draws.h5", **datasets)
    refused("run", *SMALL, "--method", "rpd", "--microbatches", K, "--delays", "replay:draws.h5", "--out", "run",
            says=("draws.h5", *says))


def test_replay_file_that_is_too_short():
    replay_file("draws.h5")
    refused("run", *SMALL, "--method", "rpd", "--microbatches", K + 1, "--delays", "replay:draws.h5", "--out", "run",
            says=("draws.h5", "24 iterations", "--microbatches"))


@pytest.mark.parametrize("length", [0, 7, 900])
def test_replay_file_that_is_cut_off(folder, length):
    replay_file("draws.h5")
    (folder / "cut.h5").write_bytes((folder / "draws.h5").read_bytes()[:length])
    refused("run", *SMALL, "--method", "rpd", "--microbatches", K, "--delays", "replay:cut.h5", "--out", "run", says="cut.h5")


def test_replay_file_that_is_not_there():
    refused("run", *SMALL, "--method", "rpd", "--delays", "replay:none.h5", "--out", "run", ranks=2, says="none.h5")
