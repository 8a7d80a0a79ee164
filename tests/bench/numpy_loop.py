"""The work of run E2 as a plain numpy loop: PipeDream on S stages slot by slot, f and its gradient after every slot.

    numpy_loop.py FILE.h5

Prints f at the start and after slot 1229, the last but one.
"""

import sys

import h5py
import numpy as np

STAGES, SIZE, EPOCHS, LEARNING_RATE = 16, 5, 5, 2**-8


def train(x, y):
    rows, features = x.shape
    microbatches = EPOCHS * rows // SIZE
    columns = [slice(s * features // STAGES, (s + 1) * features // STAGES) for s in range(STAGES)]
    weights = [np.zeros(features // STAGES) for _ in range(STAGES)]
    inputs = [{} for _ in range(STAGES)]  # by microbatch: running sums, at stage 0 zeros
    residuals = [{} for _ in range(STAGES)]
    forwards, backwards = [0] * STAGES, [0] * STAGES
    objective = [value_and_slope(x, y, weights)]
    while backwards[0] < microbatches:
        sent = []  # seen from the next slot on
        for s in range(STAGES):
            if backwards[s] in residuals[s]:
                j, batch = backwards[s], part(backwards[s], rows)
                residual = residuals[s].pop(j)
                weights[s] = weights[s] - LEARNING_RATE * (x[batch, columns[s]].T @ residual)
                backwards[s] += 1
                if s > 0:
                    sent.append((residuals[s - 1], j, residual))
            elif forwards[s] < microbatches and forwards[s] - backwards[s] < STAGES and (s == 0 or forwards[s] in inputs[s]):
                j, batch = forwards[s], part(forwards[s], rows)
                z = inputs[s].pop(j, 0) + x[batch, columns[s]] @ weights[s]
                forwards[s] += 1
                last = s + 1 == STAGES
                sent.append((residuals[s], j, (z - y[batch]) / SIZE) if last else (inputs[s + 1], j, z))
        for box, j, message in sent:
            box[j] = message
        objective.append(value_and_slope(x, y, weights))
    return objective


def part(microbatch, rows):
    first = microbatch * SIZE % rows
    return slice(first, first + SIZE)


def value_and_slope(x, y, weights):
    residual = x @ np.concatenate(weights) - y
    gradient = x.T @ residual / len(y)
    return residual @ residual / (2 * len(y)), gradient @ gradient


if __name__ == "__main__":
    with h5py.File(sys.argv[1]) as file:
        objective = train(file["X"][:], file["y"][:])
    print(f"{objective[0][0]:.2f} {objective[1229][0]:.6f}")
