"""The arithmetic of every method, against numpy.

A run's schedule (who does what when, with which versions) comes from the independent planner. The trace is compared with
it and with the closed forms of methods.md. Then `retrain` computes every loss, every squared gradient norm, the learning
rates and the objective at every plan time anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from agreement import same_stale_reads, same_training
from bent_weights import annealed, blended, by_delay, compensated, corrected, predicted
from planned import planned_steps
from problems import BATCH, ROWS, Problem
from quartic_analysis import Run
from retrain import Arithmetic, Average, retrain
from stale_read import sampled_by
from traces import of_stages, run
from update_rules import Adamw, Momentum, Nadam

MICROBATCHES = 48
SAMPLED = 5
"""Every so many microbatches, which no minibatch's size divides: any place in one is sampled."""


@dataclass(frozen=True)
class Shape:
    """The size of a run; `s` and `j` are all its stages and microbatches, to broadcast."""

    stages: int
    accumulate: int

    @property
    def s(self) -> np.ndarray:
        return np.arange(self.stages)[:, None]

    @property
    def j(self) -> np.ndarray:
        return np.arange(MICROBATCHES)[None, :]


Versions = Callable[[Shape], np.ndarray]
"""In closed form, by stage and microbatch."""


def live(run: Shape) -> np.ndarray:
    """The live version at every backward, and in a flush method at every forward."""
    return run.j // run.accumulate


def live_in_fixed_order(run: Shape) -> np.ndarray:
    """The live version at a forward under --admission fixed."""
    return np.maximum(0, (run.j - (run.stages - 1 - run.s)) // run.accumulate)


def live_at_stage_0(run: Shape) -> np.ndarray:
    """The same at stage 0, M = 1."""
    return np.maximum(0, run.j - (run.stages - 1))


def double_buffer(run: Shape) -> np.ndarray:
    return np.maximum(0, run.j // run.accumulate - 1)


def committed(run: Shape) -> np.ndarray:
    """Whole backwards in equal boxes: the newest minibatch committed everywhere is
    v = 1 + floor((S-1)/(N+1)) before the one whose backward starts."""
    return np.maximum(0, run.j // run.accumulate - (run.stages - 1) // (run.accumulate + 1))


def of_replica(replicas: int) -> Versions:
    return lambda run: run.j // replicas


Compute = Callable[[Shape, float], Arithmetic]
"""A method's arithmetic, by the run's shape and learning rate."""


def plain(run: Shape, rate: float) -> Arithmetic:
    return Arithmetic(lambda step: rate, run.accumulate)


@dataclass(frozen=True)
class Case:
    """A method with its options. `forward` and `backward` are given where the versions have a
    closed form; `stashed` says that the backward's is the forward's."""

    options: tuple[object, ...]
    accumulate: int = 1
    forward: Versions | None = None
    backward: Versions | None = None
    stashed: bool = False
    minibatch: Versions = live
    compute: Compute = plain
    stages: tuple[int, ...] = (1, 3, 5)


def flushed(*options: object, accumulate: int = 4, stages: tuple[int, ...] = (1, 3, 5)) -> Case:
    return Case(options, accumulate, live, live, stages=stages)


def local_sgd(replicas: int, local_steps: int) -> Case:
    """Three replicas make two rounds of five steps and a partial one."""
    return Case(
        ("local-sgd", "--replicas", replicas, "--local-steps", local_steps),
        forward=of_replica(replicas),
        stashed=True,
        minibatch=of_replica(replicas),
        compute=lambda run, rate: replace(plain(run, rate), over_replicas=Average(local_steps)),
    )


PLAIN = {
    "sgd": flushed("sgd"),
    "gpipe": flushed("gpipe"),
    "1f1b-flush": flushed("1f1b-flush"),
    "interleaved": flushed("interleaved", "--stages-per-worker", 2, accumulate=6, stages=(2, 6)),
    "zb-1p": flushed("zb-1p"),
    "zb-2p": flushed("zb-2p", accumulate=8),
    "zb-v": flushed("zb-v", stages=(2, 6)),
    "pipedream": Case(("pipedream",), stashed=True),
    "pipedream, fixed order": Case(
        ("pipedream", "--admission", "fixed"), 1, live_in_fixed_order, stashed=True
    ),
    "pipedream, uneven times": Case(
        ("pipedream", "--cost", "f=1,bi=1,bw=1.5,latency=0.3,jitter=0.3,straggler=0:1.5"),
        stashed=True,
    ),
    "pipedream-vsync": Case(("pipedream-vsync",), 1, live_at_stage_0, stashed=True),
    "pipedream-2bw": Case(("pipedream-2bw",), 4, double_buffer, double_buffer),
    "async": Case(("async",), 1, live_in_fixed_order, live),
    "async, greedy": Case(("async", "--admission", "pipeline"), 1, backward=live),
    "paci": Case(("paci",), 2, live_in_fixed_order, live),
    "paci, greedy": Case(
        ("paci", "--admission", "stage", "--slack", 0.5, "--cost", "real"), 3, backward=live
    ),
    "paci, the forward's weights": Case(
        ("paci", "--backward-weights", "forward"), 2, live_in_fixed_order, stashed=True
    ),
    "timeprest, chunk": Case(("timeprest", "--backward", "chunk"), 3),
    "timeprest, mono": Case(("timeprest", "--backward", "mono"), 2, backward=committed),
    "v-timeprest, chunk": Case(("v-timeprest", "--backward", "chunk"), 3, backward=live),
    "v-timeprest, mono": Case(("v-timeprest", "--backward", "mono"), 3, backward=live),
    "nf1b-stash, chunk": Case(("nf1b-stash", "--backward", "chunk"), 3, stashed=True),
    "nf1b-stash, mono": Case(
        ("nf1b-stash", "--backward", "mono", "--cost", "real"), 2, stashed=True
    ),
    "local-sgd": local_sgd(replicas=3, local_steps=5),
    "local-sgd, many replicas": local_sgd(replicas=6, local_steps=1),
}


def i_timeprest(pieces: str, significance: float) -> Case:
    return Case(
        ("i-timeprest", "--backward", pieces, "--lambda", significance),
        2,
        backward=live,
        compute=lambda run, rate: replace(plain(run, rate), backward=blended(significance)),
    )


def pipemare(accumulate: int, annealing: float, decay: float, synchronous: float = 0) -> Case:
    """Annealing and synchronous steps are shares of the updates."""
    updates = MICROBATCHES // accumulate
    flushes = round(synchronous * updates)

    def forward(run: Shape) -> np.ndarray:
        after = np.maximum(flushes, live_in_fixed_order(run))
        return np.where(live(run) < flushes, live(run), after)

    def compute(run: Shape, rate: float) -> Arithmetic:
        shape = run.stages, run.accumulate
        rates = annealed(rate, *shape, flushes, round(annealing * updates))
        return replace(plain(run, rate), rate=rates, backward=corrected(decay, *shape))

    options = ("--annealing", annealing, "--correction", decay, "--synchronous", synchronous)
    return Case(("pipemare", *options), accumulate, forward, live, compute=compute)


def spectrain(accumulate: int, momentum: float) -> Case:
    def compute(run: Shape, rate: float) -> Arithmetic:
        return replace(plain(run, rate), rule=lambda: Momentum(momentum), forward=predicted(rate))

    return Case(
        ("spectrain", "--momentum", momentum),
        accumulate,
        live_in_fixed_order,
        live,
        compute=compute,
    )


def nesterov(accumulate: int, beta1: float, *options: object) -> Case:
    return Case(
        ("nesterov", *options),
        accumulate,
        live_in_fixed_order,
        stashed=True,
        compute=lambda run, rate: replace(plain(run, rate), rule=lambda: Nadam(beta1)),
    )


def pipeoptim(accumulate: int) -> Case:
    """AdamW with decay, and a rate that falls: the prediction takes that of the next update."""
    updates = MICROBATCHES // accumulate

    def compute(run: Shape, rate: float) -> Arithmetic:
        def at(version: int) -> float:
            return rate * (1 - version / updates)

        return replace(
            plain(run, rate),
            rate=lambda step: at(step.version_applied),
            rule=lambda: Adamw(0.8, 0.9, 1e-3, 0.3),
            forward=predicted(at, decay=0.3),
        )

    options = ("--optimizer", "adamw", "--beta1", 0.8, "--beta2", 0.9, "--epsilon", 1e-3)
    options += ("--weight-decay", 0.3, "--decay", "linear")
    return Case(("pipeoptim", *options), accumulate, live_in_fixed_order, live, compute=compute)


def dc_asgd(accumulate: int, strength: float, *options: object) -> Case:
    return Case(
        ("dc-asgd", "--compensation", strength, *options),
        accumulate,
        stashed=True,
        compute=lambda run, rate: replace(plain(run, rate), correct=compensated(strength)),
    )


def delay_adaptive(threshold: float | None = None) -> Case:
    given = () if threshold is None else ("--delay-threshold", threshold)
    return Case(
        ("delay-adaptive", *given),
        stashed=True,
        compute=lambda run, rate: replace(
            plain(run, rate), rate=by_delay(rate, threshold or run.stages)
        ),
    )


BENT = {
    "i-timeprest, chunk": i_timeprest("chunk", 0.7),
    "i-timeprest, mono": i_timeprest("mono", 1.5),
    "pipemare": pipemare(1, annealing=0.25, decay=0.1),
    "pipemare, larger updates": pipemare(2, annealing=0.5, decay=0.4),
    "pipemare, synchronous first": pipemare(2, annealing=0.5, decay=0.2, synchronous=0.25),
    "spectrain": spectrain(1, 0.9),
    "spectrain, larger updates": spectrain(2, 0.6),
    "pipeoptim, adamw": pipeoptim(1),
    "pipeoptim, adamw, larger updates": pipeoptim(2),
    "dc-asgd": dc_asgd(1, 2.0),
    "dc-asgd, larger updates": dc_asgd(3, 5.0, "--admission", "fixed"),
    "delay-adaptive": delay_adaptive(),
    "delay-adaptive, by hand": delay_adaptive(3.5),
    "nesterov": nesterov(1, 0.99),
    "nesterov, larger updates": nesterov(3, 0.8, "--beta1", 0.8),
}
CASES = PLAIN | BENT


def same_versions(run: Run, case: Case, shape: Shape) -> None:
    """The closed forms, and that a gradient is applied in the turn of its minibatch."""
    names = ("minibatch", "version_forward", "version_backward", "version_applied")
    found = {name: of_stages(run.steps, name) for name in (*names, "staleness", "drift")}
    expected = {
        "minibatch": case.minibatch(shape),
        "version_applied": case.minibatch(shape),
        "version_forward": case.forward and case.forward(shape),
        "version_backward": case.backward and case.backward(shape),
        "staleness": found["version_applied"] - found["version_forward"],
        "drift": found["version_backward"] - found["version_forward"],
    }
    if case.stashed:
        expected["version_backward"] = found["version_forward"]
    for name, values in expected.items():
        if values is not None:
            values = np.broadcast_to(values, found[name].shape)
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def runs() -> list[object]:
    """`quadratic`, where the backward's weights do not count, on the most stages only."""
    return [
        pytest.param(case, problem, stages, id=f"{name}-{problem}-{stages}")
        for name, case in CASES.items()
        for problem in ("quadratic", "logistic", "mlp")
        for stages in (case.stages[-1:] if problem == "quadratic" else case.stages)
    ]


@pytest.mark.parametrize(("case", "problem", "stages"), runs())
def test_a_method_computes_what_it_says(
    tmp_path: Path, problems: dict[str, Problem], case: Case, problem: str, stages: int
) -> None:
    shape, given = Shape(stages, case.accumulate), problems[problem]
    trace = run(
        tmp_path, "--method", *case.options, "--stages", stages, *given.options,
        "--accumulate", case.accumulate, "--microbatch-size", BATCH,
        "--microbatches", MICROBATCHES, "--learning-rate", given.learning_rate, "--trace-events",
        "--trace-stale-read", SAMPLED,
    )  # fmt: skip
    same_versions(trace, case, shape)
    computed, steps = case.compute(shape, given.learning_rate), planned_steps(trace)
    training = retrain(given.model(stages), steps, BATCH, computed)
    same_training(trace, training)
    same_stale_reads(trace, sampled_by(training, steps, computed, SAMPLED))


@pytest.mark.parametrize("pieces", ["chunk", "mono"])
@pytest.mark.parametrize("cost", ["slot", "real"])
def test_timeprest_reads_one_version_at_every_stage(tmp_path: Path, pieces: str, cost: str) -> None:
    """A forward by its microbatch's tag, a backward by its minibatch's, which is not older."""
    trace = run(
        tmp_path, "--method", "timeprest", "--backward", pieces, "--cost", cost, "--stages", 5,
        "--accumulate", 3, "--rows", ROWS, "--microbatch-size", BATCH,
        "--microbatches", MICROBATCHES,
    )  # fmt: skip
    forward = of_stages(trace.steps, "version_forward")
    backward = of_stages(trace.steps, "version_backward")
    assert np.all(forward == forward[0]) and np.all(np.diff(forward[0]) >= 0)
    assert np.all(backward == np.repeat(backward[0, ::3], 3)) and np.all(backward >= forward)
    assert np.any(backward > forward)
