#!/usr/bin/env bash
# kill -9 at random moments, 20 times (2 minutes).
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/kill.py "$@"
