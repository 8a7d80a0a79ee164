"""A language model's step beside PyTorch's on this machine: peers.py BUILD [PEERS.md]. Needs python3-torch.

quartic and PyTorch take turns; a ratio is of one turn. PyTorch on two threads takes openblas-openmp where it is installed,
since the default variant of Debian's OpenBLAS does not share the threads with it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
import numpy as np
from measure import ENVIRONMENT, MPIRUN, REPOSITORY, Row
from results import info, table

sys.path.insert(0, str(REPOSITORY / "analysis"))
from quartic_analysis import load  # noqa: E402

TOKENS = 8 * 128
TURNS = 5
OPENMP = Path("/usr/lib/x86_64-linux-gnu/openblas-openmp")
MODEL = ("--objective gpt --layers 4 --width 256 --heads 4 --sequence 128 --vocabulary 256 --data generate:text --rows 1024 "
         "--microbatch-size 8 --evaluate-rows 8 --optimizer adamw --learning-rate 3e-4 --quiet --overwrite")
M = 8  # microbatches an update, of PACI beside the flush


def options(method, stages, microbatches=24, accumulate=1):
    return f"--method {method} --stages {stages} --accumulate {accumulate} --microbatches {microbatches} {MODEL}"


def flops(width=256, layers=4, sequence=128, vocabulary=256):
    """Of a step: 6 a weight of the products and token, and attention's two products with the whole square."""
    return 3 * TOKENS * (layers * (24 * width**2 + 4 * sequence * width) + 2 * width * vocabulary)


def ours(quartic, folder, chosen, ranks):
    """Tokens a second: from the times at which the last stage's losses came, but the first quarter."""
    launcher = [MPIRUN, "-n", str(ranks)] if ranks > 1 else []
    command = [*launcher, str(quartic), "run", *chosen.split(), "--out", str(folder / "run")]
    subprocess.run(command, env=ENVIRONMENT, check=True, stdin=subprocess.DEVNULL)
    run = load(folder / "run")
    times = run.loss["wall_ns"].to_numpy()
    return TOKENS / (1e-9 * np.median(np.diff(times[len(times) // 4:]))), run


def theirs(threads):
    environment = dict(os.environ)
    if threads > 1 and OPENMP.is_dir():
        environment["LD_LIBRARY_PATH"] = str(OPENMP)
    command = [sys.executable, str(Path(__file__).with_name("torch_step.py")), str(threads)]
    output = subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return TOKENS / statistics.median(map(float, output.split()))


def of_a_microbatch(steps, next_begin):
    """Seconds that a stage works for a microbatch, median: from each pass's begin to whatever its rank began next."""
    work = sum(next_begin[np.searchsorted(next_begin, steps[f"{name}_begin_ns"], side="right")] - steps[f"{name}_begin_ns"]
               for name in ("forward", "backward"))
    return 1e-9 * np.median(work)


def rate_alone(quartic, folder):
    """Tokens a second of the slower of two stages when no other rank computes: one process hosts both, in turn."""
    command = [str(quartic), "run", *options("paci", 2, microbatches=48).split(), "--out", str(folder / "alone")]
    subprocess.run(command, env=ENVIRONMENT, check=True, stdin=subprocess.DEVNULL)
    steps = load(folder / "alone").steps
    begins = np.sort(np.append(steps[["forward_begin_ns", "backward_begin_ns"]].to_numpy().ravel(), steps["backward_end_ns"].max()))
    middle = steps[steps["microbatch"].between(8, 40)]
    return TOKENS / max(of_a_microbatch(rows, begins) for _, rows in middle.groupby("stage"))


def exposed(run):
    """What part of the time the busier of two stages waited for messages, once the pipeline was full, in percent."""
    shares = []
    for _, rows in run.steps[run.steps["microbatch"] >= 8].groupby("stage"):
        shares.append(100 * rows["wait_ns"].sum() / (rows["backward_end_ns"].max() - rows["forward_begin_ns"].min()))
    return min(shares)


def beside_pytorch(quartic, folder, ranks):
    chosen = options("sgd" if ranks == 1 else "paci", ranks)
    pairs = [(ours(quartic, folder, chosen, ranks)[0], theirs(ranks)) for _ in range(TURNS)]
    shown = "mpirun -n 2 " * (ranks > 1) + f"quartic run {chosen.removesuffix(' --quiet --overwrite')}"
    rates = [rate for rate, _ in pairs]
    yield Row(f"{ranks} rank{'s' * (ranks > 1)}", shown, "tokens/s", rates)
    yield Row(f"PyTorch, {ranks} thread{'s' * (ranks > 1)}", f"tests/bench/torch_step.py {ranks}", "tokens/s", [rate for _, rate in pairs])
    yield Row("quartic to PyTorch, in one turn", "both", "times", [rate / other for rate, other in pairs], least=1.15)
    if ranks == 1:
        yield Row("nominal operations a second", "the same", "GFLOP/s", [1e-9 * flops() / TOKENS * rate for rate in rates])


def two_ranks(quartic, folder):
    pairs = [(ours(quartic, folder, options("paci", 2, microbatches=48), 2), rate_alone(quartic, folder)) for _ in range(TURNS)]
    yield Row("2 ranks to their slower stage alone", "the same with 48 microbatches, and in one process", "times",
              [rate / alone for (rate, _), alone in pairs], least=0.95)
    yield Row("exposed communication: waiting of the busier stage, pipeline full", "the same", "%", [exposed(run) for (_, run), _ in pairs], most=3)


def paci_and_flush(quartic, folder):
    """The pipelines of two real stages, and of eight in plan time: the flush's bubble is what PACI gains."""
    spans = {}
    for method in ("paci", "1f1b-flush"):
        chosen = options(method, 2, microbatches=8 * M, accumulate=M)
        spans[method] = [span(ours(quartic, folder, chosen, 2)[1]) for _ in range(TURNS)]
    expected = (M + 1) / M
    yield Row(f"PACI to 1f1b-flush, S = 2, M = {M}: speed-up to (M+S-1)/M = {expected:.4g}", f"mpirun -n 2, {8 * M} microbatches", "times",
              [flush / paci / expected for paci, flush in zip(spans["paci"], spans["1f1b-flush"])], least=0.97, most=1.03)
    lengths = {}
    for method in spans:
        plan = [quartic, "plan", "--method", method, "--stages", 8, "--accumulate", M, "--microbatches", 100 * M, "--cost", "real", "--format", "json"]
        lengths[method] = json.loads(measure.run(plan).output)["makespan"]
    expected = (M + 7) / M
    yield Row(f"the same in plan time, S = 8: speed-up to {expected:.4g}", f"quartic plan --stages 8 --accumulate {M} --microbatches {100 * M} --cost real",
              "times", [lengths["1f1b-flush"] / lengths["paci"] / expected], least=0.97, most=1.03)


def span(run):
    """Nanoseconds from the end of the first update's microbatches to that of the last's."""
    ends = run.steps[run.steps["stage"] == 0].sort_values("microbatch")["backward_end_ns"].to_numpy()
    return ends[-1] - ends[M - 1]


def main(build, results):
    quartic = build / "quartic"
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for part in (beside_pytorch(quartic, Path(folder), 1), beside_pytorch(quartic, Path(folder), 2),
                                 two_ranks(quartic, Path(folder)), paci_and_flush(quartic, Path(folder))) for row in part]
    text = f"# Peers\n\n`tests/bench/peers.py` on {info(quartic, 'processor')}, {info(quartic, 'BLAS')}.\n\n{table(rows)}\n"
    results.write_text(text)
    print(text)


if __name__ == "__main__":
    arguments = [Path(word) for word in sys.argv[1:]]
    main(arguments[0], arguments[1] if len(arguments) > 1 else Path(__file__).with_name("peers.md"))
