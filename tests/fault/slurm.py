"""A study of 50 runs as job arrays of a real Slurm with one node, whose jobs are told at random that their time is up, are requeued,
cancelled and killed, and of which five come to their time limit, until all runs are complete; exit 1 unless each is then bitwise the run of
a sweep that nothing interrupted, and there were checkpoints gone on from, at least half as many as blows, and one a run with a limit.

    tests/fault/slurm.sh [--runs N] [--blows N] [--seed K]

A run would take some seconds if it had this machine to itself; four are at work at once. The last five, one of each method, are a study
of their own, of runs that would take 40 s, on a machine whose jobs may take a minute, Slurm's least, of which the warning leaves some
seconds: they must go on by themselves.
"""

import argparse
import collections
import json
import math
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "program")]

from one_node_slurm import OneNodeSlurm, missing
from program import quartic
from runs import attributes, read_tables, same_run
from studies import DONE, REFUSED, command, write_study
from test_resume import same_parameters

CORES = 8
STAGES = 4
METHODS = ("paci", "pipedream", "i-timeprest", "spectrain", "local-sgd")
STUDY = """
question = "Is anything lost?"
notebook = "tiny.ipynb"
ranks = 2
[options]
objective = "mlp"
rows = 512
features = 64
hidden = [64, 64, 64]
microbatch-size = 8
stages = {stages}
microbatches = {microbatches}
checkpoint-every = {every}
save-parameters = true
[[group]]
name = "all"
label = "@method"
[group.vary]
method = {methods}
seed = "0..{last}"
"""
MACHINE = """
scheduler = "slurm"
launcher = "srun"
partition = "main"
cores = 8
{more}
[environment]
OMPI_MCA_mpi_yield_when_idle = "1"
"""
# What is done to a job.
BLOWS = {"told that its time was up": ("scancel", "--batch", "--signal=USR1"), "requeued": ("scontrol", "requeue"),
         "cancelled": ("scancel",), "killed": ("scancel", "--full", "--signal=KILL")}
PAUSE_SECONDS = 2.0  # from one blow to the next, in the mean
MANY_SECONDS, CHECKPOINT_SECONDS, FEW_SECONDS = 4, 0.5, 40  # of a run alone; four at once take four times as long
ROUNDS = 30


def studied(folder, more="", **values):
    """The study, in a folder of its own beside the machine that it runs on."""
    folder.mkdir()
    (folder / "cluster.toml").write_text(MACHINE.format(more=more))
    return write_study(folder, STUDY.format(stages=STAGES, methods=json.dumps(METHODS), **values))


def as_word(value):
    """Of a study, as the command line takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else value


def microbatches_a_second(folder):
    """Of pipedream, where nothing else runs, rounded up to 3000: some methods take only multiples of 8 or of 3."""
    tried = 20_000
    study = tomllib.loads(STUDY.format(stages=STAGES, methods="[]", microbatches=tried, every=tried, last=0))
    words = [word for name, value in study["options"].items() for word in (f"--{name}", as_word(value))]
    quartic("run", *words, "--quiet", "--out", folder, ranks=study["ranks"], timeout=600)
    took_s = read_tables(folder)["loss"]["wall_ns"].max() / 1e9
    return math.ceil(tried / took_s / 3000) * 3000


def on(slurm, study, word):
    """What the sweep tool says of it and its exit code."""
    done = subprocess.run(command(study, word, "--machine", study.parent / "cluster.toml"), env=slurm.environment, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, cwd=study.parent, timeout=600)
    assert done.returncode != REFUSED, done.stderr
    return done


def at_work(slurm):
    """The jobs, as scancel takes them."""
    return slurm.ask("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K").split()


def strike(slurm, *words):
    """Whether it struck: where a job is just about to end, scancel waits 5 s before it asks again, and longer each time."""
    try:
        slurm.ask(*words, timeout=5)
    except subprocess.TimeoutExpired:
        return False
    return True


def strike_until_complete(slurm, study, blows, chance):
    """Submits it, as often as it takes; returns how often each blow has struck."""
    struck = collections.Counter()
    for _ in range(ROUNDS):
        on(slurm, study, "--retry")
        while slurm.jobs():
            time.sleep(chance.expovariate(1 / PAUSE_SECONDS))
            if (jobs := at_work(slurm)) and struck.total() < blows:
                blow = chance.choice(list(BLOWS))
                struck[blow] += strike(slurm, *BLOWS[blow], chance.choice(jobs))
        if (status := on(slurm, study, "--status")).returncode == DONE:
            return struck
    raise AssertionError(f"not complete after {ROUNDS} submissions:\n{status.stdout}{status.stderr}")


def goes_on_by_itself(slurm, study):
    """Submitted once; its jobs come to their limit and are requeued by themselves. Returns how often they began."""
    on(slurm, study, "--submit")
    while slurm.jobs():
        time.sleep(1)
    status = on(slurm, study, "--status")
    assert status.returncode == DONE, status.stdout + status.stderr
    return sum(path.read_text().count(", start ") for path in (study.parent / "out").glob("submission-*.log"))


def differences(study):
    """What is not bitwise as in a sweep that nothing interrupted, a line each; and how often the runs went on."""
    folder = study.parent / "local"
    folder.mkdir()
    local = write_study(folder, study.read_text())
    done = subprocess.run(command(local, "--local"), capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=folder)
    assert done.returncode == DONE, done.stdout + done.stderr
    here, there = by_options(study), by_options(local)
    assert here.keys() == there.keys()
    wrong, went_on = [], 0
    for options, run in here.items():
        went_on += len(attributes(run).get("resumed", "").split())
        try:
            same_run(there[options], run)
            same_parameters(there[options], run)
        except AssertionError as error:
            wrong.append(f"{options}: {error}")
    return wrong, went_on


def by_options(study):
    out = study.parent / "out"
    return {json.dumps(row["options"]): out / row["folder"] for row in json.loads((out / "study.json").read_text())["runs"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--blows", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the moments and the victims")
    options = parser.parse_args()
    if missing():
        sys.exit(f"Slurm is not installed ({', '.join(missing())}); cmake/packages.sh slurm installs it")
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="quartic-slurm-") as folder, OneNodeSlurm(CORES, array=options.runs + 1) as slurm:
        rate = microbatches_a_second(Path(folder) / "first")
        many = studied(Path(folder) / "many", microbatches=MANY_SECONDS * rate, every=round(CHECKPOINT_SECONDS * rate) * STAGES,
                       last=max(1, options.runs // len(METHODS) - 1) - 1)
        struck = strike_until_complete(slurm, many, options.blows, random.Random(options.seed))
        print(", ".join(f"{count} {blow}" for blow, count in struck.items()), flush=True)
        few = studied(Path(folder) / "few", 'grace = 10\noptions = ["--time=1"]',
                      microbatches=FEW_SECONDS * rate, every='"1000m"', last=0)
        starts = goes_on_by_itself(slurm, few)
        print(f"{len(METHODS)} runs with a limit of a minute began {starts} times", flush=True)
        found = [differences(study) for study in (many, few)]
        wrong = [line for lines, _ in found for line in lines]
        many_went_on, few_went_on = (went_on for _, went_on in found)
        runs = sum(len(by_options(study)) for study in (many, few))
    print("".join(f"FAILED: {line}\n" for line in wrong) + f"went on from {many_went_on} and {few_went_on} checkpoints")
    print(f"{runs - len(wrong)} of {runs} runs are bitwise those of a sweep that nothing interrupted")
    sys.exit(bool(wrong) or many_went_on < options.blows // 2 or few_went_on < len(METHODS))


if __name__ == "__main__":
    main()
