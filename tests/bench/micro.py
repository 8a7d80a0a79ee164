"""Rows of the table from the Google Benchmark executables."""

import json
from collections import defaultdict
from statistics import median

from measure import MPIRUN, Row, number, run


def rows(build):
    return [*plans(build), *engine(build), *kernels(build), *of_peak(build), *by_hand(build)]


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
    repeated = ("--benchmark_min_time=0.1", "--benchmark_repetitions=3")
    found = measurements([build / "bench_compute", *repeated], "FLOP/s", "bytes_per_second")
    return [Row(name, "bench_compute", "GFLOP/s" if name.startswith(("product", "convolution")) else "GB/s", [1e-9 * value for value in values])
            for name, values in found.items()]


KERNELS = ("Cooperlake", "SkylakeX", "Haswell", "Zen", "Sandybridge")


def by_hand(build, turns=5):
    """A step of a language model with nothing set, beside the best of the BLAS kernels that can be set by hand, in one turn."""
    step = [build / "bench_gpt", "--benchmark_filter=step/256$", "--benchmark_min_time=0.5"]

    def rate(**environment):
        (entry,) = json.loads(run([*step, "--benchmark_format=json"], **environment).output)["benchmarks"]
        return 1e-9 * entry["FLOP/s"]

    def can_run(kernel):
        return f"kernels for {kernel}, set by" in run([build / "quartic", "info"], OPENBLAS_CORETYPE=kernel).output

    kernels = [kernel for kernel in KERNELS if can_run(kernel)]
    rates = [(rate(), {kernel: rate(OPENBLAS_CORETYPE=kernel) for kernel in kernels}) for _ in range(turns)]
    shown = "bench_gpt --benchmark_filter=step/256"
    best = max(kernels, key=lambda kernel: median(forced[kernel] for _, forced in rates))
    return [Row("a step of the gpt of width 256, nothing set", shown, "GFLOP/s", [unset for unset, _ in rates]),
            *(Row(f"with OPENBLAS_CORETYPE={kernel}", "the same", "GFLOP/s", [forced[kernel] for _, forced in rates]) for kernel in kernels),
            Row(f"nothing set to the best by hand ({best}), in one turn", "both", "times", [unset / forced[best] for unset, forced in rates],
                least=0.97)]


def passes(build):
    """The table of a language model's passes that are no products: what limits each, memory or its instructions."""
    repeated = ("--benchmark_min_time=0.2", "--benchmark_repetitions=3")
    found = measurements([build / "bench_transformer", *repeated], "bytes_per_second")
    names = list(dict.fromkeys(name.split("/")[0] for name in found))
    rates = {name: [1e-9 * median(found[f"{name}/size:{size}"]) for size in (1 << 15, 1 << 23)] for name in names}
    copied = rates["memory_copy"][1]
    lines = ["| pass | arrays of 128 KiB | of 32 MiB | of what memcpy moves | limited by |", "|---|---|---|---|---|"]
    for name, (near, far) in rates.items():
        limit = "memory" if far >= 0.6 * copied else "instructions" if far >= 0.75 * near else "**neither**"
        lines.append(f"| {name.replace('_', ' ')} | {number(near)} GB/s | {number(far)} GB/s | {far / copied:.0%} | {limit} |")
    return "\n".join(lines)


def of_peak(build):
    """A language model's step in one process as a share of what one core's multiply-adds can do, in the same run."""
    found = measurements([build / "bench_gpt", "--benchmark_filter=fma|step", "--benchmark_repetitions=3"], "FLOP/s")
    peak = median(found["fma_peak"])
    return [Row("multiply-adds in registers, one core", "bench_gpt", "GFLOP/s", [1e-9 * value for value in found["fma_peak"]]),
            *(Row(f"a step of the gpt of width {width}, nominal operations, of that", "bench_gpt", "%",
                  [100 * value / peak for value in found[f"step/{width}"]], least=least) for width, least in ((256, None), (512, 80)))]
