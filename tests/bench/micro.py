"""Rows of the table from the Google Benchmark executables."""

import json
from collections import defaultdict

from measure import MPIRUN, Row, run


def rows(build):
    return [*plans(build), *engine(build), *kernels(build)]


def measurements(command, *counters):
    """{name: values of whichever counter it has, one a repetition}"""
    found = defaultdict(list)
    for entry in json.loads(run([*command, "--benchmark_format=json"]).output)["benchmarks"]:
        if entry["run_type"] == "iteration":
            name = entry["name"].split("/iterations:")[0].split("/repeats:")[0]
            found[name] += [entry[counter] for counter in counters if counter in entry]
    return found


def plans(build):
    shown = "--benchmark_filter=pipedream|slot/stages:(16|64)$"
    found = measurements([build / "bench_plan", shown, "--benchmark_min_time=0.1", "--benchmark_repetitions=3"], "items_per_second")
    return [Row(f"planner, actions a second: {name.removeprefix('plan/').replace('/', ', ').replace('stages:', 'S = ')}",
                "bench_plan", "M/s", [1e-6 * value for value in values],
                least=5 if name.endswith((":16", ":64")) else None)
            for name, values in found.items()]


SCENES = {"no_rows": "no rows", "rows_dropped": "rows made and dropped", "rows_on_disk": "rows into a trace on disk"}


def engine(build):
    # Interleaved, so that a comparison of two scenes saw the same machine; ranks must keep one order.
    alone = measurements([build / "bench_engine", "--benchmark_enable_random_interleaving=true"], "overhead_ns")
    pair = measurements([MPIRUN, "-n", 2, build / "bench_engine"], "overhead_ns")
    full = {rows: alone.pop(f"engine/step_of_1ms/{rows}/ranks:1/stages:2") for rows in ("no_rows", "rows_on_disk")}
    return [*(scene_row(name, values, "bench_engine", most=2) for name, values in alone.items()),
            *(scene_row(name, values, "mpirun -n 2 bench_engine", most=10) for name, values in pair.items()),
            Row("a step of 1 ms, no rows: engine overhead", "bench_engine, step_of_1ms", "%", shares(full["no_rows"])),
            Row("a step of 1 ms, every step into a trace on disk: engine overhead and recording",
                "bench_engine, step_of_1ms", "%", shares(full["rows_on_disk"]), most=1)]


def shares(overheads_ns):
    """Of a step of 1 ms, in percent."""
    return [100 * overhead / 1e6 for overhead in overheads_ns]


def scene_row(name, values, command, most):
    _, scene, ranks, stages = name.split("/")
    place = "in one process" if ranks == "ranks:1" else "between two ranks"
    return Row(f"engine overhead {place}, {stages.replace('stages:', 'S = ')}, {SCENES[scene]}",
               command, "µs", [1e-3 * value for value in values], most=most)


def kernels(build):
    command = [build / "bench_compute", "--benchmark_min_time=0.1", "--benchmark_repetitions=3"]
    found = measurements(command, "FLOP/s", "bytes_per_second")
    return [Row(name, "bench_compute", "GFLOP/s" if name.startswith(("product", "convolution")) else "GB/s", [1e-9 * value for value in values])
            for name, values in found.items()]
