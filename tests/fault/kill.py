"""kill -9 of a random process of a run at random moments, 20 times by default; exit 1 when a trial failed.

    tests/fault/kill.sh [--trials N] [--seed K]

Each trial is one of tests/program/killing.py: the job must end within seconds, its trace must open and hold
every row up to the last flush, and gathering must make one file of it. About 5 s a trial.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from killing import kill_one

RANKS = (0, 2, 4, 3)


def trial(number, seed):
    """Whether it went well; prints its line."""
    with tempfile.TemporaryDirectory(prefix="quartic-kill-") as folder:
        try:
            death = kill_one(Path(folder) / "run", RANKS[number % len(RANKS)], random.Random(f"{seed} {number}"))
        except Exception as error:
            print(f"trial {number:2}: FAILED, {RANKS[number % len(RANKS)]} ranks: {error}", flush=True)
            return False
    print(f"trial {number:2}: {death}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the moments and the victims")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    passed = sum(trial(number, options.seed) for number in range(options.trials))
    print(f"{passed} of {options.trials} runs that were killed left all their rows")
    sys.exit(passed != options.trials)


if __name__ == "__main__":
    main()
