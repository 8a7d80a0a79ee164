#!/usr/bin/env bash
# The cases of the program's tests that `make test` leaves out. Most are the bitwise equalities of methods.md §9 over all methods,
# objectives and numbers of ranks, and runs of each that go on from a checkpoint at five moments (a thousand runs under mpirun of
# 0.5 s each, and their counterparts in one process).
cd "$(dirname "$0")/../.." && QUARTIC_TEST_LONG=1 exec "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider \
  tests/program/test_{hosting,resume,resume_killed,stops,killed,watchdog,divergence}.py "$@"
