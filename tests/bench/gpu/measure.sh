#!/usr/bin/env bash
# Tests and measures the kernels on this machine's first GPU, and writes results.md beside where it is called:
#   bin/measure_gpu [RESULTS]        from a bundle (make bundle)
#   tests/bench/gpu/measure.sh       from a checkout, with the programs of build/gpu
set -euo pipefail
results=${1:-results.md}
here=$(cd "$(dirname "$0")" && pwd)
programs=$here
[[ -x $programs/bench_gpu ]] || programs=$(cd "$here/../../.." && pwd)/build/gpu
[[ -x $programs/bench_gpu && -x $programs/test_offload ]] || {
  echo "measure.sh: no bench_gpu and test_offload in $programs; make gpu builds them" >&2; exit 2; }

# Fails with one line where there is no GPU, before anything is written.
measured=$("$programs/bench_gpu")
tf32=$("$programs/bench_gpu" tf32)
verdict() { local out; out=$("$@" 2>&1) && echo passed || { echo "$out" >&2; echo "FAILED: $(grep -c ERROR: <<< "$out" || true) checks"; }; }
with_cublas=$(verdict "$programs/test_offload")
with_loops=$(QUARTIC_OWN_PRODUCTS=1 verdict "$programs/test_offload")

cat > "$results" <<EOF
# Kernels on a GPU

$("$programs/quartic" info)

Tests of all kernels against the plain ones on the device: **$with_cublas**; with our own products: **$with_loops**.

## Kernels in float

$measured

## Products in TF32

$tf32

$(cat "$here/missing.md")
EOF
echo "$results"
