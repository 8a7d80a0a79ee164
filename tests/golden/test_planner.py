"""The independent planner against the closed forms of methods.md, and real runs of the program against the planner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from planned import plan_of, same_plan
from planner import METHODS, TICKS, Plan, plan
from retrain import Step
from traces import run

# --- The planner against closed forms


def by_stage(steps: list[Step], name: str, stages: int) -> np.ndarray:
    """That field of the steps as [stages, microbatches]."""
    in_order = sorted(steps, key=lambda step: step.place)
    return np.array([getattr(step, name) for step in in_order]).reshape(stages, -1)


def steady(values: np.ndarray) -> np.ndarray:
    """Without the first 4S microbatches and the last S."""
    stages = len(values)
    return values[:, 4 * stages : -stages]


def drawn(expected: Plan, stages: int) -> list[str]:
    """The passes of every stage, box after box: `0` is a forward and `0b` a backward. Every pass takes one slot."""
    end = max(p.end for p in expected.passes) // TICKS
    grid = [["."] * end for _ in range(stages)]
    for p in expected.passes:
        a = p.action
        grid[a.stage][p.begin // TICKS] = f"{a.microbatch}{'' if a.kind == 'F' else a.kind.lower()}"
    return [" ".join(row) for row in grid]


@pytest.mark.parametrize("stages", range(2, 10))
def test_delays_of_pipedream(stages: int) -> None:
    """methods.md §3: staleness S-1-s; own and oldest delays, with i = s+1; the makespan."""
    n = 8 * stages
    in_slots = plan("pipedream", stages, n)
    assert in_slots.makespan == 2 * (n + stages - 1)
    assert plan("pipedream", stages, n, cost="real").makespan == 3 * (n + stages - 1)
    i = np.arange(1, stages + 1)[:, None]
    odd = stages % 2
    own = stages * (stages - i) + ((stages - 1) // 2 if odd else stages // 2 - (i + 1) % 2)
    oldest = (stages * (2 * stages - i) + i - 2) // 2
    if not odd:
        oldest = stages * (2 * stages - i) // 2 + (i - 1) // 2
    for name, expected in [("staleness", stages - i), ("delay_own", own), ("delay_oldest", oldest)]:
        found = steady(by_stage(in_slots.steps, name, stages))
        np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape), err_msg=name)
    assert own[0] == (2 * stages**2 - stages) // 2
    worst = by_stage(in_slots.steps, "delay_own", stages).max()
    assert worst == (5 * stages**2 - 4 * stages) // 4


UNEVEN = "f=1,bi=0.7,bw=1.3,latency=0.4,jitter=0.2"


@pytest.mark.parametrize("cost", ["slot", UNEVEN])
@pytest.mark.parametrize("accumulate", [1, 2, 4, 8])
def test_drift_of_paci(accumulate: int, cost: str) -> None:
    """methods.md §6, for every timing."""
    steps = plan("paci", 8, 48, accumulate, cost).steps
    s, j = np.arange(8)[:, None], np.arange(48)[None, :]
    backward = by_stage(steps, "version_backward", 8)
    np.testing.assert_array_equal(backward, np.broadcast_to(j // accumulate, backward.shape))
    forward = by_stage(steps, "version_forward", 8)
    np.testing.assert_array_equal(forward, np.maximum(0, (j - (7 - s)) // accumulate))
    assert by_stage(steps, "drift", 8).max(axis=1).tolist() == [
        -(-(7 - s) // accumulate) for s in range(8)
    ]


@pytest.mark.parametrize(("stages", "replicas"), [(3, 3), (4, 2), (3, 6), (5, 1), (1, 4)])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_rounds_of_local_sgd(stages: int, replicas: int, steps: int) -> None:
    """methods.md §5: 2H max(S, R) + 2 min(S, R) - 2 slots each; one stage works all the time."""
    n, options = 3 * replicas * steps, {"replicas": replicas, "local_steps": steps}
    for cost, both in [("slot", 2), ("real", 3)]:
        length = steps * max(stages, replicas) + min(stages, replicas) - 1
        assert plan("local-sgd", stages, n, cost=cost, **options).makespan == 3 * both * length


def test_the_figure_of_timeprest() -> None:
    """methods.md §7, (S, N) = (4, 2): whole backwards in boxes of one slot. Microbatches 2m and 2m+1 are ma and mb."""
    figure = [
        "0  1  2  3  4  5  6  7  0b 8  9  2b 10 11 4b",
        ".  0  1  2  3  4  5  0b 6  7  2b 8  9  4b",
        ".  .  0  1  2  3  0b 4  5  2b 6  7  4b",
        ".  .  .  0  1  0b 2  3  2b 4  5  4b",
    ]
    expected = plan("timeprest", 4, 12, 2, backward="mono")
    for row, begun in zip(drawn(expected, 4), figure):
        assert row.split()[: len(begun.split())] == begun.split()


@pytest.mark.parametrize(
    ("cost", "pieces", "v"),
    [
        ("slot", "mono", lambda s, n: 1 + (s - 1) // (n + 1)),
        ("real", "mono", lambda s, n: -(-2 * s // 3)),
        ("real", "chunk", lambda s, n: -(-2 * (n + s - 1) // (3 * n))),
    ],
    ids=["slot-mono", "real-mono", "real-chunk"],
)
def test_minibatches_between_commits_of_timeprest(
    cost: str, pieces: str, v: Callable[[int, int], int]
) -> None:
    """methods.md §7: a backward is v minibatches after the last one that is committed everywhere."""
    for stages, n in product(range(1, 9), (1, 2, 3, 5)):
        steps = plan("timeprest", stages, 7 * stages * n, n, cost, backward=pieces).steps
        found = {
            1 + step.minibatch - step.version_backward
            for step in steps
            if 4 * stages <= step.minibatch < 6 * stages
        }
        assert found == {v(stages, n)}, (stages, n)


@pytest.mark.parametrize("stages", [2, 4, 5])
def test_idle_time_of_flush_methods(stages: int) -> None:
    """methods.md §6 and §8: time of a minibatch beyond M(f+b), from the period of stage 0."""
    cost, both = "f=1,bi=0.7,bw=0.6", 2.3

    def idle(method: str, m: int, of: str = cost, work: float = both, **options: object) -> float:
        passes = plan(method, stages, 3 * m, m, of, **options).passes
        begins = [p.begin for p in passes if p.action.kind == "F" and p.action.stage == 0]
        return (begins[2 * m] - begins[m]) / TICKS - m * work

    assert idle("gpipe", 7) == pytest.approx((stages - 1) * both)
    assert idle("1f1b-flush", 7) == pytest.approx((stages - 1) * both)
    assert idle("zb-1p", 7) == pytest.approx((stages - 1) * (1 + 0.7 - 0.6))
    for m in (5, 7, 9, 11):
        assert idle("zb-2p", m, "slot", 3) == max(0, 2 * stages - 1 - m), m
    if stages == 4:
        assert idle("interleaved", 6, "slot", 4, stages_per_worker=2) == (2 - 1) * 2
        assert idle("zb-v", 6, "slot", 6) == 0


# --- The program against the planner


def straggler(stages: int) -> str:
    """Stages of unequal costs, the last one slower still."""
    forward, backward = (
        "/".join(cycle[s % 3] for s in range(stages))
        for cycle in (("1", "0.7", "1.3"), ("0.5", "2", "1"))
    )
    slow = f"straggler={stages - 1}:1.5"
    return f"f={forward},bi=0.5,bw={backward},latency=0.1,jitter=0.9,{slow}"



@dataclass(frozen=True)
class Case:
    """A method with its options, for runs of N microbatches, M per update. N is odd unless the method forbids it."""

    method: str
    microbatches: int
    accumulate: int = 1
    stages: tuple[int, ...] = (3, 4, 5)
    options: tuple[tuple[str, object], ...] = ()


def of(method: str, microbatches: int, accumulate: int = 1, **options: object) -> Case:
    return Case(method, microbatches, accumulate, options=tuple(options.items()))


ALL = [
    of("sgd", 9, 3),
    of("gpipe", 35, 5),
    of("1f1b-flush", 35, 7),
    Case("interleaved", 30, 6, (2, 4, 6), (("stages_per_worker", 2),)),
    of("zb-1p", 35, 5),
    of("zb-2p", 35, 7),
    Case("zb-v", 35, 7, (2, 4, 6)),
    of("pipedream", 35),
    of("pipedream-vsync", 35),
    of("pipedream-2bw", 35, 5),
    of("async", 35),
    of("paci", 33, 3),
    of("rpd", 25),
    of("local-sgd", 35, local_steps=3),
    of("timeprest", 45, 3),
    of("v-timeprest", 45, 3),
    of("i-timeprest", 45, 5),
    of("nf1b-stash", 45, 3),
    of("pipemare", 33, 3),
    of("spectrain", 33, 3),
    of("nesterov", 35),
    of("pipeoptim", 35, 5),
    of("dc-asgd", 33, 3),
    of("delay-adaptive", 35),
]
"""Every method once."""

VARIANTS = [
    Case("interleaved", 27, 9, (3,)),
    Case("interleaved", 20, 4, (6,), (("stages_per_worker", 3),)),
    of("zb-2p", 27, 3),
    Case("zb-v", 27, 3, (6, 8)),
    *(
        of(method, 35, 1 if method in ("pipedream", "async") else 5, admission=admission)
        for method in ("pipedream", "async", "pipedream-2bw", "nesterov", "dc-asgd")
        for admission in ("pipeline", "stage", "fixed")
    ),
    of("pipedream-vsync", 35, admission="pipeline"),
    of("paci", 35, 5, admission="pipeline"),
    of("paci", 33, 3, admission="stage", slack=0.5),
    of("paci", 33, 3, slack=1),
    of("paci", 33, 3, backward_weights="forward"),
    of("rpd", 25, delays="fixed:4"),
    of("rpd", 25, delta=3),
    of("local-sgd", 35, replicas=2, local_steps=4),
    of("local-sgd", 35, replicas=7, local_steps=2),
    of("local-sgd", 35, replicas=1),
    of("pipemare", 33, 3, synchronous=0.4),
    *(
        of(method, 45, 3, backward="mono")
        for method in ("timeprest", "v-timeprest", "i-timeprest", "nf1b-stash")
    ),
]


def follows_the_planner(folder: Path, case: Case, stages: int, cost: str) -> None:
    """A run with these options has the plan that the planner makes of the same options."""
    options = dict(case.options)
    trace = run(
        folder, "--method", case.method, "--stages", stages, "--accumulate", case.accumulate,
        "--microbatches", case.microbatches, "--cost", cost, "--seed", 2**32 + 3, "--rows", 12,
        "--microbatch-size", 1, "--trace-events", "--evaluate-updates", 0,
        *(word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)),
    )  # fmt: skip
    expected = plan(
        case.method, stages, case.microbatches, case.accumulate, cost, 2**32 + 3, **options
    )
    same_plan(trace, expected)


def name(case: Case) -> str:
    return "-".join(map(str, (case.method, *(value for _, value in case.options))))


@pytest.mark.parametrize("case", ALL, ids=name)
@pytest.mark.parametrize("cost", ["slot", "real", UNEVEN], ids=["slot", "real", "uneven"])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_method_follows_the_planner(tmp_path: Path, case: Case, cost: str, size: int) -> None:
    follows_the_planner(tmp_path, case, case.stages[size], cost)


@pytest.mark.parametrize("case", VARIANTS, ids=name)
@pytest.mark.parametrize("costs", ["slot", "straggler"])
def test_an_option_follows_the_planner(tmp_path: Path, case: Case, costs: str) -> None:
    """On the most stages in slots, on the fewest with a straggler."""
    stages = case.stages[-1] if costs == "slot" else case.stages[0]
    follows_the_planner(tmp_path, case, stages, "slot" if costs == "slot" else straggler(stages))


def test_the_planner_knows_every_method() -> None:
    assert {case.method for case in ALL} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_the_defaults_of_a_method(tmp_path: Path, method: str) -> None:
    """Without options the program and the planner take the same."""
    trace = run(
        tmp_path, "--method", method, "--stages", 4, "--microbatches", 48, "--rows", 12,
        "--microbatch-size", 1, "--trace-events", "--evaluate-updates", 0,
    )  # fmt: skip
    expected = plan(method, 4, 48)
    same_plan(trace, expected)
    assert plan_of(trace) == expected


def test_averages_take_time(tmp_path: Path) -> None:
    case = of("local-sgd", 35, replicas=3, local_steps=2)
    follows_the_planner(tmp_path, case, 4, "f=1,bi=0.5,bw=1,latency=0.3,average=1.7")


def test_a_hop_takes_as_long_as_its_message(tmp_path: Path) -> None:
    cost = "f=0.5,bi=0.5,bw=0.25,b=0.7,latency=0.3,bandwidth=10,bytes=4"
    follows_the_planner(tmp_path, of("pipedream", 35), 5, cost)


def test_pipelines_have_one_plan(tmp_path: Path) -> None:
    trace = run(
        tmp_path, "--method", "pipedream", "--stages", 3, "--pipelines", 2, "--microbatches", 21,
        "--cost", UNEVEN, "--rows", 12, "--microbatch-size", 1, "--trace-events",
        "--evaluate-updates", 0,
    )  # fmt: skip
    assert set(trace.steps["pipeline"]) == {0, 1}
    same_plan(trace, plan("pipedream", 3, 21, cost=UNEVEN))
