#!/usr/bin/env bash
# Programs on processors that they were not built for, by qemu's user mode (package qemu-user; it has no AVX-512), the code
# for processors of another family, and a build with another BLAS.
#
#   tests/program/other_processors.sh      builds build/release, build/portable and build/blis; minutes
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0

# expect NAME EXIT_CODE TEXT COMMAND…
expect() {
  local output code=0
  output=$("${@:4}" 2>&1) || code=$?
  if [[ $code == "$2" && $output == *"$3"* ]]; then
    echo "passed: $1"
  else
    printf 'FAILED: %s: exit code %s, not %s, or no "%s" in:\n%s\n' "$1" "$code" "$2" "$3" "$output"
    failed=1
  fi
}

make build
expect "a build for this machine ends with a line on an older processor" 2 \
  "this build needs instructions that the processor of" qemu-x86_64 -cpu Nehalem build/release/quartic info
if grep -qw avx512f /proc/cpuinfo; then
  expect "the line names what is missing, and how to rebuild" 2 "avx512f" qemu-x86_64 -cpu Haswell build/release/quartic info
  expect "… and how to rebuild" 2 "make MARCH=x86-64-v3" qemu-x86_64 -cpu Haswell build/release/quartic info
fi
# Not with `make MARCH=…`, which would change what build/release is compiled for.
cmake --preset release -B build/portable -DQUARTIC_MARCH=x86-64-v3 > /dev/null
cmake --build build/portable --target quartic --parallel "$(nproc)" > /dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
expect "a build for x86-64-v3 runs on Haswell" 0 "kernels for Haswell" qemu-x86_64 -cpu Haswell build/portable/quartic info
expect "… and trains there" 0 "$out/run" qemu-x86_64 -cpu Haswell build/portable/quartic run --stages 2 --microbatches 8 \
  --rows 64 --features 8 --microbatch-size 8 --out "$out/run"

cmake --preset release -B build/blis -DQUARTIC_BLAS=FLAME > /dev/null
cmake --build build/blis --target quartic --parallel "$(nproc)" > /dev/null
expect "a build with BLIS names it" 0 "libblis" build/blis/quartic info
expect "… and trains" 0 "$out/blis" build/blis/quartic run --stages 2 --microbatches 8 --out "$out/blis"

# The files that know of processors, for one without kernels to choose between.
for file in blas_start build_features host kernel_choice processor_guard products_check; do
  expect "$file.cpp compiles for aarch64" 0 "" aarch64-linux-gnu-g++ -std=c++20 -Wall -Wextra -Wno-missing-field-initializers -Werror -fsyntax-only -Iinclude \
    -DQUARTIC_HOST_KERNELS=quartic::compute -DFMT_HEADER_ONLY -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu "src/compute/$file.cpp"
done
exit $failed
