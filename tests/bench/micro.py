"""Rows of the table from the Google Benchmark executables."""

import json
from collections import defaultdict

from measure import MPIRUN, Row, run


def rows(build):
    return [*plans(build), *engine(build), *kernels(build)]


def measurements(command, counter):
    """{name: values of a counter, one a repetition}"""
    found = defaultdict(list)
    for entry in json.loads(run([*command, "--benchmark_format=json"]).output)["benchmarks"]:
        if entry["run_type"] == "iteration" and counter in entry:
            found[entry["name"].split("/iterations:")[0].split("/repeats:")[0]].append(entry[counter])
    return found


def plans(build):
    found = measurements([build / "bench_plan", "--benchmark_min_time=0.1", "--benchmark_repetitions=3"], "items_per_second")
    return [Row(f"planner, {name.removeprefix('plan/').replace('/', ', ').replace('stages:', 'S = ')}",
                "bench_plan", "M actions/s", [1e-6 * value for value in values],
                least=5 if name.endswith((":16", ":64")) else None)
            for name, values in found.items()]


SCENES = {"no_rows": "no rows", "rows_dropped": "rows made and dropped", "rows_on_disk": "rows into a trace on disk",
          "step_of_1ms/no_rows": "1 ms of work, no rows", "step_of_1ms/rows_on_disk": "1 ms of work, rows on disk"}


def engine(build):
    alone = measurements([build / "bench_engine"], "overhead_ns")
    pair = measurements([MPIRUN, "-n", 2, build / "bench_engine"], "overhead_ns")
    table = [scene_row(name, values, "bench_engine", most=2) for name, values in alone.items()]
    table += [scene_row(name, values, "mpirun -n 2 bench_engine", most=10) for name, values in pair.items()]
    for stages in (2, 16):
        kept, none = (alone[f"engine/{rows}/ranks:1/stages:{stages}"] for rows in ("rows_on_disk", "no_rows"))
        share = [100 * (with_rows - without) / 1e6 for with_rows, without in zip(kept, none)]
        table.append(Row(f"recording every step into a trace on disk, S = {stages}: share of a step of 1 ms",
                         "bench_engine, rows_on_disk less no_rows", "%", share, most=1))
    return table


def scene_row(name, values, command, most):
    _, *scene, ranks, stages = name.split("/")
    place = "in one process" if ranks == "ranks:1" else "between two ranks"
    return Row(f"engine overhead {place}, {stages.replace('stages:', 'S = ')}, {SCENES['/'.join(scene)]}",
               command, "µs", [1e-3 * value for value in values], most=most)


def kernels(build):
    command = [build / "bench_compute", "--benchmark_min_time=0.1", "--benchmark_repetitions=3"]
    products = measurements(command, "FLOP/s")
    passes = measurements(command, "bytes_per_second")
    return [*(Row(name, "bench_compute", "GFLOP/s", [1e-9 * value for value in values]) for name, values in products.items()),
            *(Row(name, "bench_compute", "GB/s", [1e-9 * value for value in values]) for name, values in passes.items())]
