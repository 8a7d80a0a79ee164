"""A long run on two ranks, watched: exit 1 if its memory grows after the first tenth, its trace has other rows than --trace-every says or
takes more than they do, or its last checkpoint is older than it may be. Prints the rates of its tenths, which a quiet machine leaves steady.

    tests/fault/long_run.sh [--seconds N] [--microbatches N]

The microbatches are made as large as the time asks for. They are traced every 1000th time, evaluated a hundred times, and there is a
checkpoint every minute, in shorter runs fifty in all: what the first of them needs once is there before the first tenth is over. Memory
is watched while there is training; gathering the trace afterwards takes what that takes.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from program import quartic
from runs import LiveRun, descendants, read_steps, read_tables

RANKS, STAGES, EVERY, TENTHS, CHECKPOINTS, EVALUATIONS = 2, 4, 1000, 10, 50, 100
MINUTES_FROM_S = 600  # on, checkpoints are made by time
RUN = ("--method", "pipedream", "--stages", STAGES, "--objective", "mlp", "--features", 128, "--hidden", "128,128,128", "--rows", 4096,
       "--drop-last", "--learning-rate", 0.001)
ROOM = 1 << 20  # bytes: what a rank may gain after the first tenth, and the trace have beside its rows


def resident_bytes(pid):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) * 1024


def fitting_size(seconds, microbatches, folder):
    """Rows of a microbatch with which so many take so long; tried twice, since more rows take less time each."""
    size, tried = 32, 4000
    for attempt in range(2):
        quartic("run", *RUN, "--microbatch-size", size, "--microbatches", tried, "--quiet", "--out", folder / f"try-{attempt}", ranks=RANKS, timeout=600)
        took_s = read_tables(folder / f"try-{attempt}")["loss"]["wall_ns"].max() / 1e9
        size = int(np.clip(round(size * seconds / microbatches * tried / took_s), 1, 4096))
    return size


def watch(out, size, microbatches, checkpoint_every):
    """For each rank (seconds since the start, resident bytes), every five seconds."""
    updates = microbatches * STAGES
    options = ("--microbatch-size", size, "--microbatches", microbatches, "--trace-every", EVERY,
               "--checkpoint-every", checkpoint_every, "--evaluate-updates", updates // EVALUATIONS)
    samples = {}
    begin = time.monotonic()
    with LiveRun(out, *RUN, *options, ranks=RANKS) as run:
        while run.process.poll() is None:
            for pid in descendants(run.process.pid):
                try:
                    samples.setdefault(pid, []).append((time.monotonic() - begin, resident_bytes(pid)))
                except (OSError, KeyError):  # it has just ended
                    pass
            time.sleep(5)
        code, errors = run.wait()
    if code != 0:
        sys.exit(f"exit code {code}: {errors}")
    return list(samples.values())


def by_tenths(samples, trained_s):
    """The most bytes a rank had in each tenth of the training."""
    tenths = [[] for _ in range(TENTHS)]
    for at_s, resident in samples:
        if at_s < trained_s:
            tenths[int(at_s / trained_s * TENTHS)].append(resident)
    return np.array([max(tenth) for tenth in tenths])


def trace_is_right(out, microbatches):
    rows, tables = read_steps(out), read_tables(out)
    expected = -(-microbatches // EVERY)
    listed = sum(table.nbytes for table in tables.values())
    size = (out / "trace.h5").stat().st_size
    print(f"trace: {size / 1e6:.1f} MB, of which {tables['loss'].nbytes / 1e6:.1f} MB are the losses of all microbatches; "
          f"{expected} steps of each stage")
    return {len(steps) for steps in rows.values()} == {expected} and size < listed + ROOM and len(tables["loss"]) == microbatches


def checkpoint_is_recent(out, trained_s, seconds):
    """Within a minute and what a checkpoint takes to be due everywhere, or a fiftieth of the run."""
    (manifest,) = out.glob("checkpoint/*/manifest")
    at_s = int(re.search(r"^wall_ns = (\d+)$", manifest.read_text(), re.MULTILINE)[1]) / 1e9
    print(f"the last checkpoint lies {trained_s - at_s:.0f} s before the end")
    return trained_s - at_s < (65 if seconds >= MINUTES_FROM_S else 0.05 * trained_s)


def print_rates(loss):
    ends = [part[-1] for part in np.array_split(np.sort(loss["wall_ns"]), TENTHS)]
    rates = len(loss) / TENTHS / (np.diff([0, *ends]) / 1e9)
    print(f"microbatches a second, by tenths: {' '.join(f'{rate:.1f}' for rate in rates)}")


def is_flat(tenths, rank):
    print(f"rank {rank}, MB at most, by tenths: {' '.join(f'{most / 1e6:.2f}' for most in tenths)}")
    return tenths[1:].max() - tenths[0] < ROOM


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--microbatches", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quartic-long-") as folder:
        size = fitting_size(options.seconds, options.microbatches, Path(folder))
        begin = time.monotonic()
        by_updates = options.microbatches * STAGES // CHECKPOINTS
        samples = watch(Path(folder) / "run", size, options.microbatches, "1m" if options.seconds >= MINUTES_FROM_S else by_updates)
        print(f"{options.microbatches} microbatches of {size} rows in {time.monotonic() - begin:.0f} s on {RANKS} ranks, {STAGES} stages")
        loss = read_tables(Path(folder) / "run")["loss"]
        print_rates(loss)
        trained_s = loss["wall_ns"].max() / 1e9
        flat = [is_flat(by_tenths(of_rank, trained_s), rank) for rank, of_rank in enumerate(samples)]
        right = trace_is_right(Path(folder) / "run", options.microbatches)
        right &= checkpoint_is_recent(Path(folder) / "run", trained_s, options.seconds)
        sys.exit(not (right and len(flat) == RANKS and all(flat)))


if __name__ == "__main__":
    main()
