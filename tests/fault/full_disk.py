"""Every write of a checkpoint and of the gathered trace fails in turn, alone and with all after it, in one process and on two ranks; files
may not grow beyond every size; a checkpoint is cut and flipped at random places. Exit 1 when a trial failed.

    tests/fault/full_disk.sh [--damages N] [--seed K]

What must hold is in tests/program/failing.py: one line, no hang, and the bitwise same end from the checkpoint that counts. 0.1 s a trial.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from failing import Scene, cut_at, damage, fail_one, flipped_at, limit_size
from runs import DONE
from test_resume import checkpoint_of

STEP = 250  # bytes, from one limit to the next; from 5,000 bytes on a twentieth


class Tally:
    """Of trials: how many, and how many went wrong, each of which is told."""

    def __init__(self):
        self.trials = self.wrong = 0

    def of(self, what, trial, *arguments):
        self.trials += 1
        try:
            return trial(*arguments)
        except Exception as error:
            self.wrong += 1
            print(f"FAILED: {what}: {error}", flush=True)


def failing_writes(scene, tally):
    for where in ("/checkpoint", "/trace.h5", "/config.ini", "/ranks/"):
        calls = scene.calls(where)
        codes = [tally.of(f"{where}, call {call}{' and all after it' * stays}, {ranks} ranks", fail_one, scene, where, call, stays, ranks)
                 for ranks in (0, 2) for stays in (False, True) for call in range(1, calls + 1, 1 + 9 * (ranks > 0))]
        print(f"{where}: {calls} calls, {len(codes)} trials, {codes.count(DONE)} of which no rank noticed", flush=True)


def size_limits(scene, tally):
    """Until nothing is too large any more."""
    size, code = 0, None
    while code != DONE and size < 1 << 20:
        code = tally.of(f"files of {size} bytes", limit_size, scene, size)
        size += max(STEP, size // 20)
    print(f"limits to the size of files up to {size} bytes", flush=True)


def damages(scene, tally, count, chance):
    files = sorted(path.name for path in checkpoint_of(scene.cut).iterdir())
    for _ in range(count):
        file = chance.choice(files)
        bytes_there = (checkpoint_of(scene.cut) / file).stat().st_size
        length, bit = chance.randrange(bytes_there), chance.randrange(8 * bytes_there)
        tally.of(f"{file} cut to {length} bytes", damage, scene, file, cut_at(length))
        tally.of(f"{file} with bit {bit} flipped", damage, scene, file, flipped_at(bit))
    print(f"{count} checkpoints cut, {count} with a bit flipped", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the damages")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="quartic-full-") as folder:
        scene = Scene(folder)
        failing_writes(scene, tally)
        size_limits(scene, tally)
        damages(scene, tally, options.damages, random.Random(options.seed))
    print(f"{tally.trials - tally.wrong} of {tally.trials} failures of a disk left what there was to go on from")
    sys.exit(tally.wrong != 0)


if __name__ == "__main__":
    main()
