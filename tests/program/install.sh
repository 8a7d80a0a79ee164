#!/usr/bin/env bash
# An installed tree is complete and runs from where it was moved to.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install build/release --prefix "$scratch/a" > "$scratch/log"
mv "$scratch/a" "$scratch/b"
"$scratch/b/bin/quartic" --version
for path in jobs/mpirun.sh jobs/demo.sh jobs/sweep.py jobs/studies jobs/machines jobs/slurm/array.sh.in analysis data; do
  [[ -e "$scratch/b/share/quartic/$path" ]] || { echo "share/quartic/$path was not installed" >&2; exit 1; }
done
