"""An independent planner: when every stage works on which microbatch, and with which versions of its weights.

It is written from the definitions of the methods (papers and formulas, see docs/methods.md) and shares no code with the
program's planner. `plan` simulates a run in three steps:

1. An `Order` says which passes a worker would take next, the most wanted one first.
2. `passes_of` is the event loop: a worker that is free takes the first of these passes whose inputs have arrived.
3. `steps_of` goes through the passes by their begin, then by stage, and counts versions and delays.

Times are integers, in units of 1e-9 slots, so that ties are exact.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import philox
from retrain import Step

TICKS = 10**9
"""In one unit of plan time."""


@dataclass(frozen=True)
class Action:
    """What a worker does: a forward (F), a whole backward (B), or half a backward, for the input gradient (I) or the
    weight gradient (W). A backward of `count` microbatches has the number of the first one."""

    kind: str
    stage: int
    microbatch: int
    count: int = 1

    @property
    def microbatches(self) -> range:
        return range(self.microbatch, self.microbatch + self.count)

    @property
    def output(self) -> Output:
        return Output("B" if self.kind == "I" else self.kind, self.stage, self.microbatch)


@dataclass(frozen=True)
class Output:
    """What a pass leaves: an activation (F), an input gradient (B) or a weight gradient alone (W)."""

    kind: str
    stage: int
    microbatch: int


@dataclass(frozen=True)
class Pass:
    """An action with its times in ticks."""

    action: Action
    begin: int
    end: int


# --- Costs


def ticks(units: float) -> int:
    return math.floor(units * TICKS + 0.5)


class Cost:
    """Durations of actions, and of a hop between two workers, from the text of `--cost`."""

    def __init__(self, text: str, stages: int, seed: int) -> None:
        self.slot, self.seed = text == "slot", seed
        entries = [] if text in ("slot", "real") else [e.split("=") for e in text.split(",")]
        given = {key: value for key, value in entries if key != "straggler"}
        stragglers = [value.split(":") for key, value in entries if key == "straggler"]

        def by_stage(key: str) -> list[int]:
            values = [max(1, ticks(float(v))) for v in given.get(key, "1").split("/")]
            return values * stages if len(values) == 1 else values

        halves = {"F": by_stage("f"), "I": by_stage("bi"), "W": by_stage("bw")}
        whole = [i + w for i, w in zip(halves["I"], halves["W"])]
        if self.slot or "b" in given:
            whole = by_stage("b")
        self.of = halves | {"B": whole}
        for stage, factor in stragglers:
            for costs in self.of.values():
                costs[int(stage)] = scaled(costs[int(stage)], float(factor))
        transfer = float(given.get("bytes", 0)) / float(given.get("bandwidth", math.inf))
        self.hop = ticks(float(given.get("latency", 0)) + transfer)
        self.average = ticks(float(given.get("average", 0)))
        self.jitter = float(given.get("jitter", 0))

    def duration(self, action: Action) -> int:
        """In slots a backward of several microbatches costs 1, too. Jitter has a stream for each stage, kind and
        microbatch."""
        cost = self.of[action.kind][action.stage] * (1 if self.slot else action.count)
        if self.jitter == 0:
            return cost
        index = action.stage * 8 + 1 + "FBIW".index(action.kind)
        drawn = philox.uniforms(self.seed, philox.JITTER, index, 1, action.microbatch)[0]
        return scaled(cost, 1 + self.jitter * (2 * float(drawn) - 1))


def scaled(cost: int, factor: float) -> int:
    return max(1, math.floor(cost * factor + 0.5))


# --- Runs


@dataclass(frozen=True)
class Draws:
    """What Randomized PipeDream draws for each iteration: the stage that it updates, and how many block updates ago
    every stage's block was read."""

    stage: list[int]
    delays: list[list[int]]


@dataclass(frozen=True)
class Setting:
    """The run to plan: N microbatches, M of them per update, and the method's own options by their names."""

    method: str
    stages: int
    microbatches: int
    accumulate: int
    cost: Cost
    seed: int
    options: dict[str, str]

    @cached_property
    def replicas(self) -> int:
        """Replicas of the model take the microbatches in turn."""
        return int(self.options.get("replicas", self.stages)) if self.method == "local-sgd" else 1

    def replica(self, microbatch: int) -> int:
        return microbatch % self.replicas

    def minibatch(self, microbatch: int) -> int:
        return microbatch // self.replicas // self.accumulate

    def first_of(self, minibatch: int) -> int:
        return minibatch * self.accumulate

    def ends_minibatch(self, microbatch: int) -> bool:
        return (microbatch // self.replicas + 1) % self.accumulate == 0

    @cached_property
    def stages_per_worker(self) -> int:
        default = {"zb-v": 2}.get(self.method, 1)
        return int(self.options.get("stages-per-worker", default))

    @cached_property
    def workers(self) -> int:
        return self.stages // self.stages_per_worker

    def worker_of(self, stage: int) -> int:
        """Worker q has the stages q, q+Q, …, or in a V the stages q and S-1-q."""
        if self.method == "zb-v":
            return min(stage, self.stages - 1 - stage)
        return stage % self.workers

    @cached_property
    def draws(self) -> Draws:
        """Each draw comes from a named stream of its iteration. Delays are at most the number of the iteration."""
        form, _, fixed = self.options.get("delays", "uniform").partition(":")
        most = int(fixed or self.options.get("delta", self.stages**2 - (self.stages + 1) // 2))

        def draw(n: int, name: int, index: int, k: int) -> int:
            return philox.below(n, self.seed, name, index, k)

        def delay(i: int, k: int) -> int:
            bound = min(most, k)
            return bound if form == "fixed" else draw(bound + 1, philox.DELAYS, i, k)

        ks, stages = range(self.microbatches), range(self.stages)
        return Draws(
            [draw(self.stages, philox.SAMPLING, 0, k) for k in ks],
            [[delay(i, k) for i in stages] for k in ks],
        )


# --- Orders of work

Begun = Counter
"""How many passes of a kind a stage has begun, by (kind, stage). A free worker has also ended them."""


class Order:
    """The order of work of one run."""

    def __init__(self, setting: Setting) -> None:
        self.run = setting

    def choices(self, worker: int, begun: Begun) -> Iterator[Action]:
        """The passes that the worker may take next, the most wanted one first."""
        raise NotImplementedError

    def waits(self, action: Action) -> Iterator[tuple[Output, int]]:
        """The outputs that an action needs beside its activation or gradient, each with the time from its end to its
        first use."""
        yield from ()


class OneByOne(Order):
    """Forwards and backwards, each in ascending order, with at most `caps[s]` microbatches in flight at stage s.

    A fixed order takes forwards until the cap is reached, then waits for the next backward. A greedy order takes the
    next backward if its gradient is there, else the next forward. The first `flushes` minibatches end with a flush:
    a stage takes the next minibatch's forwards after all backwards of the minibatch.
    """

    def __init__(
        self, setting: Setting, caps: list[float], greedy: bool = False, flushes: float = 0
    ) -> None:
        super().__init__(setting)
        self.caps, self.greedy, self.flushes = caps, greedy, flushes

    def choices(self, worker: int, begun: Begun) -> Iterator[Action]:
        run, f, b = self.run, begun["F", worker], begun["B", worker]
        flushed = run.first_of(min(f // run.accumulate, self.flushes))
        admitted = f < run.microbatches and f - b < self.caps[worker] and b >= flushed
        if b < run.microbatches and (self.greedy or not admitted):
            yield Action("B", worker, b)
        if admitted:
            yield Action("F", worker, f)


def serial(run: Setting) -> Order:
    return OneByOne(run, [1] * run.stages)


def all_forwards_first(run: Setting) -> Order:
    return OneByOne(run, [math.inf] * run.stages, flushes=math.inf)


def in_flight(run: Setting) -> list[float]:
    """S-s at stage s."""
    return [run.stages - s for s in range(run.stages)]


def flushed(run: Setting) -> Order:
    return OneByOne(run, in_flight(run), flushes=math.inf)


def one_forward_one_backward(default: str) -> Callable[[Setting], Order]:
    """1F1B without flush, in the form of --admission. `pipemare --synchronous` begins with minibatches that flush."""

    def order(run: Setting) -> Order:
        admission = run.options.get("admission", default)
        slack = float(run.options.get("slack", 0))
        caps = [cap + math.ceil(slack * (cap - 1)) for cap in in_flight(run)]
        if admission == "pipeline":
            caps[1:] = [math.inf] * (run.stages - 1)
        updates = run.microbatches // run.accumulate
        flushes = math.floor(float(run.options.get("synchronous", 0)) * updates + 0.5)
        return OneByOne(run, caps, admission != "fixed", flushes)

    return order


class Replicas(OneByOne):
    """LocalSGD: a replica begins a local step when it has ended the one before, so R microbatches are in flight. The
    pipeline begins a round when the round before has ended at stage 0 and is averaged."""

    def __init__(self, run: Setting) -> None:
        super().__init__(run, [run.replicas] * run.stages, greedy=True)
        self.round = run.replicas * int(run.options.get("local-steps", 1))

    def waits(self, action: Action) -> Iterator[tuple[Output, int]]:
        begun = action.microbatch // self.round * self.round
        if action.kind == "F" and begun > 0:
            yield Output("B", 0, begun - 1), self.run.cost.average


class ManyForwards(Order):
    """nF1B: backward first, and at most S-s minibatches in flight at stage s. The last stage begins the backward of a
    minibatch when all its forwards have ended. The backward is one action, or one for each microbatch."""

    def __init__(self, run: Setting) -> None:
        super().__init__(run)
        self.whole = run.options.get("backward", "chunk") == "mono"

    def choices(self, worker: int, begun: Begun) -> Iterator[Action]:
        run, f = self.run, begun["F", worker]
        b = begun["B", worker] * (run.accumulate if self.whole else 1)
        if b < run.microbatches:
            yield Action("B", worker, b, run.accumulate if self.whole else 1)
        if f < run.microbatches and run.minibatch(f) - run.minibatch(b) < run.stages - worker:
            yield Action("F", worker, f)

    def waits(self, action: Action) -> Iterator[tuple[Output, int]]:
        if action.kind == "B" and action.stage == self.run.stages - 1:
            next_minibatch = self.run.first_of(self.run.minibatch(action.microbatch) + 1)
            yield Output("F", action.stage, next_minibatch - 1), 0


class ZeroBubble2(Order):
    """ZB-2P: input gradients before forwards before weight gradients, with at most 2(S-s)-1 forwards ahead of input
    gradients and 2S-1 ahead of weight gradients."""

    def choices(self, worker: int, begun: Begun) -> Iterator[Action]:
        run = self.run
        f, i, w = (begun[kind, worker] for kind in "FIW")
        if i < f:
            yield Action("I", worker, i)
        ahead = f - i < 2 * (run.stages - worker) - 1 and f - w < 2 * run.stages - 1
        if f < run.microbatches and ahead and w >= run.first_of(run.minibatch(f)):
            yield Action("F", worker, f)
        if w < i:
            yield Action("W", worker, w)


class Listed(Order):
    """A list of actions for each worker, in the same order at any costs."""

    def __init__(self, run: Setting, lists: list[list[Action]]) -> None:
        super().__init__(run)
        self.lists = lists
        self.stages = [
            [s for s in range(run.stages) if run.worker_of(s) == q] for q in range(run.workers)
        ]

    def choices(self, worker: int, begun: Begun) -> Iterator[Action]:
        taken = sum(begun[kind, stage] for kind in "FBIW" for stage in self.stages[worker])
        if taken < len(self.lists[worker]):
            yield self.lists[worker][taken]


OneMinibatch = Callable[[Setting, int], Iterator[Action]]
"""The list of a worker for a minibatch that begins with microbatch 0."""


def each_minibatch(actions: OneMinibatch) -> Callable[[Setting], Order]:
    """The same list for every minibatch, so each stage flushes."""

    def order(run: Setting) -> Order:
        firsts = range(0, run.microbatches, run.accumulate)
        lists = [
            [
                Action(a.kind, a.stage, first + a.microbatch)
                for first in firsts
                for a in actions(run, q)
            ]
            for q in range(run.workers)
        ]
        return Listed(run, lists)

    return order


def zero_bubble_1(run: Setting, stage: int) -> Iterator[Action]:
    """ZB-1P: S-s-1 forwards, then F and I in turn with W(j-s) after I(j), and the other W at the end."""
    m = run.accumulate
    ahead = min(m, run.stages - stage - 1)
    yield from (Action("F", stage, j) for j in range(ahead))
    for j in range(m):
        if j + ahead < m:
            yield Action("F", stage, j + ahead)
        yield Action("I", stage, j)
        if j >= stage:
            yield Action("W", stage, j - stage)
    yield from (Action("W", stage, j) for j in range(max(0, m - stage), m))


def zero_bubble_v(run: Setting, worker: int) -> Iterator[Action]:
    """ZB-V, in the order that its authors published (Qi et al. 2024). Worker q of Q has a stage on the way down and one
    on the way up. The order is made for at least 2Q-1 microbatches; a smaller minibatch leaves out the missing ones."""
    m = run.accumulate
    down, up, workers = worker, run.stages - 1 - worker, run.workers
    count: Counter = Counter()
    padded = max(m, 2 * workers - 1)

    def take(kinds: str, stage: int) -> Iterator[Action]:
        for kind in kinds:
            if count[kind, stage] < m:
                yield Action(kind, stage, count[kind, stage])
            count[kind, stage] += 1

    for _ in range(2 * (workers - worker) - 1):
        yield from take("F", down)
    for _ in range(worker):
        yield from take("F", up)
        yield from take("F", down)
    for _ in range(workers - worker):
        yield from take("FIW", up)
    while count["F", up] < padded:
        if count["F", down] < padded:
            yield from take("F", down)
        yield from take("IW", down)
        yield from take("FIW", up)
    for _ in range(worker):
        yield from take("I", down)
        yield from take("I", up)
    for _ in range(workers - worker):
        yield from take("IW", down)
    for stage in (up, down):
        while count["W", stage] < count["I", stage]:
            yield from take("W", stage)


def interleaved(run: Setting, worker: int) -> Iterator[Action]:
    """Groups of Q microbatches go through the worker's V stages in turn. 2(Q-q-1) + (V-1)Q stage-forwards, then
    forward and backward in turn, then the other backwards. With one stage per worker it is `1f1b-flush`."""
    q, v = run.workers, run.stages_per_worker
    in_all = run.accumulate * v

    def turn(kind: str, k: int) -> Action:
        group, position = divmod(k, q * v)
        chunk, j = divmod(position, q)
        return Action(kind, worker + q * (chunk if kind == "F" else v - 1 - chunk), group * q + j)

    ahead = min(in_all, 2 * (q - worker - 1) + (v - 1) * q if v > 1 else q - worker - 1)
    yield from (turn("F", k) for k in range(ahead))
    for k in range(in_all):
        if k + ahead < in_all:
            yield turn("F", k + ahead)
        yield turn("B", k)


class OneSampledStage(Listed):
    """RPD: one microbatch at a time; its backward ends at the sampled stage, and the next one begins then."""

    def __init__(self, run: Setting) -> None:
        self.sampled = run.draws.stage

        def of(stage: int) -> Iterator[Action]:
            for k, sampled in enumerate(self.sampled):
                yield Action("F", stage, k)
                if stage >= sampled:
                    yield Action("B" if stage == sampled else "I", stage, k)

        super().__init__(run, [list(of(stage)) for stage in range(run.stages)])

    def waits(self, action: Action) -> Iterator[tuple[Output, int]]:
        before = action.microbatch - 1
        if action.kind == "F" and action.stage == 0 and before >= 0:
            yield Output("B", self.sampled[before], before), 0


# --- The event loop


def inputs(run: Setting, order: Order, action: Action) -> Iterator[tuple[Output, int]]:
    """The outputs that an action needs, each with the time from its end to its first use."""

    def sent_by(kind: str, stage: int) -> tuple[Output, int]:
        near = run.worker_of(stage) == run.worker_of(action.stage)
        return Output(kind, stage, action.microbatch), 0 if near else run.cost.hop

    if action.kind == "F" and action.stage > 0:
        yield sent_by("F", action.stage - 1)
    if action.kind in "BI":
        last = action.stage == run.stages - 1
        yield sent_by("F", action.stage) if last else sent_by("B", action.stage + 1)
    yield from order.waits(action)


def passes_of(run: Setting, order: Order) -> list[Pass]:
    """All passes, by begin and then stage: the global order. A result can be used from the time at which its action
    ends, and at another worker a hop later."""
    passes: list[Pass] = []
    ended: dict[Output, int] = {}
    begun: Begun = Counter()
    free = [0] * run.workers
    times, now = [0], -1
    while times:
        time = heapq.heappop(times)
        if time == now:
            continue
        now = time
        for worker in range(run.workers):
            if free[worker] > now:
                continue
            for action in order.choices(worker, begun):
                needs = inputs(run, order, action)
                if not all(ended.get(it, math.inf) + wait <= now for it, wait in needs):
                    continue
                end = now + run.cost.duration(action)
                passes.append(Pass(action, now, end))
                begun[action.kind, action.stage] += 1
                ended[action.output] = free[worker] = end
                for wait in {0, run.cost.hop, run.cost.average}:
                    heapq.heappush(times, end + wait)
                break
    for stage in range(run.stages):
        if begun["F", stage] < run.microbatches:
            raise ValueError(f"{run.method}: stage {stage} waits forever")
    return sorted(passes, key=lambda p: (p.begin, p.action.stage))


# --- Versions and delays


Key = tuple[int, int]
"""A stage and a microbatch."""


@dataclass
class Ledger:
    """Versions, updates and reads, recorded pass by pass in the global order."""

    run: Setting
    method: Method
    formed: dict[Key, int]
    """When the pass that formed a gradient ended: for the last gradient of a minibatch, the end of the update."""
    live: Counter = field(default_factory=Counter)
    """The version of a stage's weights, by (replica, stage)."""
    updates: Counter = field(default_factory=Counter)
    """Block updates of all stages, by replica."""
    forward: dict[Key, int] = field(default_factory=dict)
    backward: dict[Key, int] = field(default_factory=dict)
    """The versions that were read."""
    read_after: dict[Key, int] = field(default_factory=dict)
    """How many block updates had been made when a forward read."""
    forward_begin: dict[Key, int] = field(default_factory=dict)
    backward_begin: dict[Key, int] = field(default_factory=dict)

    @cached_property
    def commits(self) -> list[list[int]]:
        """When the updates of each stage ended."""
        run = self.run
        lasts = [j for j in range(run.microbatches) if run.ends_minibatch(j)]
        return [[self.formed[s, j] for j in lasts] for s in range(run.stages)]

    def begin_forward(self, at: Key, time: int) -> None:
        stage, j = at
        self.forward_begin[at] = time
        self.forward[at] = self.method.forward(self, stage, j)
        drawn = self.run.draws.delays[j][stage] if self.run.method == "rpd" else 0
        self.read_after[at] = self.updates[self.run.replica(j)] - drawn

    def begin_backward(self, at: Key, time: int) -> None:
        self.backward_begin[at] = time
        self.backward[at] = self.method.backward(self, *at)

    def update(self, stage: int, last: int) -> Iterator[Step]:
        """Applies the minibatch whose last microbatch is `last`, and gives its steps."""
        run, replica = self.run, self.run.replica(last)
        for j in range(last - (run.accumulate - 1) * run.replicas, last + 1, run.replicas):
            delays = [self.updates[replica] - self.read_after[i, j] for i in range(run.stages)]
            at = stage, j
            yield Step(
                pipeline=0,
                stage=stage,
                microbatch=j,
                minibatch=run.minibatch(j),
                replica=replica,
                version_forward=self.forward[at],
                version_backward=self.backward[at],
                version_applied=self.live[replica, stage],
                delay_own=delays[stage],
                delay_oldest=max(delays),
                forward_begin=self.forward_begin[at] / TICKS,
                backward_begin=self.backward_begin[at] / TICKS,
                end=self.formed[at] / TICKS,
            )
        self.live[replica, stage] += 1
        self.updates[replica] += 1


Version = Callable[[Ledger, int, int], int]
"""The version that a pass reads, by its stage and microbatch."""


def live(ledger: Ledger, stage: int, j: int) -> int:
    return ledger.live[ledger.run.replica(j), stage]


def tagged(ledger: Ledger, stage: int, j: int) -> int:
    """The version that stage 0 had at its forward."""
    return live(ledger, 0, j) if stage == 0 else ledger.forward[0, j]


def double_buffer(ledger: Ledger, stage: int, j: int) -> int:
    return max(0, j // ledger.run.accumulate - 1)


def drawn(ledger: Ledger, stage: int, j: int) -> int:
    """The version of that stage before the last `delay` block updates."""
    read = j - ledger.run.draws.delays[j][stage]
    return ledger.run.draws.stage[:read].count(stage)


def forwards(ledger: Ledger, stage: int, j: int) -> int:
    return ledger.forward[stage, j]


def live_or_forwards(ledger: Ledger, stage: int, j: int) -> int:
    asked = ledger.run.options.get("backward-weights", "live")
    return (live if asked == "live" else forwards)(ledger, stage, j)


def committed(ledger: Ledger, stage: int, j: int) -> int:
    """The newest version that every stage had when the minibatch's backward began at the last stage."""
    run = ledger.run
    began = ledger.backward_begin[run.stages - 1, run.first_of(run.minibatch(j))]
    return min(bisect_right(ends, began) for ends in ledger.commits)


def steps_of(run: Setting, method: Method, passes: list[Pass]) -> list[Step]:
    """A step for every microbatch whose gradient a stage applied."""
    every = [(p, p.action.kind, p.action.stage, j) for p in passes for j in p.action.microbatches]
    formed = {(stage, j): p.end for p, kind, stage, j in every if kind in "BW"}
    ledger = Ledger(run, method, formed)
    steps: list[Step] = []
    for p, kind, stage, j in every:
        if kind == "F":
            ledger.begin_forward((stage, j), p.begin)
        if kind in "BI":
            ledger.begin_backward((stage, j), p.begin)
        if kind in "BW" and run.ends_minibatch(j):
            steps += ledger.update(stage, j)
    return steps


# --- Methods


@dataclass(frozen=True)
class Method:
    """The order of work, the versions that passes read, and the default M (0: S)."""

    order: Callable[[Setting], Order]
    forward: Version = live
    backward: Version = live
    accumulate: int = 1


FIXED, PIPELINE = one_forward_one_backward("fixed"), one_forward_one_backward("pipeline")

METHODS = {
    "sgd": Method(serial),
    "gpipe": Method(all_forwards_first, accumulate=8),
    "1f1b-flush": Method(flushed, accumulate=8),
    "interleaved": Method(each_minibatch(interleaved), accumulate=8),
    "zb-1p": Method(each_minibatch(zero_bubble_1), accumulate=8),
    "zb-2p": Method(ZeroBubble2, accumulate=8),
    "zb-v": Method(each_minibatch(zero_bubble_v), accumulate=8),
    "pipedream": Method(PIPELINE, live, forwards),
    "pipedream-vsync": Method(FIXED, tagged, forwards),
    "pipedream-2bw": Method(FIXED, double_buffer, double_buffer, accumulate=0),
    "async": Method(FIXED),
    "paci": Method(FIXED, live, live_or_forwards, accumulate=8),
    "rpd": Method(OneSampledStage, drawn, forwards),
    "local-sgd": Method(Replicas, live, forwards),
    "timeprest": Method(ManyForwards, tagged, committed, accumulate=3),
    "v-timeprest": Method(ManyForwards, accumulate=3),
    "i-timeprest": Method(ManyForwards, accumulate=3),
    "nf1b-stash": Method(ManyForwards, live, forwards, accumulate=3),
    "pipemare": Method(FIXED),
    "spectrain": Method(FIXED),
    "nesterov": Method(FIXED, live, forwards),
    "pipeoptim": Method(FIXED),
    "dc-asgd": Method(PIPELINE, live, forwards),
    "delay-adaptive": Method(PIPELINE, live, forwards),
}


@dataclass(frozen=True)
class Plan:
    """`passes` in the global order, by begin and then stage; `steps` in the order of the updates."""

    passes: list[Pass]
    steps: list[Step]

    @property
    def makespan(self) -> float:
        return max(p.end for p in self.passes) / TICKS


def plan(
    method: str,
    stages: int,
    microbatches: int,
    accumulate: int | None = None,
    cost: str = "slot",
    seed: int = 0,
    **options: object,
) -> Plan:
    """Plans a run of one pipeline. Options have the names of the command line."""
    rules = METHODS[method]
    given = {name.replace("_", "-"): str(value) for name, value in options.items()}
    each = accumulate or rules.accumulate or stages
    run = Setting(method, stages, microbatches, each, Cost(cost, stages, seed), seed, given)
    passes = passes_of(run, rules.order(run))
    return Plan(passes, steps_of(run, rules, passes))
