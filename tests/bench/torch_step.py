"""The peer of quartic's language model: one training step in PyTorch on the CPU, with AdamW.

    torch_step.py THREADS [STEPS]

Prints the seconds of each step but the first three. The model is the twin in analysis/torch_models.py.
"""

import os
import sys
import time
from pathlib import Path

THREADS = int(sys.argv[1])
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 12
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch_models import Gpt  # noqa: E402

ROWS, SEQUENCE, VOCABULARY, WARM_UP = 8, 128, 256, 3

torch.set_num_threads(THREADS)
torch.manual_seed(0)
model = Gpt(vocabulary=VOCABULARY, sequence=SEQUENCE, layers=4, width=256, heads=4)
optimizer = torch.optim.AdamW(model.parameters(), 3e-4)
tokens = torch.randint(0, VOCABULARY, (ROWS, SEQUENCE))
targets = torch.roll(tokens, -1, 1)
for step in range(WARM_UP + STEPS):
    begin = time.perf_counter()
    loss = functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step >= WARM_UP:
        print(time.perf_counter() - begin)
