"""Runs that are killed with kill -9 and go on until they are done; tests/fault/resume.sh does it a hundred times."""

import random
import shutil

import pytest

from program import LONG, quartic
from resuming import References, Story, is_free, kill, strike_until_done
from runs import LiveRun, attributes, lines_of_quartic, read_steps, read_tables, same_bits, same_run, until
from studies import is_alive
from test_resume import interrupted


@pytest.mark.parametrize("method, objective, seed", [("i-timeprest mono", "mlp float", 2),
                                                     *([("local-sgd P=3, outer step", "quadratic", 5)] if LONG else [])])
def test_killed_until_it_is_done(method, objective, seed, tmp_path):
    story = Story(method, objective)
    strike_until_done(tmp_path / "run", story, References(tmp_path / "whole").of(method, objective), random.Random(seed))
    print(story)


def test_killed_before_it_had_a_trace(tmp_path):
    """It has left its lock, by which its folder is known; both ways lead on."""
    options = ("--microbatches", 16, "--stages", 2, "--quiet")
    quartic("run", *options, "--out", tmp_path / "whole")
    for words in (("--resume",), (*options, "--out")):
        out = tmp_path / words[-1]
        (out / "ranks").mkdir(parents=True)
        shutil.copy(tmp_path / "whole" / "config.ini", out)
        (out / "lock").write_text("process 1 on a machine that is gone")
        quartic("run", *words, out)
        same_run(tmp_path / "whole", out)


STOPPED = ("--objective", "mlp", "--hidden", "16,11,8", "--rows", 64, "--microbatch-size", 4, "--stages", 4, "--microbatches", 4000,
           "--method", "pipedream", "--evaluate-every", 100, "--learning-rate", 0.01)


@pytest.fixture
def killed(tmp_path):
    """A run on two ranks that was killed after a checkpoint, with the shards that it has left."""
    with LiveRun(tmp_path / "run", *STOPPED, "--checkpoint-every", 2000, ranks=2) as run:
        until(lambda: list((tmp_path / "run" / "checkpoint").glob("*[0-9]/manifest")), "a checkpoint", seconds=60)
        victims = run.rank_processes()
        kill([run.process.pid, *victims])
        run.wait(30)
    until(lambda: not any(map(is_alive, victims)) and is_free(tmp_path / "run"), "all ranks have ended")
    return tmp_path / "run"


@pytest.mark.parametrize("damage", ["cut", "emptied", "gone"])
def test_a_damaged_shard_leaves_a_gap_and_its_run_is_resumed(damage, killed, tmp_path):
    """The rows of the other shard, and all that come after the checkpoint, are those of the uninterrupted run."""
    shard = killed / "ranks" / "0001.h5"
    content = shard.read_bytes()
    shard.write_bytes(content[:len(content) // 2] if damage == "cut" else b"")
    if damage == "gone":
        shard.unlink()
    done = quartic("run", "--resume", killed, "--quiet", timeout=120)
    (line,) = lines_of_quartic(done)
    assert "is damaged: /stage/" in line and "continues from its checkpoint" in line and "ranks.damaged contains the rest" in line
    gap = attributes(killed)["gap"]
    assert attributes(killed)["complete"] == 1 and gap in line and "rows are lost" in gap and "/stage/0000" not in gap
    quartic("run", *STOPPED, "--quiet", "--out", tmp_path / "whole", timeout=120)
    whole, found = read_steps(tmp_path / "whole"), read_steps(killed)
    for stage in whole:
        kept = found[stage]["microbatch"] >= 0
        assert len(found[stage]) == len(whole[stage]) and kept.all() == (f"/stage/{stage:04}/steps" not in gap)
        same_bits(whole[stage][kept], found[stage][kept])
    assert not kept.all() and kept[-100:].all()
    assert read_tables(killed)["objective"]["value"][-1] == read_tables(tmp_path / "whole")["objective"]["value"][-1]


def test_a_gap_stays_one_over_a_second_resume(killed, tmp_path):
    (killed / "ranks" / "0001.h5").unlink()
    quartic("run", "--resume", killed, "--checkpoint-every", 7000, "--quiet", timeout=120)
    first, gap = read_steps(killed), attributes(killed)["gap"]
    quartic("run", "--resume", interrupted(killed), "--quiet", timeout=120)
    assert attributes(killed)["gap"] == gap
    for stage, rows in read_steps(killed).items():
        same_bits(first[stage], rows)
