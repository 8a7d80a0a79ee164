"""A language model's step beside PyTorch's on this machine: peers.py BUILD [PEERS.md]. Needs python3-torch.

quartic and PyTorch take turns; a ratio is of one turn. PyTorch on two threads takes openblas-openmp where it is installed,
since the default variant of Debian's OpenBLAS does not share the threads with it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import ENVIRONMENT, MPIRUN, REPOSITORY, Row
from results import info, table

sys.path.insert(0, str(REPOSITORY / "analysis"))
from quartic_analysis import load  # noqa: E402

TOKENS = 8 * 128
TURNS = 5
OPENMP = Path("/usr/lib/x86_64-linux-gnu/openblas-openmp")
MODEL = ("--objective gpt --layers 4 --width 256 --heads 4 --sequence 128 --vocabulary 256 --data generate:text --rows 1024 "
         "--microbatch-size 8 --microbatches 24 --evaluate-rows 8 --optimizer adamw --learning-rate 3e-4 --quiet --overwrite")
COMMANDS = {1: f"--method sgd --stages 1 {MODEL}", 2: f"--method paci --stages 2 --accumulate 1 {MODEL}"}


def flops(width=256, layers=4, sequence=128, vocabulary=256):
    """Of a step: 6 a weight of the products and token, and attention's two products with the whole square."""
    return 3 * TOKENS * (layers * (24 * width**2 + 4 * sequence * width) + 2 * width * vocabulary)


def ours(quartic, folder, ranks):
    """Tokens a second: from the times at which the last stage's losses came, but the first quarter."""
    launcher = [MPIRUN, "-n", str(ranks)] if ranks > 1 else []
    command = [*launcher, str(quartic), "run", *COMMANDS[ranks].split(), "--out", str(folder / "run")]
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


def waiting(run):
    """The largest share of a stage's time, from its first pass to its last, that it waited for messages."""
    steps = run.steps
    shares = []
    for _, rows in steps.groupby("stage"):
        span = rows["backward_end_ns"].max() - rows["forward_begin_ns"].min()
        shares.append(100 * rows["wait_ns"].sum() / span)
    return max(shares)


def main(build, results):
    quartic = build / "quartic"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for ranks, factor in ((1, 1.15), (2, 1.15)):
            pairs = [(ours(quartic, Path(folder), ranks), theirs(ranks)) for _ in range(TURNS)]
            rates = [rate for (rate, _), _ in pairs]
            shown = f"quartic run {COMMANDS[ranks].removesuffix(' --quiet --overwrite')}"
            shown = f"mpirun -n {ranks} {shown}" if ranks > 1 else shown
            rows.append(Row(f"{ranks} rank{'s' * (ranks > 1)}", shown, "tokens/s", rates))
            rows.append(Row(f"PyTorch, {ranks} thread{'s' * (ranks > 1)}", f"tests/bench/torch_step.py {ranks}", "tokens/s", [rate for _, rate in pairs]))
            rows.append(Row("quartic to PyTorch, in one turn", "both", "times", [rate / other for (rate, _), other in pairs], least=factor))
            if ranks == 1:
                rows.append(Row("nominal operations a second", "the same", "GFLOP/s", [1e-9 * flops() / TOKENS * rate for rate in rates]))
            else:
                rows.append(Row("waiting for messages, of the stage that waits most", "the same", "%", [waiting(run) for (_, run), _ in pairs]))
    text = f"# Peers\n\n`tests/bench/peers.py` on {info(quartic, 'processor')}, {info(quartic, 'BLAS')}.\n\n{table(rows)}\n"
    results.write_text(text)
    print(text)


if __name__ == "__main__":
    arguments = [Path(word) for word in sys.argv[1:]]
    main(arguments[0], arguments[1] if len(arguments) > 1 else Path(__file__).with_name("peers.md"))
