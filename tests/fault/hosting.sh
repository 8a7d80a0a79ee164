#!/usr/bin/env bash
# The bitwise equalities of methods.md §9 over all methods, objectives and numbers of ranks: 9 x 4 x 4 runs under
# mpirun of 0.5 s each, and their counterparts in one process (2 minutes).
cd "$(dirname "$0")/../.." && QUARTIC_TEST_LONG=1 exec "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider tests/program/test_hosting.py "$@"
