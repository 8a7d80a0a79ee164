"""An independent reference: pipeline-parallel training simulated in numpy, double precision.

It shares no code with the program that it checks. `pipeline_plan` decides what every stage does in
every slot, `train` does it with numbers, `delays` counts block updates between reads and updates.

Run as a script it prints the published numbers that it reproduces:
  E1, random quadratic, S = 8:       final f of PipeDream 2.38e-7
  E2, tridiagonal quadratic, S = 16: f(w0) 471.16, 2.731247 at plan time 1229, 2.7315207 at its end
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))

from objectives import LinearModel, MlpModel  # noqa: E402
from quartic_analysis import recipes  # noqa: E402

Model = LinearModel | MlpModel


@dataclass(frozen=True)
class Action:
    """One pass of one microbatch at one stage, from `begin` to `end` in plan time."""

    kind: Literal["F", "B"]
    stage: int
    microbatch: int
    begin: int
    end: int


def pipeline_plan(
    stages: int, microbatches: int, forward: int = 1, backward: int = 1
) -> list[Action]:
    """1F1B without flush, pipeline admission: at most S microbatches between F and B at stage 0,
    and every stage takes the next backward if its gradient is there, else the next forward. A
    result can be used from the time at which its action ends. In the global order: by begin,
    then stage (methods.md §1).
    """
    plan: list[Action] = []
    forward_ends: list[list[int]] = [[] for _ in range(stages)]
    backward_ends: list[list[int]] = [[] for _ in range(stages)]
    free = [0] * stages

    def has_ended(ends: list[int], microbatch: int, now: int) -> bool:
        return microbatch < len(ends) and ends[microbatch] <= now

    now = 0
    while len(backward_ends[0]) < microbatches:
        for s in range(stages):
            if free[s] > now:
                continue
            next_f, next_b = len(forward_ends[s]), len(backward_ends[s])
            gradient = forward_ends[s] if s == stages - 1 else backward_ends[s + 1]
            if has_ended(gradient, next_b, now):
                free[s] = now + backward
                backward_ends[s].append(free[s])
                plan.append(Action("B", s, next_b, now, free[s]))
            elif (
                next_f < microbatches and next_f - next_b < stages
                if s == 0
                else has_ended(forward_ends[s - 1], next_f, now)
            ):
                free[s] = now + forward
                forward_ends[s].append(free[s])
                plan.append(Action("F", s, next_f, now, free[s]))
        now += 1
    return plan


def serial_plan(stages: int, microbatches: int) -> list[Action]:
    """One microbatch at a time through all stages: the order of `sgd`."""
    plan = []
    for j in range(microbatches):
        start = 2 * stages * j
        plan += [Action("F", s, j, start + s, start + s + 1) for s in range(stages)]
        start += stages
        plan += [
            Action("B", s, j, start + turn, start + turn + 1)
            for turn, s in enumerate(reversed(range(stages)))
        ]
    return plan


def makespan(plan: list[Action]) -> int:
    return max(action.end for action in plan)


@dataclass(frozen=True)
class Delays:
    """Block updates anywhere between the read of block i by microbatch j and the update of stage s
    by it: `matrix` [stages, microbatches, stages] as (s, j, i). `staleness` [stages, microbatches]
    counts those of stage s itself since its own read."""

    matrix: np.ndarray
    staleness: np.ndarray

    @property
    def own(self) -> np.ndarray:
        return np.einsum("sjs->sj", self.matrix)

    @property
    def oldest(self) -> np.ndarray:
        return self.matrix.max(axis=2)


def delays(plan: list[Action], stages: int, microbatches: int) -> Delays:
    """Counts delays of a plan in which every backward updates its stage."""
    matrix = np.empty((stages, microbatches, stages), dtype=int)
    staleness = np.empty((stages, microbatches), dtype=int)
    reads = np.empty((microbatches, stages), dtype=int)
    versions = np.empty((stages, microbatches), dtype=int)
    updates, own_updates = 0, [0] * stages
    for action in plan:
        s, j = action.stage, action.microbatch
        if action.kind == "F":
            reads[j, s] = updates
            versions[s, j] = own_updates[s]
        else:
            matrix[s, j] = updates - reads[j]
            staleness[s, j] = own_updates[s] - versions[s, j]
            updates += 1
            own_updates[s] += 1
    return Delays(matrix, staleness)


@dataclass
class StageHistory:
    """All versions of one stage's weights: version v is `weights[v]`, there from `since[v]` on."""

    weights: list[np.ndarray]
    since: list[float] = field(default_factory=lambda: [0])

    def at(self, time: float) -> np.ndarray:
        """The newest version that was there at that plan time."""
        return self.weights[int(np.searchsorted(self.since, time, side="right")) - 1]


@dataclass
class Training:
    """What a run leaves: the versions of every stage, the loss of every microbatch, and the squared
    norm of every block gradient [stages, microbatches]."""

    model: Model
    histories: list[StageHistory]
    losses: np.ndarray
    gradient_sq: np.ndarray

    def objective(self, time: float) -> float:
        """f on the whole data after all actions that end at or before that plan time."""
        return self.model.value([history.at(time) for history in self.histories])

    def objectives(self, times: Iterable[float]) -> np.ndarray:
        return np.array([self.objective(time) for time in times])


def rows_of(model: Model, batch: int, index: int) -> slice:
    """The rows of the data in its microbatch of that index: contiguous, in order, cyclic."""
    rows_in_all = len(model.x if isinstance(model, LinearModel) else model.images)
    if rows_in_all % batch:
        raise ValueError(f"{rows_in_all} rows cannot be cut into microbatches of {batch}")
    first = index * batch % rows_in_all
    return slice(first, first + batch)


def train(
    model: Model, plan: list[Action], batch: int, learning_rate: float, accumulate: int = 1
) -> Training:
    """Plain gradient descent in the plan's order with stashed weights: a backward reads the version
    that its forward read. Gradients of `accumulate` microbatches are averaged, ascending, for one
    update.
    """
    blocks = model.blocks
    histories = [StageHistory([block.initial_weights()]) for block in blocks]
    microbatches = 1 + max(action.microbatch for action in plan)
    losses = np.empty(microbatches)
    gradient_sq = np.empty((len(blocks), microbatches))
    activation: dict[int, Any] = {}
    gradient_message: dict[int, Any] = {}
    stash: dict[tuple[int, int], tuple[np.ndarray, Any]] = {}
    sums = [np.zeros_like(history.weights[0]) for history in histories]
    last = len(blocks) - 1

    for action in plan:
        s, j = action.stage, action.microbatch
        block, history = blocks[s], histories[s]
        rows = rows_of(model, batch, j)
        if action.kind == "F":
            weights = history.weights[-1]
            activation[j], kept = block.forward(rows, weights, activation.get(j, 0.0))
            stash[s, j] = weights, kept
            if s == last:
                losses[j] = activation.pop(j)
            continue
        weights, kept = stash.pop((s, j))
        gradient_message[j], gradient = block.backward(
            rows, weights, kept, gradient_message.get(j)
        )
        if s == 0:
            gradient_message.pop(j)
        gradient_sq[s, j] = gradient @ gradient
        sums[s] += gradient / accumulate
        if (j + 1) % accumulate == 0:
            history.weights.append(history.weights[-1] - learning_rate * sums[s])
            history.since.append(action.end)
            sums[s] = np.zeros_like(sums[s])
    return Training(model, histories, losses, gradient_sq)


@dataclass(frozen=True)
class Experiment:
    """A published experiment on a problem made with numpy (experiments.md §3)."""

    recipe: str
    rows: int
    batch: int
    epochs: int
    stages: int
    learning_rate: float
    features: int = 512

    @property
    def microbatches(self) -> int:
        return self.epochs * self.rows // self.batch

    def train(self) -> tuple[Training, int]:
        """The run by PipeDream in the slot model, and its makespan."""
        x, y = recipes.make(self.recipe, self.rows, self.features)
        model = LinearModel("quadratic", x, y, self.stages)
        plan = pipeline_plan(self.stages, self.microbatches)
        return train(model, plan, self.batch, self.learning_rate), makespan(plan)


E1 = Experiment("quadratic", rows=2000, batch=100, epochs=20, stages=8, learning_rate=2**-4)
E2 = Experiment("tridiagonal", rows=600, batch=5, epochs=5, stages=16, learning_rate=2**-8)


def main() -> None:
    training, end = E1.train()
    print(f"E1 PipeDream: f = {training.objective(end):.7g} at plan time {end}")
    training, end = E2.train()
    for time in (0, end - 1, end):
        print(f"E2 PipeDream: f = {training.objective(time):.8g} at plan time {time}")


if __name__ == "__main__":
    main()
