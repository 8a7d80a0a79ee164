"""Closed forms for PipeDream's staleness, delays, stale reads and run lengths, and for flush pipelines.

Symbols: S is the number of stages, s = 0…S-1 a stage, N the number of microbatches of the run, M the number of
microbatches per update. *Delay* counts block updates of any stage between the read of a block by a microbatch and
the update that the microbatch causes. *Staleness* counts only updates of the block's own stage. In the slot
model a forward costs 1 and a backward costs 1; in the real model they cost 1 and 2. Communication costs 0.
"Steady state" leaves out the first 4S microbatches and the drain. One block update of any stage is one
iteration of Ilin & Richtarik 2026 (arXiv 2606.03498), who give a largest delay of
S^2 - S/2 + O(1). The exact forms below were derived for this project and checked by simulation
for S = 1…32 at every stage.
"""

from __future__ import annotations


def _check_stage(stages: int, stage: int) -> None:
    if not 0 <= stage < stages:
        raise ValueError(f"stage {stage} does not exist; valid: stages 0 to {stages - 1}")


def staleness(stages: int, stage: int) -> int:
    """S-1-s: updates of the own stage between read and update, in the steady state of PipeDream.

    Holds for the greedy order in the slot and real models and for the fixed order at any costs
    (Harlap et al. 2018, arXiv 1806.03377: S-1-s versions behind).
    """
    _check_stage(stages, stage)
    return stages - 1 - stage


def own_delay(stages: int, stage: int) -> int:
    """Block updates between the read and the update of the stage's own block (slot model, steady state).

    With i = s+1, for even S: S(S-i) + S/2 - [i even]; for odd S: S(S-i) + (S-1)/2.
    """
    _check_stage(stages, stage)
    i = stage + 1
    parity = 1 if stages % 2 == 0 and i % 2 == 0 else 0
    return stages * (stages - i) + stages // 2 - parity


def oldest_delay(stages: int, stage: int) -> int:
    """Block updates between the read of the oldest block (always block 0) and the update of a
    stage (slot model, steady state).

    With i = s+1, for even S: S(2S-i)/2 + floor((i-1)/2); for odd S: (S(2S-i) + i-2)/2.
    """
    _check_stage(stages, stage)
    i = stage + 1
    if stages % 2 == 0:
        return stages * (2 * stages - i) // 2 + (i - 1) // 2
    return (stages * (2 * stages - i) + i - 2) // 2


def largest_delay(stages: int) -> int:
    """floor(S^2 - S/2): the largest delay of the steady state, which is the own delay of stage 0 (slot model).

    The paper's form is S^2 - S/2 + O(1) (arXiv 2606.03498).
    """
    return (2 * stages * stages - stages) // 2


def mean_delay(stages: int) -> float:
    """(S^2 - 1)/2: the mean delay over all pairs (updating stage, read block) (slot model, steady state)."""
    return (stages * stages - 1) / 2


def largest_delay_of_run(stages: int) -> int:
    """floor(5 S^2/4 - S): the largest own delay of the whole run, warm-up included.

    Holds in the slot model with pipeline admission and at least 4S microbatches. From S = 3 on, delays of the warm-up are
    larger than in the steady state.
    """
    return (5 * stages * stages - 4 * stages) // 4


def makespan_slot(stages: int, microbatches: int) -> int:
    """2(N+S-1): plan time of a whole run without a flush, if a forward and a backward cost 1 each."""
    return 2 * (microbatches + stages - 1)


def makespan_real(stages: int, microbatches: int) -> int:
    """3(N+S-1): plan time of a whole run without a flush, if a forward costs 1 and a backward costs 2."""
    return 3 * (microbatches + stages - 1)


def flush_makespan(
    stages: int, microbatches: int, forward: float = 1.0, backward: float = 1.0
) -> float:
    """(M+S-1)(f+b): plan time of one minibatch of M microbatches that ends in a flush
    (`gpipe`, `1f1b-flush`)."""
    return (microbatches + stages - 1) * (forward + backward)


def flush_bubble(stages: int, microbatches: int) -> float:
    """(S-1)/(M+S-1): the share of time in which workers are idle, in a minibatch that ends in a flush."""
    return (stages - 1) / (microbatches + stages - 1)


def updates_until_applied(stages: int, stage: int) -> int:
    """S-1-floor(s/2): updates of the own stage between the read of a microbatch at a stage and the moment when stage 0 is
    about to apply the microbatch (PipeDream, slot model, steady state)."""
    _check_stage(stages, stage)
    return stages - 1 - stage // 2


def stale_read_aligned(stages: int) -> float:
    """||w - z||^2 / (gamma^2 G^2) of PipeDream if all gradients of a block are the same vector of norm G. It is the sum over
    stages of the squared number of updates and grows as S^3."""
    return float(sum(updates_until_applied(stages, stage) ** 2 for stage in range(stages)))


def stale_read_noise(stages: int) -> float:
    """The mean of ||w - z||^2 / (gamma^2 G^2) of PipeDream if all gradients are independent with mean 0. It is the sum over
    stages of the number of updates and grows as S^2."""
    return float(sum(updates_until_applied(stages, stage) for stage in range(stages)))


def random_stale_read_aligned(stages: int, delay: int) -> float:
    """The mean of ||w - z||^2 / (gamma^2 G^2) of RPD with delays uniform on 0 ... delay, if all gradients of a block are the same
    vector. The number of updates of a block in a delay of d iterations is binomial, with d trials of probability 1/S."""
    mean, mean_sq = delay / 2, delay * (2 * delay + 1) / 6
    return mean * (1 - 1 / stages) + mean_sq / stages


def random_stale_read_noise(stages: int, delay: int) -> float:
    """delay/2: the mean of ||w - z||^2 / (gamma^2 G^2) of RPD if all gradients are independent with mean 0. Each of the S blocks
    has delay/2 iterations on average, and an iteration moves a block with probability 1/S."""
    return delay / 2


def stale_read_bound(stages: int) -> float:
    """delta^2 with delta = S^2 - S/2: the bound on ||w - z||^2 / (gamma^2 G^2) behind the published S^4 (arXiv 2606.03498)."""
    return float(largest_delay(stages)) ** 2


def refined_stale_read_bound(stages: int) -> float:
    """delta + delta (delta - 1) / S: the mean over the random stages that the delta updates move. Grows as S^3. Derived for
    this project."""
    delay = largest_delay(stages)
    return delay + delay * (delay - 1) / stages
