"""--shuffle: every row once an epoch, in another order every epoch; --augment: other images every epoch; both the same
on every layout of the ranks."""

import numpy as np
import pytest

from program import quartic
from runs import read_tables, same_bits, same_run

DATA = ("--objective", "mlp", "--rows", 32, "--features", 25, "--classes", 4, "--hidden", "9,8,7", "--quiet")

METHODS = {
    "sgd": ("--method", "sgd"),
    "gpipe": ("--method", "gpipe", "--accumulate", 4),
    "pipedream": ("--method", "pipedream"),
    "v-timeprest": ("--method", "v-timeprest", "--backward", "mono"),
    "rpd": ("--method", "rpd"),
    "local-sgd": ("--method", "local-sgd", "--local-steps", 2),
    "pipedream P=2": ("--method", "pipedream", "--pipelines", 2, "--synchronize-every", 3),
    "rpd P=2": ("--method", "rpd", "--pipelines", 2),
    "pipedream, images changed": ("--method", "pipedream", "--augment", "flip-crop"),
    "gpipe, images changed": ("--method", "gpipe", "--accumulate", 4, "--augment", "flip"),
}


def train(out, *options, **how):
    quartic("run", *DATA, *options, "--out", out, **how)
    return out


def losses(folder):
    rows = read_tables(folder)["loss"]
    return np.sort(rows, order="microbatch")["loss"]


def epochs_of_rows(folder, *options):
    """The loss of every row in three epochs, at weights that a step so small leaves as they are."""
    train(folder, "--method", "sgd", "--microbatch-size", 1, "--epochs", 3, "--learning-rate", 1e-30, *options)
    return losses(folder).reshape(3, 32)


def test_every_row_once_an_epoch(tmp_path):
    in_order = epochs_of_rows(tmp_path / "in order")
    shuffled = epochs_of_rows(tmp_path / "shuffled", "--shuffle")
    assert len(np.unique(in_order[0])) == 32 and np.all(in_order == in_order[0])
    assert np.array_equal(np.sort(shuffled), np.sort(in_order))
    orders = [in_order[0], *shuffled]
    assert len({order.tobytes() for order in orders}) == 4


def test_images_change_every_epoch(tmp_path):
    in_order = epochs_of_rows(tmp_path / "in order")
    for augment in ("flip", "crop", "flip-crop"):
        changed = epochs_of_rows(tmp_path / augment, "--augment", augment)
        seen = [len({*changed[:, row], in_order[0, row]}) for row in range(32)]
        assert max(seen) > 1 and (augment == "flip") == (max(seen) == 2)


def test_the_seed_names_the_order(tmp_path):
    first, other = (epochs_of_rows(tmp_path / f"{seed}", "--shuffle", "--seed", seed) for seed in (1, 2))
    def ranks(epochs): return np.argsort(np.argsort(epochs))
    assert not np.array_equal(ranks(first), ranks(other))


@pytest.mark.parametrize("method, ranks", [(method, (4, 3, 2)[i % 3]) for i, method in enumerate(METHODS)])
def test_hosting_changes_nothing(method, ranks, tmp_path):
    options = (*METHODS[method], "--stages", 4, "--microbatch-size", 4, "--microbatches", 48, "--shuffle", "--seed", 3,
               "--evaluate-every", 7, "--trace-displacement", 3, "--trace-stale-read", 2)
    train(tmp_path / "alone", *options)
    same_run(train(tmp_path / "spread", *options, ranks=ranks), tmp_path / "alone")


def test_flush_methods_equal_sgd(tmp_path):
    """Backwards of one epoch come after forwards of the next: with 8 microbatches of data and 3 an update."""
    options = ("--stages", 3, "--microbatch-size", 4, "--microbatches", 48, "--accumulate", 3, "--shuffle")
    serial = read_tables(train(tmp_path / "sgd", "--method", "sgd", *options))["loss"]
    for method in ("gpipe", "1f1b-flush", "zb-2p"):
        other = read_tables(train(tmp_path / method, "--method", method, *options))["loss"]
        same_bits(np.sort(serial, order="microbatch"), np.sort(other, order="microbatch"), ("microbatch", "loss"))


def test_evaluation_is_that_of_the_data_as_it_is(tmp_path):
    options = ("--method", "sgd", "--stages", 2, "--microbatch-size", 4, "--epochs", 1, "--learning-rate", 1e-30)
    plain, shuffled = (read_tables(train(tmp_path / name, *options, *more))["objective"]
                       for name, more in (("plain", ()), ("shuffled", ("--shuffle", "--augment", "flip-crop"))))
    same_bits(plain, shuffled, ("value", "accuracy"))
