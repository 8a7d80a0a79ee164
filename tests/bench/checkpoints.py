"""Measurements of checkpoints: how long one stops its stage, and how soon a resumed run goes on."""

import re
import shutil
from pathlib import Path

from measure import MPIRUN, Row, in_turn, ratios, run, walls

# A stage of 15 million parameters: its weights and its accumulated gradient are 120 MB.
WIDE = ("--objective mlp --data generate:images --rows 640 --microbatch-size 32 --microbatches 60 "
        "--learning-rate 0.001 --overwrite --checkpoint-every")
ONE = f"--method sgd --stages 1 --hidden 3500,3500 {WIDE} 12"
# Of a quarter of a minute, to be run with one checkpoint and with none.
LONGER = ONE.replace("--microbatches 60", "--microbatches 300").removesuffix(" --checkpoint-every 12")
ONCE = "--checkpoint-every 200"
TWO = f"--method pipedream --stages 2 --hidden 3500,3500,3500 {WIDE} 24"
LONG = "--method pipedream --stages 8 --objective quadratic --microbatches 1000000 --trace-every 1000"
UPDATES = 8_000_000  # of LONG's blocks
FIVE_MINUTES = 300


def rows(quartic, folder):
    return [*stops(quartic, folder), lost(quartic, folder), *resumed(quartic, folder), *resumed_on_ranks(quartic, folder)]


def newest(out):
    return max((out / "checkpoint").iterdir())


def seconds_each(sample):
    return float(re.search(r"^checkpoints: .* s, (.*) s each$", sample.output, re.MULTILINE)[1])


def write(source, target):
    """The command that writes as many bytes to the disk in one piece."""
    return ["dd", f"if={source}", f"of={target}", f"bs={source.stat().st_size}", "count=1", "conv=fsync", "status=none"]


def stops(quartic, folder, runs=5):
    table = []
    for name, start, options in (("one stage", [quartic], ONE), ("two stages on two ranks", [MPIRUN, "-n", 2, quartic], TWO)):
        out = folder / "wide"
        command = [*start, "run", *options.split(), "--out", out]
        run(command)
        source = folder / "bytes"
        shutil.copy(max(newest(out).glob("*.h5"), key=lambda file: file.stat().st_size), source)  # of one stage
        saving, writing = in_turn(runs, command, write(source, folder / "written"))
        stopped = [seconds_each(sample) for sample in saving]
        megabytes = source.stat().st_size / 1e6
        shown = f"{'mpirun -n 2 ' if len(start) > 1 else ''}quartic run {options.replace(' --overwrite', '')}"
        table += [
            Row(f"{name}, {megabytes:.0f} MB each: the training stops for a checkpoint", shown, "s", stopped),
            Row("writing as many bytes to this disk", "dd bs=BYTES count=1 conv=fsync", "s", walls(writing)),
            Row("the stop to the writing, in one turn", "both", "times", ratios(stopped, walls(writing)), most=1.2),
        ]
    return table


def lost(quartic, folder, runs=5):
    """All that a checkpoint costs, writing and checksums beside the training included: a run with one beside a run with none."""
    command = [quartic, "run", *LONGER.split(), "--quiet", "--out", folder / "longer"]
    with_one, with_none = (walls(samples) for samples in in_turn(runs, [*command, *ONCE.split()], command))
    share = [100 * (one - none) / FIVE_MINUTES for one, none in zip(with_one, with_none)]
    return Row("one stage: what a run with a checkpoint takes longer, as a share of 5 minutes",
               f"quartic run {LONGER.replace(' --overwrite', '')} {ONCE}, and without the last", "%", share, most=1)


def resumed(quartic, folder, runs=5):
    """Reading the checkpoint and the trace included; the few updates that are left take no time to speak of."""
    long, wide = folder / "long", folder / "wide"
    run([quartic, "run", *LONG.split(), "--checkpoint-every", UPDATES - 800, "--quiet", "--out", long])
    run([quartic, "run", *ONE.split(), "--out", wide])
    table = []
    for name, whole, longer in (("10⁶ microbatches of 8 stages", long, 1_000_008), ("a stage of 120 MB", wide, 61)):
        samples = []
        for _ in range(runs):
            out = Path(shutil.copytree(whole, folder / "resumed", dirs_exist_ok=True))
            samples.append(run([quartic, "run", "--resume", out, "--microbatches", longer, "--quiet"]))
            shutil.rmtree(out)
        table.append(Row(f"{name}, resumed just before their end: from the start to the end",
                         f"quartic run --resume DIR --microbatches {longer}", "s", walls(samples), most=2))
    return table


def resumed_on_ranks(quartic, folder, runs=5):
    """Beside the same of a short run, whose time is mpirun's and a run's own start."""
    long, short = folder / "long", folder / "short"
    run([quartic, "run", *LONG.replace("1000000", "2000").split(), "--checkpoint-every", 15_200, "--quiet", "--out", short])
    table = []
    for ranks in (2, 4):
        beyond = []
        for _ in range(runs):
            wall_s = {}
            for whole, longer in ((long, 1_000_008), (short, 2_008)):
                out = Path(shutil.copytree(whole, folder / "resumed", dirs_exist_ok=True))
                wall_s[whole] = run([MPIRUN, "-n", ranks, quartic, "run", "--resume", out, "--microbatches", longer, "--quiet"]).wall_s
                shutil.rmtree(out)
            beyond.append(wall_s[long] - wall_s[short])
        table.append(Row(f"10⁶ microbatches of 8 stages on {ranks} ranks, resumed just before their end: beyond the same of 2000",
                         f"mpirun -n {ranks} quartic run --resume DIR --microbatches 1000008", "s", beyond, most=2))
    return table
