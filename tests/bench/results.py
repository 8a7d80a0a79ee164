"""Runs every benchmark and writes the table of results: results.py BUILD [RESULTS.md], which is `make bench`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import checkpoints
import micro
import program
import utilisation
from measure import run


def first_line(command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()[0]


def info(quartic, key):
    lines = run([quartic, "info"]).output.splitlines()
    return next(line.removeprefix(key).strip() for line in lines if line.startswith(key))


def machine(quartic, load):
    cores = len(os.sched_getaffinity(0))
    return (f"{info(quartic, 'processor')}, {cores} cores · {first_line(['c++', '--version'])} · "
            f"{info(quartic, 'BLAS')} · {first_line(['mpirun', '--version'])} · "
            f"load average {load:.1f} before the first measurement, {os.getloadavg()[0]:.1f} after the last")


def table(rows):
    lines = ["| what | command | target | measured: median (least … most) | verdict |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | `{row.command}` | {row.target()} | {row.measured()} | {row.verdict()} |" for row in rows]
    return "\n".join(lines)


def main(build, results):
    load = os.getloadavg()[0]
    quartic = build / "quartic"
    with tempfile.TemporaryDirectory() as folder:
        whole = program.rows(quartic, Path(folder))
        kept = checkpoints.rows(quartic, Path(folder))
    small = micro.rows(build)
    results.write_text(f"""# Results of `make bench`

{machine(quartic, load)}

Whole commands and ranks are measured in wall time; planner, kernels and the engine in one process in processor time. A target is
compared with the median; the least and the most show how quiet the machine was. The benchmarks themselves bring the load average
to 1 or 2, and higher while 64 ranks run.

## The whole command

{table(whole)}

## Checkpoints

{table(kept)}

## Planned utilisation in the steady state

`quartic plan --method METHOD --stages S --cost f=1,bi=1,bw=1,latency=c --format json`: balanced stages, forward 1, backward 2, latency c per hop.

{utilisation.table(quartic)}

## Planner, engine and kernels

{table(small)}

## Passes of a language model without matrix products

`bench_transformer`: bytes read and written a second. A pass that reaches 60 % of memcpy's rate on 32 MiB is limited by memory. A pass that is
hardly faster in the cache is limited by its instructions.

{micro.passes(build)}
""")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("results.md"))
