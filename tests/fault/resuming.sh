#!/usr/bin/env bash
# Runs that go on from a checkpoint are bitwise those that were never interrupted: all methods and objectives, five
# moments each, on any number of ranks (15 minutes).
cd "$(dirname "$0")/../.." && QUARTIC_TEST_LONG=1 exec "${PYTHON:-/usr/bin/python3}" -m pytest -q -p no:cacheprovider tests/program/test_resume.py "$@"
