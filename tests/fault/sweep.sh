#!/usr/bin/env bash
# The sweep tool killed at random moments, 20 studies of 20 runs, and job arrays whose jobs are requeued at random (10 minutes).
cd "$(dirname "$0")/../.." && QUARTIC_TEST_LONG=1 exec "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider tests/sweep/test_sweep_killed.py tests/slurm "$@"
