"""A long run on two ranks, watched: exit 1 if its memory grows after the first tenth, or its trace has other rows than --trace-every says
or takes more than they do. Prints the rates of its tenths, which a quiet machine leaves steady.

    tests/fault/long_run.sh [--seconds N] [--microbatches N]

The microbatches are made as large as the time asks for. They are traced every 1000th time, evaluated a hundred times, and every five
minutes there is a checkpoint.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from program import quartic
from runs import LiveRun, descendants, read_steps, read_tables

RANKS, STAGES, EVERY, TENTHS = 2, 4, 1000, 10
RUN = ("--method", "pipedream", "--stages", STAGES, "--objective", "mlp", "--features", 128, "--hidden", "128,128,128", "--rows", 4096,
       "--drop-last", "--learning-rate", 0.001)
ROOM = 1 << 20  # bytes: what a rank may gain after the first tenth, and the trace have beside its rows


def resident_bytes(pid):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) * 1024


def fitting_size(seconds, microbatches, folder):
    """Rows of a microbatch with which so many take so long."""
    size, tried = 32, 4000
    quartic("run", *RUN, "--microbatch-size", size, "--microbatches", tried, "--quiet", "--out", folder / "first", ranks=RANKS, timeout=600)
    took_s = read_tables(folder / "first")["loss"]["wall_ns"].max() / 1e9
    return int(np.clip(round(size * seconds / microbatches * tried / took_s), 1, 4096))


def watch(out, size, microbatches):
    """The resident bytes of each rank, every five seconds."""
    options = ("--microbatch-size", size, "--microbatches", microbatches, "--trace-every", EVERY, "--checkpoint-every", "5m",
               "--evaluate-updates", microbatches * STAGES // 100)
    samples = {}
    with LiveRun(out, *RUN, *options, ranks=RANKS) as run:
        while run.process.poll() is None:
            for pid in descendants(run.process.pid):
                try:
                    samples.setdefault(pid, []).append(resident_bytes(pid))
                except (OSError, KeyError):  # it has just ended
                    pass
            time.sleep(5)
        code, errors = run.wait()
    if code != 0:
        sys.exit(f"exit code {code}: {errors}")
    return list(samples.values())


def grown(resident):
    """Bytes that a rank's memory grew by after the first tenth of its life."""
    begin = len(resident) // TENTHS + 1
    return max(resident[begin:]) - max(resident[:begin])


def trace_is_right(out, microbatches):
    rows, tables = read_steps(out), read_tables(out)
    expected = -(-microbatches // EVERY)
    listed = sum(table.nbytes for table in tables.values())
    size = (out / "trace.h5").stat().st_size
    print(f"trace: {size / 1e6:.1f} MB, of which {tables['loss'].nbytes / 1e6:.1f} MB are the losses of all microbatches; "
          f"{expected} steps of each stage")
    return {len(steps) for steps in rows.values()} == {expected} and size < listed + ROOM and len(tables["loss"]) == microbatches


def print_rates(loss):
    ends = [part[-1] for part in np.array_split(np.sort(loss["wall_ns"]), TENTHS)]
    rates = len(loss) / TENTHS / (np.diff([0, *ends]) / 1e9)
    print(f"microbatches a second, by tenths: {' '.join(f'{rate:.1f}' for rate in rates)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--microbatches", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quartic-long-") as folder:
        size = fitting_size(options.seconds, options.microbatches, Path(folder))
        begin = time.monotonic()
        samples = watch(Path(folder) / "run", size, options.microbatches)
        print(f"{options.microbatches} microbatches of {size} rows in {time.monotonic() - begin:.0f} s on {RANKS} ranks, {STAGES} stages")
        print_rates(read_tables(Path(folder) / "run")["loss"])
        for rank, of_rank in enumerate(samples):
            print(f"rank {rank}: {max(of_rank) / 1e6:.1f} MB at most, "
                  f"{grown(of_rank) / 1e3:.0f} kB more after the first tenth")
        flat = all(grown(of_rank) < ROOM for of_rank in samples)
        sys.exit(not (trace_is_right(Path(folder) / "run", options.microbatches) and flat))


if __name__ == "__main__":
    main()
