"""Closed forms for PipeDream's staleness, delays and run lengths, and for flush pipelines.

Words and symbols: S stages, s = 0…S-1 a stage, N microbatches of the run, M microbatches of one
update. *Delay* counts block updates of any stage between a read of a block by a microbatch and
the update that the microbatch causes; *staleness* counts those of the own stage only. In the slot
model a forward costs 1 and a backward 1, in the real model 1 and 2; communication costs 0.
"Steady state" leaves out the first 4S microbatches and the drain. One block update anywhere is one
iteration of Ilin & Richtarik 2026 (arXiv 2606.03498), whose result is a largest delay of
S^2 - S/2 + O(1); the exact forms below were derived for this project and checked by simulation
for S = 1…32 at every stage.
"""

from __future__ import annotations


def _check_stage(stages: int, stage: int) -> None:
    if not 0 <= stage < stages:
        raise ValueError(f"stage {stage} is not one of the {stages} stages 0 to {stages - 1}")


def staleness(stages: int, stage: int) -> int:
    """Own-stage updates between read and update, S-1-s, in the steady state of PipeDream.

    Holds for the greedy order in the slot and real models and for the fixed order at any costs
    (Harlap et al. 2018, arXiv 1806.03377: S-1-s versions behind).
    """
    _check_stage(stages, stage)
    return stages - 1 - stage


def own_delay(stages: int, stage: int) -> int:
    """Block updates between the read and the update of the own block: slot model, steady state.

    With i = s+1, for even S: S(S-i) + S/2 - [i even]; for odd S: S(S-i) + (S-1)/2.
    """
    _check_stage(stages, stage)
    i = stage + 1
    parity = 1 if stages % 2 == 0 and i % 2 == 0 else 0
    return stages * (stages - i) + stages // 2 - parity


def oldest_delay(stages: int, stage: int) -> int:
    """Block updates between the read of the oldest block (always block 0) and the update of a
    stage: slot model, steady state.

    With i = s+1, for even S: S(2S-i)/2 + floor((i-1)/2); for odd S: (S(2S-i) + i-2)/2.
    """
    _check_stage(stages, stage)
    i = stage + 1
    if stages % 2 == 0:
        return stages * (2 * stages - i) // 2 + (i - 1) // 2
    return (stages * (2 * stages - i) + i - 2) // 2


def largest_delay(stages: int) -> int:
    """floor(S^2 - S/2): the own delay of stage 0, the largest of the steady state, slot model.

    The paper's form is S^2 - S/2 + O(1) (arXiv 2606.03498).
    """
    return (2 * stages * stages - stages) // 2


def mean_delay(stages: int) -> float:
    """(S^2 - 1)/2: mean over all pairs (updating stage, read block), slot model, steady state."""
    return (stages * stages - 1) / 2


def largest_delay_of_run(stages: int) -> int:
    """floor(5 S^2/4 - S): largest own delay of the whole run, warm-up included.

    Slot model, pipeline admission, at least 4S microbatches. From S = 3 on the warm-up is worse
    than the steady state.
    """
    return (5 * stages * stages - 4 * stages) // 4


def makespan_slot(stages: int, microbatches: int) -> int:
    """2(N+S-1): plan time of a whole run without flush, F = B = 1."""
    return 2 * (microbatches + stages - 1)


def makespan_real(stages: int, microbatches: int) -> int:
    """3(N+S-1): plan time of a whole run without flush, F = 1, B = 2."""
    return 3 * (microbatches + stages - 1)


def flush_makespan(
    stages: int, microbatches: int, forward: float = 1.0, backward: float = 1.0
) -> float:
    """(M+S-1)(f+b): plan time of one minibatch of M microbatches that ends in a flush
    (`gpipe`, `1f1b-flush`)."""
    return (microbatches + stages - 1) * (forward + backward)


def flush_bubble(stages: int, microbatches: int) -> float:
    """(S-1)/(M+S-1): idle share of the workers' time in a minibatch that ends in a flush."""
    return (stages - 1) / (microbatches + stages - 1)
