"""Training repeated in numpy from a plan.

The plan gives its facts alone (`Step`): when a stage worked on which microbatch, and which versions
of its weights it read. All numbers are computed here, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from objectives import Block
from reference import Model, StageHistory, rows_of
from update_rules import MakeRule, Sgd, UpdateRule, for_block


@dataclass(frozen=True)
class Step:
    """One microbatch at one stage of one pipeline: what a row of the table `steps` says of the plan."""

    pipeline: int
    stage: int
    microbatch: int
    minibatch: int
    replica: int
    version_forward: int
    version_backward: int
    version_applied: int
    delay_own: int
    delay_oldest: int
    forward_begin: float
    backward_begin: float
    end: float
    """When the pass ended that formed its gradient: of a minibatch's last one, its update."""

    @property
    def place(self) -> tuple[int, int, int]:
        return self.pipeline, self.stage, self.microbatch

    @property
    def copy(self) -> tuple[int, int, int]:
        return self.pipeline, self.replica, self.stage

    @property
    def staleness(self) -> int:
        return self.version_applied - self.version_forward

    @property
    def drift(self) -> int:
        return self.version_backward - self.version_forward


@dataclass
class Copy:
    """The block of one stage in one replica of one pipeline."""

    versions: list[np.ndarray]
    rule: UpdateRule
    updates: list[np.ndarray] = field(default_factory=list)
    """What the update of each version added to it, averages not included."""
    gradient: np.ndarray = field(init=False)
    history: StageHistory = field(init=False)
    """What was there at which plan time, averages included."""

    def __post_init__(self) -> None:
        self.gradient = np.zeros_like(self.live)
        self.history = StageHistory([self.live])

    @property
    def live(self) -> np.ndarray:
        return self.versions[-1]

    def update(self, rate: float, time: float) -> float:
        """Applies the gradient that was added up, and returns its square."""
        square = float(self.gradient @ self.gradient)
        updated = self.rule.step(self.live, self.gradient, rate)
        self.updates.append(updated - self.live)
        self.versions.append(updated)
        self.gradient = np.zeros_like(self.gradient)
        self.remember(time)
        return square

    def replace(self, weights: np.ndarray, time: float) -> None:
        """Completes the last update: no new version."""
        self.versions[-1] = weights
        self.remember(time)

    def remember(self, time: float) -> None:
        self.history.weights.append(self.live)
        self.history.since.append(time)


Weights = Callable[[Copy, Step], np.ndarray]
"""What a pass computes with."""


Correct = Callable[[Copy, Step, np.ndarray], np.ndarray]
"""What a microbatch's gradient becomes before it is added up."""


def uncorrected(copy: Copy, step: Step, gradient: np.ndarray) -> np.ndarray:
    return gradient


def forward_version(copy: Copy, step: Step) -> np.ndarray:
    return copy.versions[step.version_forward]


def backward_version(copy: Copy, step: Step) -> np.ndarray:
    return copy.versions[step.version_backward]


@dataclass(frozen=True)
class Average:
    """Of the copies of a block, whenever all have made a version that `every` divides. With an
    outer Nesterov step: D = old - mean; m <- mu m + D; old <- old - rate (D + mu m)."""

    every: int
    rate: float = 1.0
    momentum: float = 0.0


class Group:
    """Copies that are averaged with each other."""

    def __init__(self, copies: list[Copy], average: Average) -> None:
        self.copies = copies
        self.average = average
        self.old = copies[0].live
        self.m = np.zeros_like(self.old)

    def after_update(self, time: float) -> None:
        made = {len(copy.versions) - 1 for copy in self.copies}
        if len(made) > 1 or made.pop() % self.average.every != 0:
            return
        moved = self.old - np.mean([copy.live for copy in self.copies], axis=0)
        self.m = self.average.momentum * self.m + moved
        self.old = self.old - self.average.rate * (moved + self.average.momentum * self.m)
        for copy in self.copies:
            copy.replace(self.old, time)


@dataclass(frozen=True)
class Arithmetic:
    """What a method computes with the versions that its plan has chosen."""

    rate: Callable[[Step], float]
    accumulate: int = 1
    rule: MakeRule = Sgd
    forward: Weights = forward_version
    backward: Weights = backward_version
    correct: Correct = uncorrected
    over_replicas: Average | None = None
    over_pipelines: Average | None = None


@dataclass
class Retraining:
    """The numbers of a run. By (pipeline, microbatch): `losses`. By (pipeline, stage, microbatch):
    `gradient_sq` and `rates` of the update that the microbatch is part of."""

    model: Model
    copies: dict[tuple[int, int, int], Copy]
    losses: np.ndarray
    gradient_sq: np.ndarray
    rates: np.ndarray

    def objective(self, time: float) -> float:
        """f at the mean of all copies of the model, after what ended at or before that time."""
        return self.model.value(
            [
                np.mean([c.history.at(time) for at, c in self.copies.items() if at[2] == s], axis=0)
                for s in range(len(self.model.blocks))
            ]
        )

    def objectives(self, times: Iterable[float]) -> np.ndarray:
        return np.array([self.objective(time) for time in times])


class _Retrainer:
    def __init__(self, model: Model, steps: list[Step], batch: int, arithmetic: Arithmetic) -> None:
        self.model, self.batch, self.arithmetic = model, batch, arithmetic
        self.blocks: list[Block] = model.blocks
        self.pipelines = 1 + max(step.pipeline for step in steps)
        first = [block.initial_weights() for block in self.blocks]
        self.copies = {
            at: Copy([first[at[2]]], for_block(arithmetic.rule(), self.blocks[at[2]]))
            for at in sorted({s.copy for s in steps})
        }
        self.groups = {at: self.groups_of(at) for at in self.copies}
        shape = (self.pipelines, len(first), 1 + max(step.microbatch for step in steps))
        self.losses = np.full((shape[0], shape[2]), np.nan)
        self.gradient_sq, self.rates = np.full((2, *shape), np.nan)
        self.activations: dict[tuple[int, int], Any] = {}
        self.gradients: dict[tuple[int, int], Any] = {}
        self.kept: dict[tuple[int, int, int], Any] = {}
        self.waiting: dict[tuple[int, int, int], list[Step]] = {at: [] for at in self.copies}

    def groups_of(self, at: tuple[int, int, int]) -> list[Group]:
        """Those that an update of this copy may complete: they are its last one's."""
        arithmetic = self.arithmetic
        over = {0: arithmetic.over_pipelines, 1: arithmetic.over_replicas}
        groups = []
        for place in (1, 0):
            average = over[place]
            if average is None:
                continue
            alike = [a for a in self.copies if all(a[i] == at[i] for i in range(3) if i != place)]
            if at == max(alike):
                groups.append(Group([self.copies[a] for a in alike], average))
        return groups

    def rows(self, step: Step) -> slice:
        """Pipeline p of P reads every P-th microbatch of the data, from the p-th on."""
        index = step.microbatch * self.pipelines + step.pipeline
        return rows_of(self.model, self.batch, index)

    def forward(self, step: Step) -> None:
        message_of = step.pipeline, step.microbatch
        weights = self.arithmetic.forward(self.copies[step.copy], step)
        message, self.kept[step.place] = self.blocks[step.stage].forward(
            self.rows(step), weights, self.activations.pop(message_of, 0.0)
        )
        if step.stage == len(self.blocks) - 1:
            self.losses[message_of] = message
        else:
            self.activations[message_of] = message

    def backward(self, step: Step) -> None:
        message_of = step.pipeline, step.microbatch
        copy = self.copies[step.copy]
        message, gradient = self.blocks[step.stage].backward(
            self.rows(step),
            self.arithmetic.backward(copy, step),
            self.kept.pop(step.place),
            self.gradients.pop(message_of, None),
        )
        if step.stage > 0:
            self.gradients[message_of] = message
        corrected = self.arithmetic.correct(copy, step, gradient)
        copy.gradient += corrected / self.arithmetic.accumulate
        self.waiting[step.copy].append(step)
        if len(self.waiting[step.copy]) == self.arithmetic.accumulate:
            self.update(copy, step)

    def update(self, copy: Copy, last: Step) -> None:
        rate = self.arithmetic.rate(last)
        square = copy.update(rate, last.end)
        for step in self.waiting[last.copy]:
            self.gradient_sq[step.place] = square
            self.rates[step.place] = rate
        self.waiting[last.copy].clear()
        for group in self.groups[last.copy]:
            group.after_update(last.end)


def retrain(model: Model, steps: list[Step], batch: int, arithmetic: Arithmetic) -> Retraining:
    """Passes in the global order of methods.md §1, by start and then stage; a whole backward of
    several microbatches takes them in ascending order; pipelines go side by side."""
    work = _Retrainer(model, steps, batch, arithmetic)
    passes = [(s.forward_begin, s, work.forward) for s in steps]
    passes += [(s.backward_begin, s, work.backward) for s in steps]
    passes.sort(key=lambda p: (p[0], p[1].stage, p[1].microbatch, p[1].pipeline))
    for _, step, do in passes:
        do(step)
    return Retraining(model, work.copies, work.losses, work.gradient_sq, work.rates)
