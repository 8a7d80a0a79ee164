"""Equalities between methods, bitwise, on the executable itself: however the workers are hosted, a run
leaves the same losses, objective and steps, and keeps the memory that was planned; flush methods and one stage
equal serial SGD.

tests/fault/long_cases.sh takes the whole product of methods, objectives and numbers of ranks.
"""

import numpy as np
import pytest

from program import LONG, quartic
from runs import kept_what_was_planned, read_tables, same_bits, same_run

STAGES = 4

METHODS = {
    "sgd": ("--method", "sgd"),
    "sgd M=4": ("--method", "sgd", "--accumulate", 4),
    "gpipe": ("--method", "gpipe", "--accumulate", 4),
    "1f1b-flush": ("--method", "1f1b-flush", "--accumulate", 4),
    **{f"{method} {admission}": ("--method", method, "--admission", admission)
       for method in ("pipedream", "async") for admission in ("pipeline", "stage", "fixed")},
    "pipedream, messages that take time": ("--method", "pipedream", "--cost", "f=1,bi=1,bw=1,bandwidth=500"),
    "pipedream-vsync": ("--method", "pipedream-vsync"),
    "pipedream-2bw": ("--method", "pipedream-2bw"),
    "paci": ("--method", "paci", "--accumulate", 3),
    "paci, the forward's weights": ("--method", "paci", "--accumulate", 2, "--backward-weights", "forward", "--slack", 0.5),
    "zb-1p": ("--method", "zb-1p", "--accumulate", 4),
    "zb-2p": ("--method", "zb-2p", "--accumulate", 8),
    "zb-v": ("--method", "zb-v", "--accumulate", 4),
    "interleaved": ("--method", "interleaved", "--stages-per-worker", 2, "--accumulate", 4),
    "rpd": ("--method", "rpd"),
    "rpd, fixed delays": ("--method", "rpd", "--delays", "fixed:5"),
    "local-sgd": ("--method", "local-sgd", "--local-steps", 2),
    "local-sgd R=3": ("--method", "local-sgd", "--replicas", 3, "--local-steps", 3),
    **{f"{method} {backward}": ("--method", method, "--backward", backward)
       for method in ("timeprest", "v-timeprest", "i-timeprest", "nf1b-stash") for backward in ("chunk", "mono")},
    "pipemare": ("--method", "pipemare", "--synchronous", 0.25),
    "spectrain": ("--method", "spectrain", "--optimizer", "momentum"),
    "nesterov": ("--method", "nesterov", "--optimizer", "nadam"),
    "pipeoptim": ("--method", "pipeoptim", "--optimizer", "adamw", "--accumulate", 2),
    "dc-asgd": ("--method", "dc-asgd", "--accumulate", 2, "--compensation", 0.5),
    "delay-adaptive": ("--method", "delay-adaptive"),
    "pipedream P=2": ("--method", "pipedream", "--pipelines", 2, "--synchronize-every", 3),
    "local-sgd P=3, outer step": ("--method", "local-sgd", "--pipelines", 3, "--outer-rate", 0.7, "--outer-momentum", 0.9),
    "pipemare P=2": ("--method", "pipemare", "--pipelines", 2),
    "pipedream P=2, evaluated often": ("--method", "pipedream", "--pipelines", 2, "--evaluate-every", 0.25),
    "v-timeprest P=2, evaluated often": ("--method", "v-timeprest", "--backward", "mono", "--accumulate", 8, "--cost", "real",
                                         "--pipelines", 2, "--synchronize-every", 1000, "--evaluate-every", 0.5),
}
# Two stages a worker: only two workers to host.
FOLDED = ("zb-v", "interleaved")
OBJECTIVES = {
    "quadratic": ("--objective", "quadratic", "--rows", 60, "--features", 26, "--microbatch-size", 6),
    "logistic": ("--objective", "logistic", "--rows", 60, "--features", 13, "--microbatch-size", 5, "--l2", 0.01,
                 "--gradient-noise", 0.1),
    "mlp float": ("--objective", "mlp", "--rows", 64, "--features", 25, "--hidden", "16,11,8", "--microbatch-size", 4,
                  "--optimizer", "momentum", "--activation", "tanh"),
    "mlp double": ("--objective", "mlp", "--rows", 64, "--features", 25, "--hidden", "9,8,7", "--microbatch-size", 8,
                   "--precision", "double", "--activation", "gelu", "--weight-decay", 0.01),
    "gpt": ("--objective", "gpt", "--rows", 64, "--sequence", 6, "--width", 12, "--heads", 3, "--layers", 6, "--vocabulary", 11,
            "--microbatch-size", 4, "--optimizer", "adamw", "--clip", 1, "--weight-decay", 0.1, "--shuffle", "--validation", 0.25),
    "conv": ("--objective", "conv", "--model", "vgg16-bn", "--width-factor", 0.04, "--depth", 1, "--rows", 16,
             "--features", 64, "--microbatch-size", 2, "--learning-rate", 0.05, "--weight-decay", 0.01),
}
RUN = ("--microbatches", 48, "--seed", 3, "--quiet")


def options_of(method, objective):
    """The method's optimizer wins over the objective's."""
    own = METHODS[method]
    others = OBJECTIVES[objective]
    if "--optimizer" in own and "--optimizer" in others:
        at = others.index("--optimizer")
        others = others[:at] + others[at + 2:]
    return own + others


def cases():
    """(method, objective, ranks): all of them, or each method with one or two of the objectives on one number of
    ranks."""
    for m, method in enumerate(METHODS):
        numbers = (2,) if method in FOLDED else (STAGES, 3, 2, 3)
        for o, objective in enumerate(OBJECTIVES):
            if LONG:
                yield from ((method, objective, ranks) for ranks in sorted({1, *numbers}))
            elif (m + o) % (3 if m < 20 else 4) == 0:
                yield method, objective, numbers[(m // 2 + o) % len(numbers)]


def train(out, *options):
    quartic("run", *RUN, *options, "--out", out, timeout=120)
    kept_what_was_planned(out)
    return out


@pytest.fixture(scope="module")
def in_one_process(tmp_path_factory):
    """The folder of the run in one process without MPI, made once for each pair of method and objective."""
    made = {}

    def folder(options):
        if options not in made:
            made[options] = train(tmp_path_factory.mktemp("alone") / "run", *options)
        return made[options]

    return folder


def hosted_options(method, objective):
    every = () if "--evaluate-every" in METHODS[method] else ("--evaluate-every", 7)
    return (*options_of(method, objective), "--stages", STAGES, *every, "--trace-displacement", 3, "--trace-stale-read", 2)


@pytest.mark.parametrize("method, objective, ranks", list(cases()))
def test_hosting_changes_nothing(method, objective, ranks, in_one_process, tmp_path):
    options = hosted_options(method, objective)
    other = tmp_path / "run"
    quartic("run", *RUN, *options, "--out", other, ranks=ranks)
    same_run(in_one_process(options), other)
    kept_what_was_planned(other)


@pytest.mark.parametrize("method", ["pipedream P=2, evaluated often", "v-timeprest P=2, evaluated often"])
def test_evaluation_waits_for_no_rank_that_waits_for_it(method, in_one_process, tmp_path):
    """Three ranks: one has the end of pipeline 0 and the beginning of pipeline 1, and more cuts than may be open."""
    options = hosted_options(method, "mlp float")
    quartic("run", *RUN, *options, "--out", tmp_path / "run", ranks=3)
    same_run(in_one_process(options), tmp_path / "run")


def test_a_rank_on_its_own_under_mpirun(in_one_process, tmp_path):
    options = hosted_options("pipedream pipeline", "quadratic")
    quartic("run", *RUN, *options, "--out", tmp_path / "run", ranks=1)
    same_run(in_one_process(options), tmp_path / "run")


def training_of(folder):
    """What a run computed at equal numbers of updates: losses by microbatch, the objective by block updates,
    the gradients of every stage."""
    tables = read_tables(folder)
    tables["loss"].sort(order="microbatch")
    assert np.all(np.isfinite(tables["loss"]["loss"])) and len(tables["loss"]) == 48
    return tables


def same_training(one, other):
    left, right = training_of(one), training_of(other)
    assert left.keys() == right.keys()
    same_bits(left["loss"], right["loss"], ("microbatch", "loss"))
    same_bits(left["objective"], right["objective"], ("block_updates", "value", "accuracy", "gradient_sq"))
    for name in left.keys() - {"loss", "objective", "validation"}:
        same_bits(left[name], right[name], ("microbatch", "minibatch", "version_applied", "gradient_sq", "learning_rate"))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("stages", [1, 2, 3, 4])
@pytest.mark.parametrize("accumulate", [1, 4] if not LONG else [1, 2, 3, 4, 8, 16])
def test_flush_methods_equal_sgd(accumulate, stages, objective, tmp_path):
    options = (*OBJECTIVES[objective], "--stages", stages, "--accumulate", accumulate, "--evaluate-updates", stages)
    serial = train(tmp_path / "sgd", "--method", "sgd", *options)
    others = ["gpipe", "1f1b-flush", "zb-1p", "zb-2p"] + ["zb-v"] * (stages % 2 == 0)
    for method in others:
        same_training(serial, train(tmp_path / method, "--method", method, *options))
    for per_worker in range(1, stages + 1):
        if stages % per_worker == 0 and (per_worker == 1 or accumulate % (stages // per_worker) == 0):
            other = train(tmp_path / f"{per_worker} a worker", "--method", "interleaved",
                          "--stages-per-worker", per_worker, *options)
            same_training(serial, other)


def test_eight_stages_of_a_gpt_equal_sgd(tmp_path):
    """With activations kept, and with their forwards run again, which between updates finds the same."""
    options = (*OBJECTIVES["gpt"], "--stages", 8, "--accumulate", 4)
    serial = train(tmp_path / "sgd", "--method", "sgd", *options)
    for method in ("gpipe", "1f1b-flush", "zb-1p"):
        for recompute in ((), ("--recompute",)):
            other = train(tmp_path / f"{method} {len(recompute)}", "--method", method, *options, *recompute)
            same_training(serial, other)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_stage_equals_sgd(objective, tmp_path):
    options = (*OBJECTIVES[objective], "--stages", 1, "--evaluate-updates", 1)
    serial = train(tmp_path / "sgd", "--method", "sgd", *options)
    for method in ("pipedream-vsync", "zb-1p", "paci"):
        same_training(serial, train(tmp_path / method, "--method", method, "--accumulate", 1, *options))
    for method in ("pipedream", "async"):
        for admission in ("pipeline", "stage", "fixed"):
            other = train(tmp_path / f"{method} {admission}", "--method", method, "--admission", admission, *options)
            same_training(serial, other)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_stage_equals_sgd_with_the_same_updates(objective, tmp_path):
    """The TiMePReSt family, LocalSGD with one replica, and the methods that bend weights with their own optimizer."""
    options = ("--stages", 1, "--evaluate-updates", 1)
    own = OBJECTIVES[objective]
    bare = own[:own.index("--optimizer")] + own[own.index("--optimizer") + 2:] if "--optimizer" in own else own
    serial = train(tmp_path / "sgd", "--method", "sgd", *own, *options, "--accumulate", 3)
    for method in ("timeprest", "v-timeprest", "i-timeprest", "nf1b-stash"):
        for backward in ("chunk", "mono"):
            other = train(tmp_path / f"{method} {backward}", "--method", method, "--backward", backward, *own, *options)
            same_training(serial, other)
    one = train(tmp_path / "sgd 1", "--method", "sgd", *own, *options)
    same_training(one, train(tmp_path / "local", "--method", "local-sgd", "--replicas", 1, "--local-steps", 5, *own, *options))
    for method, optimizer in (("spectrain", ("momentum",)), ("nesterov", ("nadam", "--beta1", 0.99))):
        alone = train(tmp_path / f"{method} serial", "--method", "sgd", "--optimizer", *optimizer, *bare, *options)
        same_training(alone, train(tmp_path / method, "--method", method, *bare, *options))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("backward", ["chunk", "mono"])
def test_the_ends_of_lambda(backward, objective, tmp_path):
    """λ = 0 keeps the forward's weights, λ = inf takes the live ones, bitwise."""
    options = ("--stages", STAGES, "--backward", backward, *OBJECTIVES[objective], "--evaluate-updates", STAGES)
    blend = {value: train(tmp_path / f"lambda {value}", "--method", "i-timeprest", "--lambda", value, *options)
             for value in (0, "inf", 1)}
    stash = train(tmp_path / "stash", "--method", "nf1b-stash", *options)
    live = train(tmp_path / "live", "--method", "v-timeprest", *options)
    same_training(blend[0], stash)
    same_training(blend["inf"], live)
    if objective != "quadratic":  # whose gradient the backward's weights do not enter
        losses = {training_of(folder)["loss"]["loss"].tobytes() for folder in (blend[0], blend["inf"], blend[1])}
        assert len(losses) == 3


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_drained_after_each_window_an_asynchronous_order_is_the_flush(objective, tmp_path):
    """PACI's answers with a flush after each window, which are PipeMare's while it is synchronous, and no rate rule."""
    options = (*OBJECTIVES[objective], "--stages", STAGES, "--accumulate", 6, "--evaluate-updates", STAGES)
    flush = train(tmp_path / "flush", "--method", "1f1b-flush", *options)
    same_training(flush, train(tmp_path / "drained", "--method", "pipemare", "--synchronous", 1, "--annealing", 0, *options))


def test_pipelines_that_synchronize_every_update_stay_equal(tmp_path):
    """The same microbatches in every pipeline (as many as there are in the data) leave the mean what each one is."""
    data = ("--rows", 8, "--features", 26, "--microbatch-size", 8, "--stages", STAGES, "--evaluate-updates", STAGES)
    one = train(tmp_path / "one", "--method", "pipedream", *data)
    two = train(tmp_path / "two", "--method", "pipedream", "--pipelines", 2, *data)
    left, right = read_tables(one), read_tables(two)
    assert left["objective"]["value"].tobytes() == right["objective"]["value"].tobytes()
    assert np.array_equal(left["objective"]["block_updates"], right["objective"]["block_updates"])
    losses = right["loss"]
    for pipeline in (0, 1):
        same_bits(left["loss"], losses[losses["pipeline"] == pipeline], ("microbatch", "loss", "plan_time"))


def test_local_sgd_over_pipelines_is_local_sgd_with_as_many_replicas(tmp_path):
    """Averages over pipelines that come with the end of each round: then a round of P pipelines of R replicas is one of
    P*R replicas. With one microbatch of data nobody can tell them apart, so every loss and the mean model are equal."""
    data = ("--method", "local-sgd", "--rows", 8, "--features", 26, "--microbatch-size", 8, "--stages", STAGES, "--local-steps", 4)
    one = train(tmp_path / "one", *data, "--replicas", 4)
    two = train(tmp_path / "two", *data, "--replicas", 4, "--pipelines", 2, "--synchronize-every", 4)
    left, right = read_tables(one), read_tables(two)
    for pipeline in (0, 1):
        losses = right["loss"][right["loss"]["pipeline"] == pipeline]
        np.testing.assert_allclose(losses["loss"], left["loss"]["loss"], rtol=1e-12)
    np.testing.assert_allclose(right["objective"]["value"], left["objective"]["value"], rtol=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_paci_with_one_window_is_one_synchronous_step(objective, tmp_path):
    """All microbatches in one window: every pass reads the start weights, and there is one update."""
    options = (*OBJECTIVES[objective], "--stages", STAGES, "--accumulate", 48)
    same_training(train(tmp_path / "sgd", "--method", "sgd", *options), train(tmp_path / "paci", "--method", "paci", *options))


def test_without_penalty_a_linear_backward_reads_no_weights(tmp_path):
    """So that async, in PipeDream's order, computes PipeDream's numbers; with the penalty it does not."""
    data = ("--objective", "logistic", "--rows", 60, "--features", 13, "--microbatch-size", 5)
    for l2, equal in ((0, True), (0.01, False)):
        options = (*data, "--stages", STAGES, "--admission", "fixed", "--evaluate-updates", 4, "--l2", l2)
        folders = [train(tmp_path / f"{method} {l2}", "--method", method, *options) for method in ("pipedream", "async")]
        left, right = (training_of(folder)["loss"]["loss"].tobytes() for folder in folders)
        assert (left == right) == equal, f"l2 = {l2}"
        if equal:
            same_training(*folders)


def test_arrival_equals_the_plan_where_timing_decides_nothing(tmp_path):
    options = (*OBJECTIVES["quadratic"], "--stages", 1)
    planned = training_of(train(tmp_path / "plan", *options))
    arrived = training_of(train(tmp_path / "arrival", *options, "--order", "arrival"))
    same_bits(planned["loss"], arrived["loss"], ("microbatch", "loss"))
