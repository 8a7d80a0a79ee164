#!/usr/bin/env bash
# How soon a run with steps of a second stops when it is told to (3 minutes).
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/stop.py "$@"
