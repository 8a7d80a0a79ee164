#!/usr/bin/env bash
# 50 runs under a Slurm that interrupts them, until they are complete (10 to 20 minutes).
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/slurm.py "$@"
