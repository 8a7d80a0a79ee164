"""The table of steady utilisation by method, stages and latency: the plan's, so the same on every machine."""

import json

from measure import run

STAGES = (4, 8, 16)
LATENCIES = (0, 0.1, 0.5)
METHODS = (
    "sgd", "gpipe --accumulate 16", "1f1b-flush --accumulate 16", "interleaved --accumulate 16 --stages-per-worker 2",
    "zb-1p --accumulate 16", "zb-2p --accumulate 32", "zb-v --accumulate 16", "pipedream", "pipedream-vsync", "pipedream-2bw",
    "async", "paci", "paci --slack 1", "rpd", "local-sgd --local-steps 5", "timeprest", "v-timeprest", "i-timeprest",
    "nf1b-stash", "v-timeprest --backward mono", "pipemare", "spectrain", "nesterov",
)


def utilisation(quartic, method, stages, latency):
    command = [quartic, "plan", "--method", *method.split(), "--stages", stages, "--format", "json",
               "--cost", f"f=1,bi=1,bw=1,latency={latency}"]
    return json.loads(run(command).output)["steady"]["utilisation"]


def table(quartic):
    columns = [(stages, latency) for latency in LATENCIES for stages in STAGES]
    lines = ["| method | " + " | ".join(f"S={stages}, c={latency:g}" for stages, latency in columns) + " |",
             "|---" * (len(columns) + 1) + "|"]
    for method in METHODS:
        cells = [f"{utilisation(quartic, method, *column):.3f}" for column in columns]
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
