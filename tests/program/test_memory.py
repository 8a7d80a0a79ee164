"""What a run keeps at most was planned before it started (test_hosting.py: for every method); here, what the plan does not decide."""

from program import quartic
from runs import PLANNED_MEMORY, kept_what_was_planned, memory

RUN = ("run", "--objective", "mlp", "--rows", 64, "--features", 25, "--hidden", "16,11,8", "--microbatch-size", 4, "--microbatches", 48, "--quiet")


def test_what_tracing_and_evaluation_take_is_counted_apart(tmp_path):
    quartic(*RUN, "--out", tmp_path / "plain")
    quartic(*RUN, "--trace-displacement", 1, "--trace-stale-read", 1, "--evaluate-every", 1, "--out", tmp_path / "traced")
    plain, traced = memory(tmp_path / "plain"), memory(tmp_path / "traced")
    assert all(plain[column] == traced[column] for column in PLANNED_MEMORY)
    assert traced["others_bytes"] > plain["others_bytes"] > 0


def test_recomputing_keeps_less_for_each_microbatch_and_more_for_one_backward(tmp_path):
    quartic(*RUN, "--out", tmp_path / "saved")
    quartic(*RUN, "--recompute", "--out", tmp_path / "again")
    kept_what_was_planned(tmp_path / "again")
    saved, again = memory(tmp_path / "saved"), memory(tmp_path / "again")
    assert again["activations_bytes"] < saved["activations_bytes"]
    assert again["buffers_bytes"] > saved["buffers_bytes"]
