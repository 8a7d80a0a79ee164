"""Trains language models and image networks with rival methods, and writes what came of it: E5, the published language
model (Ilin and Richtarik 2026, arXiv 2606.03498); PACI beside the flush (arXiv 2606.07881); the TiMePReSt family on images.

    models.py BUILD DATA [MODELS.md] [--runs FOLDER] [--jobs N] [--only e5 paci timeprest]

DATA holds tinyshakespeare.txt and t10k-images-idx3-ubyte.gz with its labels (data/README.md). Runs that are complete in
FOLDER are not made again. E5 takes an hour of processor time, the others minutes. Exit code 1 if a claim fails.
"""

import argparse
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from measure import ENVIRONMENT, REPOSITORY
from results import info

sys.path.insert(0, str(REPOSITORY / "analysis"))
from quartic_analysis import load  # noqa: E402
from quartic_analysis.trace import TraceError  # noqa: E402

TEXT, IMAGES = "tinyshakespeare.txt", "t10k-images-idx3-ubyte.gz"
E5 = ("--objective gpt --preset nano --stages 16 --microbatch-size 16 --microbatches 1024 --drop-last --learning-rate 0.125 "
      "--evaluate-every 206")
E5_METHODS = {"pipedream": "--method pipedream", **{f"h{h}": f"--method local-sgd --local-steps {h}" for h in (1, 4, 8)}}
E5_PUBLISHED = {"pipedream": 2.48, "h1": 2.85, "h4": 2.67, "h8": 2.66}  # the training loss of one microbatch
E5_END = 2 * (1024 + 16 - 1)  # PipeDream's last slot; the others' timelines are longer
# 3,000 updates. Flush methods are bitwise the same for every S, so one is beside all.
PACI = ("--objective gpt --layers 6 --width 64 --heads 4 --sequence 64 --microbatch-size 2 --microbatches 24000 --drop-last --shuffle "
        "--validation 0.1 --evaluate-rows 256 --accumulate 8 --optimizer adamw --learning-rate 5e-4 --warmup 100 --decay cosine")
PACI_METHODS = {"flush-8": "--method 1f1b-flush --stages 8 --evaluate-updates 4000",
                **{f"paci-{stages}": f"--method paci --stages {stages} --evaluate-updates {500 * stages}" for stages in (2, 4, 8)}}
TIMEPREST = ("--objective conv --model vgg16-bn --width-factor 0.125 --depth 1 --stages 4 --microbatch-size 20 --accumulate 4 --drop-last "
             "--shuffle --optimizer momentum --learning-rate 0.02 --cost real --evaluate-updates 500")
TIMEPREST_EPOCHS = 4
TIMEPREST_METHODS = {name: f"--method {name}" for name in ("timeprest", "v-timeprest", "i-timeprest", "nf1b-stash")}


@dataclass(frozen=True)
class Laboratory:
    quartic: Path
    data: Path
    runs: Path
    jobs: int
    versions: set = field(default_factory=set)  # of quartic, that made the runs

    def train(self, experiment, common, methods, file):
        """The traces by name; runs that are complete are only read."""
        with ThreadPoolExecutor(self.jobs) as pool:
            made = pool.map(lambda name: self.run(f"{experiment}-{name}", f"{common} {methods[name]}", file), methods)
            runs = dict(zip(methods, made))
        self.versions.update(run.attributes["git"] for run in runs.values())
        return runs

    def run(self, name, options, file):
        out = self.runs / name
        try:
            done = load(out)
            if done.complete:
                return done
        except TraceError:
            pass
        command = [self.quartic, "run", *options.split(), "--data", self.data / file, "--out", out, "--overwrite", "--quiet"]
        subprocess.run([str(word) for word in command], env=ENVIRONMENT, stdin=subprocess.DEVNULL, check=True)
        return load(out)


@dataclass(frozen=True)
class Claim:
    what: str
    found: str
    holds: bool


def at(table, time):
    """The last row of an evaluation at or before a plan time."""
    return table[table["plan_time"] <= time].iloc[-1]


def smoothed(run, time, count=64):
    """Mean loss of the last microbatches that were forwarded by then."""
    return run.loss[run.loss["plan_time"] <= time].sort_values("plan_time")["loss"].tail(count).mean()


def e5(laboratory):
    runs = laboratory.train("e5", E5, E5_METHODS, TEXT)
    lines = [f"`quartic run {E5} --data {TEXT}`, f over the first 256 rows.", "",
             f"| method | published, one microbatch | f at plan time {E5_END} | f at the end | mean of the last 64 losses by {E5_END} |",
             "|---|---|---|---|---|"]
    for name, run in runs.items():
        lines.append(f"| `{E5_METHODS[name].removeprefix('--method ')}` | {E5_PUBLISHED[name]} | {at(run.objective, E5_END)['value']:.3f} | "
                     f"{run.objective['value'].iloc[-1]:.3f} | {smoothed(run, E5_END):.3f} |")
    lines += ["", "One seed and one step. A published value is the training loss of one microbatch, from PyTorch's default start (first loss 4.371). "
              "These runs start from smaller weights and do not reproduce the published values."]
    times = sorted(set(runs["pipedream"].objective["plan_time"]))[::2]
    lines += ["", "f over plan time:", "", "| plan time | " + " | ".join(runs) + " |", "|---" * (len(runs) + 1) + "|"]
    lines += [f"| {time:g} | " + " | ".join(f"{at(run.objective, time)['value']:.3f}" for run in runs.values()) + " |" for time in times]
    ours = {name: at(run.objective, E5_END)["value"] for name, run in runs.items()}
    return lines, [Claim(f"E5: PipeDream ends below LocalSGD H = {h}", f"{ours['pipedream']:.3f} and {ours[f'h{h}']:.3f}",
                         ours["pipedream"] < ours[f"h{h}"]) for h in (1, 4, 8)]


def drifting(run):
    """The share of (stage, microbatch) whose backward has other weights than their forward had."""
    return (run.steps["drift"] > 0).mean()


def paci(laboratory):
    runs = laboratory.train("paci", PACI, PACI_METHODS, TEXT)
    flush = runs["flush-8"].validation["value"]
    lines = [f"`quartic run {PACI} --data {TEXT}`, held-out loss over updates of a stage.", "",
             "| updates | " + " | ".join(f"`{method.split(' --evaluate')[0]}`" for method in PACI_METHODS.values()) + " |",
             "|---" * (len(runs) + 1) + "|"]
    for row in range(len(flush)):
        lines.append(f"| {500 * row} | " + " | ".join(f"{run.validation['value'].iloc[row]:.4f}" for run in runs.values()) + " |")
    nats = {name: run.validation["value"].iloc[-1] - flush.iloc[-1] for name, run in runs.items()}
    perplexity = {name: math.expm1(value) for name, value in nats.items()}
    lines += ["| loss less the flush's, nats | " + " | ".join(f"{value:+.3f}" for value in nats.values()) + " |",
              "| perplexity above the flush's | " + " | ".join(f"{100 * value:+.1f} %" for value in perplexity.values()) + " |",
              "| passes that drift | " + " | ".join(f"{drifting(run):.1%}" for run in runs.values()) + " |", "",
              "Perplexity is exp(loss), so a gap of x nats is a factor of exp(x). The paper reports equal perplexities for GPT-2 Medium at S = 8. "
              "One seed; all methods use the same untuned step. In these runs the gap and the share of passes that drift both grow with S. "
              "The runs do not show why."]
    return lines, [Claim(f"PACI, a = 8, S = {stages}: held-out perplexity at most 1 % above 1f1b-flush's at equal updates",
                         f"{100 * perplexity[f'paci-{stages}']:+.1f} %", perplexity[f"paci-{stages}"] <= 0.01) for stages in (2, 4, 8)]


def timeprest(laboratory):
    runs = laboratory.train("timeprest", f"{TIMEPREST} --epochs {TIMEPREST_EPOCHS}", TIMEPREST_METHODS, IMAGES)
    lines = [f"`quartic run {TIMEPREST} --epochs {TIMEPREST_EPOCHS} --data {IMAGES}`; accuracy on all training images, bytes of the trace's `/memory`.", "",
             "| method | accuracy after epochs 1, 2, 3, 4 | epochs to 97 % | weights and stashes | activations |", "|---|---|---|---|---|"]
    claims = []
    for name, run in runs.items():
        accuracy = run.objective["accuracy"]
        updates = run.objective["block_updates"]
        epochs = TIMEPREST_EPOCHS * updates / updates.iloc[-1]
        reached = epochs[accuracy >= 0.97]
        memory = run.memory.sum()
        lines.append(f"| `{name}` | {', '.join(f'{100 * value:.2f} %' for value in accuracy.iloc[1:])} | "
                     f"{f'{reached.iloc[0]:.0f}' if len(reached) else 'not reached'} | "
                     f"{(memory['weights_bytes'] + memory['stashes_bytes']) / 1e6:.2f} MB | {memory['activations_bytes'] / 1e6:.1f} MB |")
        claims.append(Claim(f"{name} reaches 97 % training accuracy", f"{100 * accuracy.max():.2f} %", len(reached) > 0))
    lines += ["", "This table does not rank the methods: it has one seed, one untuned step, training accuracy and whole epochs."]
    return lines, claims


EXPERIMENTS = {"e5": ("E5, a language model of 11.1 M parameters, S = 16", e5),
               "paci": ("PACI and 1f1b-flush on Tiny Shakespeare, a = 8", paci),
               "timeprest": ("The TiMePReSt family on MNIST's 10,000 test images, S = 4, N = 4", timeprest)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path, nargs="?", default=Path(__file__).with_name("models.md"))
    parser.add_argument("--runs", type=Path, default=REPOSITORY / "runs" / "models")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    given = parser.parse_args()
    quartic = given.build / "quartic"
    laboratory = Laboratory(quartic, given.data, given.runs, given.jobs)
    text = ["# Models", "", f"`tests/bench/models.py` on {info(quartic, 'processor')}, {info(quartic, 'BLAS')}; seed 0.", ""]
    claims = []
    for name in given.only:
        title, experiment = EXPERIMENTS[name]
        lines, held = experiment(laboratory)
        text += [f"## {title}", "", *lines, ""]
        claims += held
    text[2] += f" Runs by quartic {', '.join(sorted(laboratory.versions))}."
    text += ["## Claims", "", "| claim | found | holds |", "|---|---|---|",
             *(f"| {claim.what} | {claim.found} | {'yes' if claim.holds else '**no**'} |" for claim in claims), ""]
    given.results.write_text("\n".join(text))
    print("\n".join(text[text.index("## Claims"):]))
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
