"""kill -9 of a random rank, or of all, at random moments and while checkpoints are written, of runs that go on each time with another
number of ranks until they are done; exit 1 unless every one was struck, went on from a checkpoint, and is then bitwise the uninterrupted
run.

    tests/fault/resume.sh [--trials N] [--seed K]

Each trial is one of tests/program/resuming.py; 12 methods on the quadratic, a network and a language model take turns. A run takes half a
second and is started three times on average: about 4 s a trial, start of mpirun included.
"""

import argparse
import itertools
import os
import random
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from resuming import FASTER, METHODS, OBJECTIVES, References, Story, strike_until_done

ATTEMPTS = 10  # a run that was too fast for its blows, or always struck before its first checkpoint, proves nothing
CONFIGURATIONS = list(itertools.product(METHODS, OBJECTIVES))


def trial(number, seed, references):
    """Its story if it went well; prints its line."""
    method, objective = CONFIGURATIONS[number * 7 % len(CONFIGURATIONS)]  # 7 and 36 have no common divisor: each in turn
    chance = random.Random(f"{seed} {number}")
    story = Story(method, objective)
    for _ in range(ATTEMPTS):
        story = Story(method, objective)
        with tempfile.TemporaryDirectory(prefix="quartic-resume-") as folder:
            try:
                strike_until_done(Path(folder) / "run", story, references.of(method, objective), chance)
            except Exception as error:
                print(f"trial {number:3}: FAILED, {story}: {error}", flush=True)
                return None
        print(f"trial {number:3}: {story}", flush=True)
        if story.proves_something():
            return story
    print(f"trial {number:3}: FAILED, none of {ATTEMPTS} runs was struck and gone on with", flush=True)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the moments and the victims")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="quartic-resume-") as folder:
        # What Open MPI leaves when it is killed goes with the folder.
        os.environ.update(OMPI_MCA_btl_vader_backing_directory=folder, OMPI_MCA_orte_tmpdir_base=folder)
        references = References(folder)
        stories = [trial(number, options.seed, references) for number in range(options.trials)]
    passed = [story for story in stories if story]
    blows = [blow for story in passed for blow in story.blows if blow != FASTER]
    print(f"{sum('checkpoint' in blow for blow in blows)} of {len(blows)} blows in a checkpoint, {sum(story.went_on for story in passed)} checkpoints gone on from")
    print(f"{len(passed)} of {options.trials} runs were killed, went on from a checkpoint, and ended with the bits of the uninterrupted one")
    sys.exit(len(passed) != options.trials)


if __name__ == "__main__":
    main()
