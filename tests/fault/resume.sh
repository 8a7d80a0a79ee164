#!/usr/bin/env bash
# 100 runs killed with kill -9 until they are done (8 minutes). A kill leaves what is in the system's memory, so the disk plays no part:
# where there is a file system in memory, the runs are there, and a sync costs nothing.
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/resume.py "$@"
