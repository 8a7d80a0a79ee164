"""Which BLAS kernels a run computes with: on processors that the library does not know, with kernels that are wrong, with the
user's own choice, and on ranks or starts that differ."""

import os
import re
import subprocess
from pathlib import Path

import h5py
import pytest

from program import EXECUTABLE, MPIRUN, preload, quartic
from runs import FAILED, REFUSED, attributes, lines_of_quartic, refused

RUN = ("run", "--microbatches", 16, "--stages", 2, "--features", 12, "--rows", 32, "--microbatch-size", 4, "--quiet")
FLAGS = set(next(line for line in open("/proc/cpuinfo") if line.startswith(("flags", "Features"))).split())
# Best first: the kernels that this processor can run, by its flags.
NEEDS = {"Cooperlake": {"avx512_bf16"}, "SkylakeX": {"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd"},
         "Haswell": {"avx2", "fma"}, "Zen": {"avx2", "fma"}, "Sandybridge": {"avx"}, "Nehalem": {"sse4_2"}}
CANDIDATES = [name for name, needs in NEEDS.items() if needs <= FLAGS]

pytestmark = pytest.mark.skipif("avx" not in FLAGS, reason="kernels are chosen on x86-64 processors with AVX")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return preload(tmp_path_factory.mktemp("blas"), "faulty_blas")


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.chdir(tmp_path)


def faults(library, **variables):
    """The environment of a program with these faults, which notes its starts in the file `starts`."""
    return {"LD_PRELOAD": library, "QUARTIC_FAKE_STARTS": "starts",
            **{f"QUARTIC_FAKE_{name.upper()}": value for name, value in variables.items()}}


def starts():
    """The kernels asked for, in order; - for none."""
    return Path("starts").read_text().split()


def info(env=None):
    """(kernel, how it was chosen) by `quartic info`."""
    return re.search(r"kernels for (\S+), (.*)", quartic("info", env=env or {}).stdout).groups()


def ranks_of(folder):
    with h5py.File(Path(folder) / "trace.h5", "r") as trace:
        return [{name: row[name].decode() if isinstance(row[name], bytes) else int(row[name]) for name in row.dtype.names}
                for row in trace["ranks"][()]]


def test_a_processor_that_the_library_does_not_know_gets_fast_kernels(faulty):
    env = faults(faulty, core="Prescott")
    assert info(env) == (CANDIDATES[0], "in place of Prescott (slow)")
    assert starts() == ["-", CANDIDATES[0]]
    done = quartic(*RUN, "--out", "run", env=env)
    assert done.stderr == ""
    assert (attributes("run")["blas_core"], attributes("run")["blas_choice"]) == (CANDIDATES[0], "in place of Prescott (slow)")
    assert f"kernels for {CANDIDATES[0]}, in place of Prescott (slow)" in Path("run/log").read_text()


def test_arguments_survive_the_restart(faulty):
    out = "a folder with blanks"
    quartic(*RUN, "--out", out, env=faults(faulty, core="Prescott"))
    assert attributes(out)["complete"] == 1


def test_every_rank_of_a_processor_that_the_library_does_not_know_gets_fast_kernels(faulty):
    quartic(*RUN, "--out", "run", env=faults(faulty, core="Prescott"), ranks=2)
    assert [(row["rank"], row["blas_core"]) for row in ranks_of("run")] == [(0, CANDIDATES[0]), (1, CANDIDATES[0])]


@pytest.mark.parametrize("fault, reason, words", [("wrong", "wrong", "compute wrong products"),
                                                  ("moves", "address-dependent", "depend on memory addresses")])
def test_a_faulty_kernel_is_replaced_with_one_line(faulty, fault, reason, words):
    usual, _ = info()
    env = faults(faulty, **{fault: usual})
    done = quartic(*RUN, "--out", "run", env=env)
    (line,) = done.stderr.splitlines()
    assert line.startswith("quartic: OpenBLAS") and words in line and f"kernels for {usual}" in line
    instead = attributes("run")["blas_core"]
    assert instead != usual and attributes("run")["blas_choice"] == f"in place of {usual} ({reason})"
    assert starts() == ["-", instead]
    assert line in Path("run/log").read_text().replace("rank 0 info: ", "quartic: ")


@pytest.mark.parametrize("fault, words", [("wrong", "compute wrong products"), ("moves", "depend on memory addresses")])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_library_without_a_right_kernel_is_named_and_the_run_fails(faulty, fault, words, ranks):
    env = faults(faulty, **{fault: "*"})
    done = quartic(*RUN, "--out", "run", env=env, ranks=ranks, exit_code=FAILED)
    (line,) = lines_of_quartic(done)
    assert f"({faulty})" in line and words in line  # dgemm is in the preloaded one
    assert not Path("run").exists()
    for asked in set(starts()):
        assert starts().count(asked) == max(1, ranks)
    assert set(CANDIDATES) <= {*starts(), info()[0]}


def test_the_users_slow_kernel_is_kept_with_one_line():
    done = quartic(*RUN, "--out", "run", env={"OPENBLAS_CORETYPE": "Nehalem"})
    (line,) = done.stderr.splitlines()
    assert line.startswith("quartic: OPENBLAS_CORETYPE=Nehalem: ") and "slow" in line and CANDIDATES[0] in line
    assert (attributes("run")["blas_core"], attributes("run")["blas_choice"]) == ("Nehalem", "set by OPENBLAS_CORETYPE")


def test_the_users_wrong_kernel_fails(faulty):
    env = {**faults(faulty, wrong="*"), "OPENBLAS_CORETYPE": CANDIDATES[0]}
    done = quartic(*RUN, "--out", "run", env=env, exit_code=FAILED)
    (line,) = lines_of_quartic(done)
    assert f"OPENBLAS_CORETYPE={CANDIDATES[0]}" in line and "compute wrong products" in line
    assert starts() == [CANDIDATES[0]]


def test_the_users_kernel_that_depends_on_addresses_is_kept_with_one_line(faulty):
    env = {**faults(faulty, moves="*"), "OPENBLAS_CORETYPE": CANDIDATES[0]}
    (line,) = quartic(*RUN, "--out", "run", env=env).stderr.splitlines()
    assert "not bitwise reproducible" in line
    assert attributes("run")["blas_core"] == CANDIDATES[0]


@pytest.mark.skipif("fma4" in FLAGS, reason="this processor has the instructions of Bulldozer")
@pytest.mark.parametrize("ranks", [0, 2])
def test_the_users_kernel_for_another_processor_is_refused(ranks):
    """It would end the run with SIGILL, out of which the check jumps: what it had in hand is lost, which a leak checker tells."""
    env = {"OPENBLAS_CORETYPE": "Bulldozer", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    refused(*RUN, "--out", "run", env=env, ranks=ranks, code=REFUSED,
            says=("OPENBLAS_CORETYPE=Bulldozer", "lacks", CANDIDATES[0]))


def test_a_kernel_that_the_library_does_not_have_is_no_silent_choice():
    (line,) = quartic(*RUN, "--out", "run", env={"OPENBLAS_CORETYPE": "Nonsense"}).stderr.splitlines()
    assert "OPENBLAS_CORETYPE=Nonsense" in line and f"using those for {attributes('run')['blas_core']}" in line


def test_ranks_with_different_kernels_say_so_and_are_recorded():
    program = [str(EXECUTABLE), *map(str, RUN), "--out", "run"]
    kernels = ("Nehalem", CANDIDATES[0])
    done = subprocess.run([MPIRUN, "-n", "1", "env", f"OPENBLAS_CORETYPE={kernels[0]}", *program,
                           ":", "-n", "1", "env", f"OPENBLAS_CORETYPE={kernels[1]}", *program],
                          text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in lines_of_quartic(done) if "ranks differ" in line]
    assert f"blas_core is 'Nehalem' on rank 0 and '{CANDIDATES[0]}' on rank 1" in line
    rows = ranks_of("run")
    assert [(row["start"], row["rank"], row["blas_core"]) for row in rows] == [(0, 0, kernels[0]), (0, 1, kernels[1])]
    for row in rows:
        assert row["host"] and row["cpu"] and row["threads"] == 1
        assert attributes("run")["git"] in row["build"] and attributes("run")["flags"] in row["build"]
    assert attributes("run")["blas_core"] == ",".join(sorted(kernels))


def test_equal_ranks_are_recorded_without_a_word():
    done = quartic(*RUN, "--out", "run", ranks=2)
    assert lines_of_quartic(done) == []
    assert [(row["start"], row["rank"]) for row in ranks_of("run")] == [(0, 0), (0, 1)]


def interrupted_and_resumed(before, after):
    """stderr of a run's second start."""
    quartic(*RUN, "--checkpoint-every", 20, "--out", "run", env={"OPENBLAS_CORETYPE": before})
    with h5py.File("run/trace.h5", "r+") as trace:
        trace.attrs["complete"] = 0
    return quartic("run", "--resume", "run", "--quiet", env={"OPENBLAS_CORETYPE": after}).stderr


def test_resuming_with_other_kernels_says_so_and_the_trace_keeps_both_starts():
    best, other = CANDIDATES[0], "Nehalem"
    (line,) = [line for line in interrupted_and_resumed(other, best).splitlines() if "checkpoint" in line]
    assert f"blas_core '{other}'" in line and f"blas_core '{best}'" in line and "last bits" in line
    assert [(row["start"], row["rank"], row["blas_core"]) for row in ranks_of("run")] == [(0, 0, other), (1, 0, best)]


def test_resuming_with_the_same_kernels_says_nothing():
    assert interrupted_and_resumed(CANDIDATES[0], CANDIDATES[0]) == ""
    assert [row["start"] for row in ranks_of("run")] == [0, 1]
