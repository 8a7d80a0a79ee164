#!/usr/bin/env bash
# Disks that fail at every write, and damaged checkpoints (1 minute).
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
cd "$(dirname "$0")/../.." && exec "${PYTHON:-/usr/bin/python3}" tests/fault/full_disk.py "$@"
