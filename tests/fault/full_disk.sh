#!/usr/bin/env bash
# Disks that fail at every write, and damaged checkpoints (4 minutes).
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/full_disk.py "$@"
