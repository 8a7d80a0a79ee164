"""Measurements of the whole command: E2, the plan, many ranks on few cores, start-up."""

import sys
from pathlib import Path

from measure import MPIRUN, REPOSITORY, Row, in_turn, ratios, run, walls

E2 = ("--method pipedream --stages 16 --objective quadratic --microbatch-size 5 --epochs 5 "
      "--learning-rate 0.00390625 --evaluate-every 1 --quiet --overwrite")
LOCAL = E2.replace("pipedream", "local-sgd --local-steps 2").replace("0.00390625", "0.03125")
E2_OBJECTIVE = "471.16 2.731247"  # the published f at the start and after slot 1229
# 1 ms of arithmetic a microbatch and stage; 64 stages.
DEEP = (f"--method pipedream --stages 64 --objective mlp --hidden {','.join(['256'] * 63)} --data generate:images "
        "--rows 640 --microbatch-size 160 --learning-rate 0.01 --quiet --overwrite")


def rows(quartic, folder):
    return [*published_run(quartic, folder), *plans(quartic), *many_ranks(quartic, folder), *start_up(quartic)]


def published_run(quartic, folder, runs=15):
    data = folder / "tridiagonal.h5"
    run([sys.executable, REPOSITORY / "analysis/make_data.py", "tridiagonal", "--rows", 600, "--features", 512, "--out", data])
    command = [quartic, "run", *E2.split(), "--data", data, "--out", folder / "e2"]
    loop = [sys.executable, Path(__file__).with_name("numpy_loop.py"), data]
    program, numpy = in_turn(runs, command, loop)
    local = [run([quartic, "run", *LOCAL.split(), "--data", data, "--out", folder / "local"]) for _ in range(runs)]
    if numpy[0].output.strip() != E2_OBJECTIVE:
        raise SystemExit(f"the numpy loop found {numpy[0].output.strip()}, not {E2_OBJECTIVE}")
    shown = f"quartic run {E2.replace(' --quiet --overwrite', '')} --data tridiagonal.h5"
    return [
        Row("E2, f at every slot, one process: wall time", shown, "s", walls(program), most=0.15),
        Row("E2: peak resident memory", "the same", "MB", [sample.resident_mb for sample in program], most=60),
        Row("E2's LocalSGD, 16 replicas, H = 2: wall time", f"quartic run {LOCAL.replace(' --quiet --overwrite', '')} --data tridiagonal.h5",
            "s", walls(local), most=0.3),
        Row("a plain numpy loop of the same work, imports included", "tests/bench/numpy_loop.py tridiagonal.h5", "s", walls(numpy)),
        Row("E2: quartic to numpy, in one turn", "both", "times", ratios(walls(program), walls(numpy))),
    ]


def plan_command(quartic, stages, microbatches):
    return [quartic, "plan", "--method", "pipedream", "--stages", stages, "--microbatches", microbatches, "--format", "json"]


def plans(quartic, runs=9):
    table = []
    for stages, microbatches in ((16, 100_000), (64, 25_000), (4096, 1024)):
        samples = [run(plan_command(quartic, stages, microbatches)) for _ in range(runs if stages < 4096 else 1)]
        rates = [2e-6 * stages * microbatches / sample.wall_s for sample in samples]
        table.append(Row(f"plan, S = {stages}: actions a second, start and statistics included",
                         f"quartic plan --method pipedream --stages {stages} --microbatches {microbatches} --format json",
                         "M/s", rates, least=5 if stages < 4096 else None))
    short, long = in_turn(runs, plan_command(quartic, 64, 2000), plan_command(quartic, 64, 20_000))
    memory = ratios([sample.resident_mb for sample in long], [sample.resident_mb for sample in short])
    table.append(Row("plan: resident memory, 10 N to N", "quartic plan --stages 64 --microbatches 20000, and 2000", "times", memory, most=1.02))
    return table


def many_ranks(quartic, folder, runs=3):
    """Two lengths each: their difference is the time of the microbatches without the start."""
    short, long = 64, 192
    commands = [[MPIRUN, "-n", ranks, quartic, "run", *DEEP.split(), "--microbatches", microbatches, "--out", folder / "deep"]
                for ranks in (64, 2) for microbatches in (short, long)]
    short_64, long_64, short_2, long_2 = map(walls, in_turn(runs, *commands))
    of_64 = [b - a for a, b in zip(short_64, long_64)]
    of_2 = [b - a for a, b in zip(short_2, long_2)]
    passes = 64 * (long - short) / 2  # a core
    shown = "mpirun -n {} quartic run " + DEEP.replace(",".join(["256"] * 63), "256,… (63 times)").replace(" --quiet --overwrite", "")
    return [
        Row("64 stages on 2 ranks: a microbatch and stage", shown.format(2), "ms", [1e3 * wall / passes for wall in of_2]),
        Row("64 stages on 64 ranks: a microbatch and stage", shown.format(64), "ms", [1e3 * wall / passes for wall in of_64]),
        Row("64 ranks to 2 ranks, in one turn, start aside", "both", "times", ratios(of_64, of_2), most=1.5),
        Row("start of 64 ranks (the shorter run less its passes)", "both",
            "s", [wall - short / (long - short) * rest for wall, rest in zip(short_64, of_64)]),
    ]


def start_up(quartic, runs=15):
    info = [quartic, "info"]
    if "not started" not in run(info).output:
        raise SystemExit("quartic info starts MPI without mpirun")
    nothing, alone, launched = in_turn(runs, ["true"], info, [MPIRUN, "-n", 1, *info])
    return [
        Row("start of a process that does nothing", "true", "ms", milliseconds(nothing)),
        Row("start without mpirun: MPI is not started", "quartic info", "ms", milliseconds(alone), most=50),
        Row("start under mpirun, which starts MPI", "mpirun -n 1 quartic info", "ms", milliseconds(launched)),
    ]


def milliseconds(samples):
    return [1e3 * wall for wall in walls(samples)]
