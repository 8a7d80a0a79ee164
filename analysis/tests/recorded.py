"""Traces as the program writes them, made from the numpy reference: they prove the reader and draw
the figures without the program. Row layouts: include/quartic/engine/records.hpp."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

import reference
from objectives import LinearModel
from quartic_analysis import recipes

INTEGER, COUNT, REAL = np.int64, np.int32, np.float64
STEP = np.dtype(
    [
        ("microbatch", INTEGER),
        ("minibatch", INTEGER),
        ("replica", COUNT),
        ("version_forward", INTEGER),
        ("version_backward", INTEGER),
        ("version_applied", INTEGER),
        ("staleness", INTEGER),
        ("drift", INTEGER),
        ("delay_own", INTEGER),
        ("delay_oldest", INTEGER),
        ("displacement_sq", REAL),
        ("gradient_sq", REAL),
        ("learning_rate", REAL),
        ("plan_forward", REAL),
        ("plan_backward", REAL),
        ("forward_begin_ns", INTEGER),
        ("forward_end_ns", INTEGER),
        ("backward_begin_ns", INTEGER),
        ("backward_end_ns", INTEGER),
        ("wait_ns", INTEGER),
        ("weight_copies", COUNT),
        ("activations", COUNT),
    ]
)
EVENT = np.dtype(
    [
        ("action", "S1"),
        ("microbatch", INTEGER),
        ("plan_begin", REAL),
        ("plan_end", REAL),
        ("begin_ns", INTEGER),
        ("end_ns", INTEGER),
    ]
)
LOSS = np.dtype(
    [
        ("pipeline", COUNT),
        ("replica", COUNT),
        ("microbatch", INTEGER),
        ("minibatch", INTEGER),
        ("plan_time", REAL),
        ("wall_ns", INTEGER),
        ("loss", REAL),
    ]
)
OBJECTIVE = np.dtype(
    [
        ("plan_time", REAL),
        ("block_updates", INTEGER),
        ("wall_ns", INTEGER),
        ("value", REAL),
        ("accuracy", REAL),
        ("gradient_sq", REAL),
    ]
)
STALE_READ = np.dtype([("microbatch", INTEGER), ("plan_time", REAL), ("value", REAL)])
MEMORY = np.dtype(
    [
        ("rank", COUNT),
        ("weights_bytes", INTEGER),
        ("stashes_bytes", INTEGER),
        ("activations_bytes", INTEGER),
        ("buffers_bytes", INTEGER),
        ("resident_bytes", INTEGER),
    ]
)
SLOT_NS = 1_000_000


def blank(dtype: np.dtype, rows: int) -> np.ndarray:
    """Rows in which everything is undefined: -1 and NaN."""
    table = np.empty(rows, dtype)
    for name in dtype.names:
        table[name] = np.nan if dtype[name].kind == "f" else -1
    return table


@dataclass(frozen=True)
class Recording:
    """The tables of a run; `steps` and `events` by stage."""

    attributes: dict[str, str | int]
    parameters: list[int]
    steps: list[np.ndarray]
    events: list[np.ndarray]
    loss: np.ndarray
    objective: np.ndarray
    memory: np.ndarray


def record(stages: int, microbatches: int, evaluate_every: int = 10) -> Recording:
    """PipeDream on a small random quadratic, in the slot model; a slot lasts a millisecond."""
    rows, features, batch, learning_rate = 200, 64, 10, 2.0**-4
    model = LinearModel("quadratic", *recipes.make("quadratic", rows, features), stages)
    plan = reference.pipeline_plan(stages, microbatches)
    training = reference.train(model, plan, batch, learning_rate)
    end = reference.makespan(plan)
    times = sorted({*range(0, end, evaluate_every), end})

    parameters = [len(history.weights[0]) for history in training.histories]
    memory = blank(MEMORY, 1)
    memory["rank"] = 0
    memory["weights_bytes"] = 8 * features
    memory["resident_bytes"] = 50_000_000
    config = (
        f"method = pipedream\nstages = {stages}\naccumulate = 1\nmicrobatches = {microbatches}\n"
        f"cost = slot\nobjective = quadratic\nlearning-rate = {learning_rate}\n"
    )
    return Recording(
        attributes={
            "format_version": 1,
            "method": "pipedream",
            "stages": stages,
            "ranks": 1,
            "complete": 1,
            "time_unit": "slot",
            "config": config,
            "config_hash": "0123456789abcdef",
            "git": "0000000",
            "cost": "slot",
            "started": "2026-01-01T00:00:00Z",
        },
        parameters=parameters,
        steps=_steps(plan, training, stages, microbatches, learning_rate),
        events=[_events([a for a in plan if a.stage == s]) for s in range(stages)],
        loss=_losses(plan, training, stages),
        objective=_objectives(plan, training, times),
        memory=memory,
    )


def _steps(
    plan: list[reference.Action],
    training: reference.Training,
    stages: int,
    microbatches: int,
    learning_rate: float,
) -> list[np.ndarray]:
    counted = reference.delays(plan, stages, microbatches)
    forwards = {(a.stage, a.microbatch): a for a in plan if a.kind == "F"}
    tables = []
    for s in range(stages):
        table = blank(STEP, microbatches)
        versions_held: Counter[int] = Counter()
        version, free = 0, 0
        waited: Counter[int] = Counter()
        for action in (a for a in plan if a.stage == s):
            j = action.microbatch
            waited[j] += action.begin - free
            free = action.end
            if action.kind == "F":
                versions_held[version] += 1
                table["version_forward"][j] = version
                continue
            forward = forwards[s, j]
            row = table[j : j + 1]
            held = +versions_held
            row["microbatch"] = row["minibatch"] = row["version_applied"] = j
            row["version_backward"] = row["version_forward"]
            row["replica"] = row["drift"] = 0
            row["weight_copies"] = len(held.keys() | {version})
            row["activations"] = sum(held.values())
            row["plan_forward"], row["plan_backward"] = forward.begin, action.begin
            row["forward_begin_ns"] = forward.begin * SLOT_NS
            row["forward_end_ns"] = forward.end * SLOT_NS
            row["backward_begin_ns"] = action.begin * SLOT_NS
            row["backward_end_ns"] = action.end * SLOT_NS
            row["wait_ns"] = waited.pop(j) * SLOT_NS
            versions_held[int(row["version_forward"][0])] -= 1
            version += 1
        table["staleness"] = counted.staleness[s]
        table["delay_own"] = counted.own[s]
        table["delay_oldest"] = counted.oldest[s]
        table["gradient_sq"] = training.gradient_sq[s]
        table["learning_rate"] = learning_rate
        tables.append(table)
    return tables


def _events(actions: list[reference.Action]) -> np.ndarray:
    table = blank(EVENT, len(actions))
    table["action"] = [a.kind.encode() for a in actions]
    table["microbatch"] = [a.microbatch for a in actions]
    table["plan_begin"] = [a.begin for a in actions]
    table["plan_end"] = [a.end for a in actions]
    table["begin_ns"] = table["plan_begin"] * SLOT_NS
    table["end_ns"] = table["plan_end"] * SLOT_NS
    return table


def _losses(
    plan: list[reference.Action], training: reference.Training, stages: int
) -> np.ndarray:
    ends = [a.end for a in plan if a.kind == "F" and a.stage == stages - 1]
    table = blank(LOSS, len(ends))
    table["pipeline"] = table["replica"] = 0
    table["microbatch"] = table["minibatch"] = np.arange(len(ends))
    table["plan_time"] = ends
    table["wall_ns"] = table["plan_time"] * SLOT_NS
    table["loss"] = training.losses
    return table


def _objectives(
    plan: list[reference.Action], training: reference.Training, times: list[int]
) -> np.ndarray:
    update_ends = np.sort([a.end for a in plan if a.kind == "B"])
    table = blank(OBJECTIVE, len(times))
    table["plan_time"] = times
    table["block_updates"] = np.searchsorted(update_ends, times, side="right")
    table["wall_ns"] = table["plan_time"] * SLOT_NS
    table["value"] = training.objectives(times)
    return table


def write_stage(parent: h5py.Group, recording: Recording, stage: int, rows: int | None) -> None:
    """The group of one stage, with the first `rows` steps (all by default) and room for more."""
    group = parent.create_group(f"{stage:04}")
    group.attrs["rank"] = 0
    group.attrs["parameters"] = recording.parameters[stage]
    group.attrs["parameter_bytes"] = 8 * recording.parameters[stage]
    for name, table in (("steps", recording.steps[stage]), ("events", recording.events[stage])):
        group.create_dataset(name, data=table[:rows], maxshape=(None,), chunks=(64,))


def write_finished(recording: Recording, folder: Path) -> Path:
    """A finished run's folder with its self-contained trace; returns the trace."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "trace.h5", "w", libver="latest") as file:
        file.attrs.update(recording.attributes)
        file.attrs["finished"] = "2026-01-01T00:01:00Z"
        stages = file.create_group("stage")
        for stage in range(len(recording.steps)):
            write_stage(stages, recording, stage, None)
        for name in ("loss", "objective", "memory"):
            file[name] = getattr(recording, name)
    return folder / "trace.h5"
