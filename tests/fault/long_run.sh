#!/usr/bin/env bash
# A million microbatches in an hour (LONG_RUN_SECONDS): memory flat, the trace as large as --trace-every says, steady rates.
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/long_run.py --seconds "${LONG_RUN_SECONDS:-3600}" "$@"
