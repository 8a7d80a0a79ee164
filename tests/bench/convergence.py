"""Runs two published experiments on logistic regression with PipeDream, RPD and LocalSGD over seeds: E3, growth with the number
of stages, and E4, 16 stages (Ilin and Richtarik 2026, arXiv 2606.03498).

    convergence.py BUILD [CONVERGENCE.md] [--jobs N]

Writes the tables and the verdicts; exit code 1 if a claim does not hold. About 15 minutes of processor time, in N processes at once.
"""

import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from measure import ENVIRONMENT, REPOSITORY
from results import info

sys.path.insert(0, str(REPOSITORY / "analysis"))
from quartic_analysis import load, recipes  # noqa: E402

ROWS, FEATURES = 50, 512
SEEDS = range(1, 11)
CHOOSING = range(101, 106)  # the step is chosen on other seeds than it is reported on
CHOOSING_OF_LONG_RUNS = CHOOSING[:2]
STAGES = (2, 4, 8, 16, 32, 64, 128)
TIMEOUT_S = 600
DIVERGED = 3  # the exit code


@dataclass(frozen=True)
class Experiment:
    """`end` is the plan time at which timelines are read."""

    name: str
    noise: float
    end: int


E3 = Experiment("E3", 0.5, 3180)
E4 = Experiment("E4", 0.2, 829)


@dataclass(frozen=True)
class Case:
    """A run but for its step and its seed."""

    experiment: Experiment
    method: str
    stages: int
    local_steps: int = 0

    @property
    def microbatches(self) -> int:
        return 400 if self.experiment == E4 else E3.end // 2 + 1 - self.stages

    @property
    def has_timeline(self) -> bool:
        return self.method != "rpd"

    @property
    def name(self) -> str:
        return f"{self.method} H={self.local_steps}" if self.local_steps else self.method

    def exponents(self) -> range:
        """Of the steps to choose from, powers of two."""
        if self.method == "local-sgd":
            return range(-6, 2)
        return range(-9, -3) if self.has_timeline else range(-8, -4)

    def choosing(self) -> range:
        return CHOOSING if self.has_timeline or self.stages <= 32 else CHOOSING_OF_LONG_RUNS

    def options(self) -> list[object]:
        """RPD's iterations, S·N, are its microbatches; the others' f is read at every slot."""
        work = self.microbatches * (1 if self.has_timeline else self.stages)
        cuts = ("--evaluate-every", 1) if self.has_timeline else ("--evaluate-updates", self.stages)
        own = ("--replicas", self.stages, "--local-steps", self.local_steps) if self.local_steps else ()
        return ["--method", self.method, "--stages", self.stages, "--microbatches", work, *own, *cuts,
                "--objective", "logistic", "--microbatch-size", 1, "--l2", 1e-4, "--gradient-noise", self.experiment.noise]


PIPEDREAM = [Case(E3, "pipedream", stages) for stages in STAGES]
RPD = [Case(E3, "rpd", stages) for stages in STAGES]
LOCAL_SGD = [Case(E3, "local-sgd", stages, 5) for stages in STAGES]
PIPEDREAM_E4 = Case(E4, "pipedream", 16)
LOCAL_SGD_E4 = {local_steps: Case(E4, "local-sgd", 16, local_steps) for local_steps in (2, 5, 30)}
CASES = [*PIPEDREAM, *RPD, *LOCAL_SGD, PIPEDREAM_E4, *LOCAL_SGD_E4.values()]


@dataclass(frozen=True)
class Band:
    """Mean and standard deviation over the seeds of another program of ours. Not published."""

    mean: float
    deviation: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.deviation:.4f}"

# Simulations of ours: the last value at a given step, by two independent programs; E4's by one.
BANDS: dict[tuple[Case, int], list[Band]] = {
    (Case(E3, "pipedream", 2), -6): [Band(0.0119, 0.0043, 12), Band(0.0095, 0.0020, 12)],
    (Case(E3, "pipedream", 8), -6): [Band(0.0135, 0.0049, 12), Band(0.0119, 0.0037, 12)],
    (Case(E3, "pipedream", 16), -6): [Band(0.0136, 0.0055, 12), Band(0.0129, 0.0051, 12)],
    (Case(E3, "local-sgd", 8, 5), -3): [Band(0.0061, 0.0026, 12), Band(0.0070, 0.0037, 12)],
    (PIPEDREAM_E4, -6): [Band(0.0125, 0.0007, 10)],
    (LOCAL_SGD_E4[5], -1): [Band(0.0031, 0.0011, 10)],
}
# Published: one seed; compared with our best step.
PUBLISHED: dict[Case, float] = {
    **dict(zip(PIPEDREAM, (0.0108, 0.0096, 0.0131, 0.0076, 0.0161, 0.0120, 0.0095))),
    **dict(zip(RPD, (0.0152, 0.0149, 0.0080, 0.0156, 0.0118, 0.0125, 0.0103))),
    LOCAL_SGD[0]: 0.013, LOCAL_SGD[-1]: 0.0014,
    PIPEDREAM_E4: 0.0376,
    **dict(zip(LOCAL_SGD_E4.values(), (0.0231, 0.0082, 0.178))),
}
FLAT_AT = 1e-2
CLEAR = 2  # standard errors: what is nearer cannot be told apart
LOCAL_SGD_POWER = math.log(PUBLISHED[LOCAL_SGD[-1]] / PUBLISHED[LOCAL_SGD[0]]) / math.log(STAGES[-1] / STAGES[0])


@dataclass(frozen=True)
class Run:
    case: Case
    exponent: int
    seed: int

    def cost(self) -> int:
        return self.case.stages * self.case.microbatches * (1 if self.case.has_timeline else self.case.stages)


@dataclass(frozen=True)
class Ending:
    """How a curve of f ends: the mean over its last 1 % and its last value."""

    tail: float
    last: float


@dataclass(frozen=True)
class Over:
    """A number's mean and standard deviation over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float:
        return statistics.stdev(self.values)

    @property
    def error(self) -> float:
        return self.deviation / math.sqrt(len(self.values))

    def __str__(self) -> str:
        return f"{self.mean:.5f} ± {self.deviation:.5f}"


@dataclass(frozen=True)
class Claim:
    experiment: Experiment
    what: str
    found: str
    holds: bool
    yes: str = "holds"
    no: str = "fails"

    @property
    def verdict(self) -> str:
        return self.yes if self.holds else f"**{self.no}**"


class Laboratory:
    """Trains with the executable, every run once."""

    def __init__(self, quartic: Path, folder: Path, jobs: int) -> None:
        self.quartic, self.folder, self.jobs = quartic, folder, jobs
        self.endings: dict[Run, Ending] = {}
        recipes.write(folder / "logistic.h5", "logistic", ROWS, FEATURES)

    def train(self, runs: Iterable[Run]) -> None:
        wanted = sorted(set(runs) - self.endings.keys(), key=Run.cost, reverse=True)
        with ThreadPoolExecutor(self.jobs) as pool:
            for done, (run, ending) in enumerate(zip(wanted, pool.map(self.ending, wanted)), start=1):
                self.endings[run] = ending
                print(f"\r{done} of {len(wanted)} runs", end="\n" if done == len(wanted) else "", file=sys.stderr, flush=True)

    def ending(self, run: Run) -> Ending:
        out = self.folder / f"{run.case.experiment.name}_{run.case.name}_{run.case.stages}_{run.exponent}_{run.seed}"
        command = [self.quartic, "run", *run.case.options(), "--learning-rate", 2.0**run.exponent, "--seed", run.seed,
                   "--data", self.folder / "logistic.h5", "--out", out, "--trace-every", 1_000_000, "--quiet"]
        result = subprocess.run([str(word) for word in command], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=TIMEOUT_S)
        if result.returncode not in (0, DIVERGED):
            raise SystemExit(f"exit code {result.returncode}: {' '.join(map(str, command))}\n{result.stderr}")
        ending = Ending(math.inf, math.inf) if result.returncode == DIVERGED else read(run.case, out)
        shutil.rmtree(out)
        return ending

    def tails(self, case: Case, exponent: int, seeds: Iterable[int] = SEEDS) -> Over:
        return Over(tuple(self.endings[Run(case, exponent, seed)].tail for seed in seeds))

    def lasts(self, case: Case, exponent: int) -> Over:
        return Over(tuple(self.endings[Run(case, exponent, seed)].last for seed in SEEDS))

    def best(self, case: Case) -> int:
        return min(case.exponents(), key=lambda exponent: self.tails(case, exponent, case.choosing()).mean)

    def best_tails(self, case: Case) -> Over:
        return self.tails(case, self.best(case))


def read(case: Case, out: Path) -> Ending:
    curve = load(out).objective
    at = curve["plan_time"] if case.has_timeline else curve["block_updates"]
    end = case.experiment.end if case.has_timeline else case.stages * case.microbatches
    if at.max() < end:
        raise SystemExit(f"{case}: the curve ends at {at.max()}, before {end}")
    tail = curve["value"][(at > 0.99 * end) & (at <= end)]
    return Ending(float(tail.mean()), float(tail.iloc[-1]))


def all_runs(laboratory: Laboratory) -> None:
    laboratory.train(Run(case, exponent, seed) for case in CASES for exponent in case.exponents() for seed in case.choosing())
    reported = {(case, laboratory.best(case)) for case in CASES} | BANDS.keys()
    laboratory.train(Run(case, exponent, seed) for case, exponent in reported for seed in SEEDS)


# The claims.

def as_simulated(laboratory: Laboratory, case: Case, exponent: int, bands: list[Band], whose: str = "") -> Claim:
    found = laboratory.lasts(case, exponent)
    away = [errors_away(found, band) for band in bands]
    return Claim(case.experiment, f"{case.name}, S={case.stages}, {step(exponent)}: last value as simulated{whose}, {' and '.join(map(str, bands))}",
                 f"{found} ({' and '.join(f'{errors:+.1f}' for errors in away)} standard errors)", max(map(abs, away)) <= CLEAR,
                 "agrees", "does not agree")


def errors_away(found: Over, band: Band) -> float:
    return (found.mean - band.mean) / math.hypot(found.error, band.deviation / math.sqrt(band.seeds))


def near(laboratory: Laboratory, cases: list[Case]) -> Claim:
    means = [laboratory.best_tails(case).mean for case in cases]
    return Claim(E3, f"{cases[0].name} is near {FLAT_AT:g}: within a factor of 2 at every S",
                 f"{min(means):.4f} … {max(means):.4f}", FLAT_AT / 2 <= min(means) and max(means) <= 2 * FLAT_AT)


def power(laboratory: Laboratory, cases: list[Case]) -> Over:
    """The power of S of the tail mean, fitted to every seed's runs."""
    x = [math.log(case.stages) for case in cases]
    curves = zip(*(laboratory.best_tails(case).values for case in cases))
    return Over(tuple(statistics.linear_regression(x, [math.log(value) for value in curve]).slope for curve in curves))


def flat(laboratory: Laboratory, cases: list[Case]) -> Claim:
    most, found = abs(LOCAL_SGD_POWER) / 4, power(laboratory, cases)
    return Claim(E3, f"{cases[0].name} is nearly flat: a power of S of at most {most:.2f} either way, a quarter of LocalSGD's published "
                 f"{LOCAL_SGD_POWER:.2f}", f"{found.mean:+.3f} ± {2 * found.error:.3f} (two standard errors)", abs(found.mean) <= most)


def falls(laboratory: Laboratory) -> Claim:
    tails = [laboratory.best_tails(case) for case in LOCAL_SGD]
    down = all(b.mean - a.mean <= 2 * math.hypot(a.error, b.error) for a, b in zip(tails, tails[1:]))
    found = power(laboratory, LOCAL_SGD)
    return Claim(E3, "local-sgd H=5 falls with S: no doubling of S raises it beyond two standard errors, and its power of S is below "
                 f"half the published {LOCAL_SGD_POWER:.2f}", f"{' '.join(f'{tail.mean:.4f}' for tail in tails)}; "
                 f"power {found.mean:+.2f} ± {2 * found.error:.2f}", down and found.mean <= LOCAL_SGD_POWER / 2)


def as_published(laboratory: Laboratory, case: Case, published: float) -> Claim:
    """One more draw of the same distribution lies within two deviations of the mean, whose own error is part of it."""
    found = laboratory.best_tails(case)
    reach = 2 * found.deviation * math.sqrt(1 + 1 / len(SEEDS))
    return Claim(case.experiment, f"{case.name}, S={case.stages}: the published {published:g}, one seed, could be one of ours",
                 f"{found}; published {published / found.mean:.2g} times the mean", abs(published - found.mean) <= reach,
                 "reproduced", "not reproduced")


def lower(laboratory: Laboratory, case: Case, than: Case) -> Claim:
    ours, other = laboratory.best_tails(case), laboratory.best_tails(than)
    away = (other.mean - ours.mean) / math.hypot(ours.error, other.error)
    return Claim(case.experiment, f"{case.name} is lower than {than.name} at S={case.stages}, each at its best step",
                 f"{ours.mean:.5f} against {other.mean:.5f} ({away:.1f} standard errors)", away > CLEAR,
                 no="fails" if away < -CLEAR else "not decided")


def inside(laboratory: Laboratory, experiment: Experiment) -> Claim:
    cases = [case for case in CASES if case.experiment == experiment]
    at_edge = [f"{case.name} S={case.stages}" for case in cases if laboratory.best(case) in (case.exponents()[0], case.exponents()[-1])]
    return Claim(experiment, "every best step lies inside its grid", ", ".join(at_edge) or "all do", not at_edge)


def claims(laboratory: Laboratory) -> list[Claim]:
    found = [as_published(laboratory, case, value) for case, value in PUBLISHED.items()]
    found += [as_simulated(laboratory, case, exponent, bands) for (case, exponent), bands in BANDS.items()]
    found += [as_simulated(laboratory, case, laboratory.best(case), BANDS[as_pipedream, -6], " for PipeDream")
              for case, as_pipedream in zip(RPD, PIPEDREAM) if (as_pipedream, -6) in BANDS]
    for flat_cases in (PIPEDREAM, RPD):
        found += [near(laboratory, flat_cases), flat(laboratory, flat_cases)]
    found.append(falls(laboratory))
    found += [lower(laboratory, case, than) for case, than in zip(LOCAL_SGD, PIPEDREAM) if case.stages >= 8]
    found += [lower(laboratory, LOCAL_SGD_E4[5], than) for than in (PIPEDREAM_E4, LOCAL_SGD_E4[2], LOCAL_SGD_E4[30])]
    return [*found, inside(laboratory, E3), inside(laboratory, E4)]


# The document.

def step(exponent: int) -> str:
    return f"2^{exponent}"


def endings_table(laboratory: Laboratory, experiment: Experiment) -> str:
    lines = ["| method | S | step | tail mean | last value | last value, other programs of ours | published, one seed |", "|---" * 7 + "|"]
    for case in (case for case in CASES if case.experiment == experiment):
        best = laboratory.best(case)
        for exponent in [best, *(other for key, other in BANDS if key == case and other != best)]:
            note = " (best)" if exponent == best else " (as simulated)"
            published = f"{PUBLISHED[case]:g}" if case in PUBLISHED and exponent == best else ""
            lines.append(f"| {case.name} | {case.stages} | {step(exponent)}{note} | {laboratory.tails(case, exponent)} | "
                         f"{laboratory.lasts(case, exponent)} | {' and '.join(map(str, BANDS.get((case, exponent), [])))} | {published} |")
    return "\n".join(lines)


def claims_table(found: list[Claim]) -> str:
    lines = ["| | claim | found | verdict |", "|---|---|---|---|"]
    lines += [f"| {claim.experiment.name} | {claim.what} | {claim.found} | {claim.verdict} |" for claim in found]
    return "\n".join(lines)


def choosing_table(laboratory: Laboratory) -> str:
    exponents = range(min(case.exponents()[0] for case in CASES), max(case.exponents()[-1] for case in CASES) + 1)
    lines = [f"| | method | S | {' | '.join(map(step, exponents))} |", "|---" * (len(exponents) + 3) + "|"]
    for case in CASES:
        means = {exponent: laboratory.tails(case, exponent, case.choosing()).mean for exponent in case.exponents()}
        cells = [f"{means[exponent]:.4f}" if exponent in means else "" for exponent in exponents]
        at_best = exponents.index(laboratory.best(case))
        cells[at_best] = f"**{cells[at_best]}**"
        lines.append(f"| {case.experiment.name} | {case.name} | {case.stages} | {' | '.join(cells)} |")
    return "\n".join(lines)


def document(laboratory: Laboratory, found: list[Claim], about: str) -> str:
    slots, read_at, all_passes = E3.end, E4.end, E3.end // 2 + 1
    few, long_few = len(CHOOSING), len(CHOOSING_OF_LONG_RUNS)
    return f"""# Convergence on logistic regression: E3 and E4

Written by `tests/bench/convergence.py`. {about}

One data file of {ROWS} rows and {FEATURES} features (recipe `logistic`, seed 0), batch 1, λ = 1e-4, constant step, slot model.
E3: noise σ = {E3.noise}, {slots} slots for every S, N = {all_passes} − S microbatches. E4: S = 16, σ = {E4.noise}, N = 400, read at plan time {read_at}.

- **Curves.** The objective f of PipeDream and LocalSGD (R = S, the mean model) is evaluated at every slot. Their final values are those at
  plan time {slots} (E3) and {read_at} (E4), after all actions that end by then. LocalSGD trains on as many microbatches as PipeDream. Its
  timeline is longer and its later values are not used, so more microbatches would change nothing.
- RPD has no timeline. It makes S·N iterations, f is evaluated every S iterations, and its curve is over iterations.
- *Tail mean*: the mean of f over the last 1 % of the curve. All numbers are mean ± standard deviation over {len(SEEDS)} seeds.
- *Best step*: the step with the lowest tail mean over {few} other seeds ({long_few} for RPD at S = 64 and 128, the longest runs). The last table
  lists all means.
- *Lower* compares the means of the tail means at the best steps. A difference of less than {CLEAR} standard errors is not decided.
- *Published*: one seed each, compared with our tail mean at our best step. *Reproduced*: the published value differs from
  our mean by at most 2 standard deviations of one further seed (the error of our mean included). With {len(SEEDS)} seeds, about one such comparison
  in 13 fails by chance.
- The paper does not state E4's noise. σ = {E4.noise} is our inference, and with it **E4 is not reproduced**.
- *As simulated* compares our last value with unpublished simulations by other programs of ours: two programs with 12 seeds
  each for E3, which differ from each other by up to 1.8 standard errors, and one program with 10 seeds for E4. *Agrees*: our mean lies
  within {CLEAR} standard errors of each program's mean. The table gives the difference, ours minus theirs, in standard errors for each program.
- These programs do not simulate RPD. Our RPD is compared with their PipeDream, to test whether both end at the same level.
- `sgd`, which is never stale, is not among the methods. That LocalSGD is lower than PipeDream does not show what staleness costs.

## Verdicts

{claims_table(found)}

## E3: growth with the number of stages

{endings_table(laboratory, E3)}

## E4: 16 stages

{endings_table(laboratory, E4)}

## Tail means of all steps

{choosing_table(laboratory)}
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="runs E3 and E4 over seeds and writes their tables")
    parser.add_argument("build", type=Path, help="the folder of the executable")
    parser.add_argument("document", type=Path, nargs="?", default=Path(__file__).with_name("convergence.md"))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="runs at a time")
    return parser.parse_args()


def main(build: Path, to: Path, jobs: int) -> int:
    quartic, begin = build / "quartic", time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(quartic, Path(folder), jobs)
        all_runs(laboratory)
    found = claims(laboratory)
    about = (f"{info(quartic, 'processor')} · {info(quartic, 'BLAS')} · {len(laboratory.endings)} runs, {jobs} at a time, "
             f"in {(time.perf_counter() - begin) / 60:.0f} minutes")
    to.write_text(document(laboratory, found, about))
    failed = [claim for claim in found if not claim.holds]
    for claim in failed:
        print(f"{claim.experiment.name} {claim.no}: {claim.what}: {claim.found}", file=sys.stderr)
    print(f"{len(found) - len(failed)} of {len(found)} claims hold; tables in {to.name}")
    return 1 if failed else 0


if __name__ == "__main__":
    given = arguments()
    sys.exit(main(given.build.resolve(), given.document, given.jobs))
