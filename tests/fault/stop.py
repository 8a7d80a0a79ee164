"""Runs whose step takes a second are told to stop at random moments; exit 1 unless each ends within 10 s, with a checkpoint and exit code 4.

    tests/fault/stop.sh [--signals N] [--seed K]

A step is what a microbatch takes from its first forward to its last backward where nothing else is in the pipeline, on one core. Every
shape of run is resumed and told again N times; 3 minutes in all. Meant for a machine that does nothing else.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from program import quartic
from runs import STOPPED, LiveRun, read_tables, until

LIMIT_S = 10
STEP_S = 1
NETWORK = ("--objective", "mlp", "--hidden", "1024,1024,1024,1024,1024,1024,1024", "--drop-last", "--learning-rate", 0.001)
ROWS = ("--rows", 16384)
SHAPES = {
    "PipeDream, 4 stages in one process": (0, ("--method", "pipedream", "--stages", 4)),
    "PipeDream, 4 stages on 2 ranks": (2, ("--method", "pipedream", "--stages", 4)),
    "PipeDream, 8 stages on 8 ranks": (8, ("--method", "pipedream", "--stages", 8)),
    "1F1B with a flush, 8 microbatches": (2, ("--method", "1f1b-flush", "--stages", 4, "--accumulate", 8)),
    "200,000 rows to be evaluated, 200 times": (2, ("--method", "pipedream", "--stages", 4, "--rows", 200_000, "--evaluate-updates", 96)),
    "TiMePReSt, a backward of 3 microbatches in one": (2, ("--method", "timeprest", "--backward", "mono", "--stages", 4, "--accumulate", 3)),
}


def rows_of_a_step(folder):
    """Rows of a microbatch that takes STEP_S."""
    size, tried = 256, 24
    quartic("run", *NETWORK, *ROWS, "--method", "sgd", "--stages", 1, "--microbatch-size", size, "--microbatches", tried, "--quiet", "--out", folder)
    walls = read_tables(folder)["loss"]["wall_ns"] / 1e9
    return round(size * STEP_S / ((walls[-1] - walls[0]) / (tried - 1)))


def seconds_to_stop(run, chance):
    """From the signal to the end of the job."""
    before = run.has_rows()
    until(lambda: run.rows() > before, "the run goes on", seconds=60)
    time.sleep(chance.uniform(0, 3 * STEP_S))
    begin = time.monotonic()
    run.process.send_signal(signal.SIGUSR1)
    code, errors = run.wait(6 * LIMIT_S)
    assert code == STOPPED, errors
    return time.monotonic() - begin


def stops(shape, size, count, chance):
    ranks, options = SHAPES[shape]
    with tempfile.TemporaryDirectory(prefix="quartic-stop-") as folder:
        out = Path(folder) / "run"
        start = (*NETWORK, *(() if "--rows" in options else ROWS), *options, "--microbatch-size", size, "--microbatches", 4800)
        for number in range(count):
            with LiveRun(out, *(("--resume", out) if number else start), ranks=ranks) as run:
                yield seconds_to_stop(run, chance)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the moments")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="quartic-stop-") as folder:
        size = rows_of_a_step(Path(folder) / "run")
    print(f"seed {options.seed}; {size} rows take {STEP_S} s")
    longest = 0
    for shape in SHAPES:
        took = list(stops(shape, size, options.signals, chance))
        longest = max(longest, *took)
        print(f"{shape}: stopped after {' '.join(f'{seconds:.1f}' for seconds in took)} s", flush=True)
    print(f"the longest took {longest:.1f} s, the limit is {LIMIT_S} s")
    sys.exit(longest > LIMIT_S)


if __name__ == "__main__":
    main()
