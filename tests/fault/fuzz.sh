#!/usr/bin/env bash
# Hostile input. Every reader: 10,000 mutated files (minutes), then libFuzzer under the sanitizers, FUZZ_SECONDS (600)
# each, two at a time (an hour in all). Prints a line a reader, and where the files are that broke one; exit code 1.
#
#   tests/fault/fuzz.sh [READER…]     libFuzzer on these alone; the corpus grows in build/fuzz/corpus
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-/usr/bin/python3}
export QUARTIC=$PWD/build/audit/quartic OPENBLAS_NUM_THREADS=1
found=$PWD/build/fuzz/findings
seeds=$PWD/build/fuzz/seeds

make build/audit/build.ninja build/fuzz/build.ninja
cmake --build build/audit --target quartic mutate_readers --parallel "${JOBS:-2}"
cmake --build --preset fuzz --parallel "${JOBS:-2}"
mkdir -p "$found"
"$python" tests/fuzz/seeds.py "$seeds"

failed=0
if [[ $# == 0 ]]; then
  (cd "$found" && "$OLDPWD"/build/audit/mutate_readers "$seeds" 10000) || failed=1
  (cd "$found" && "$python" "$OLDPWD"/tests/fuzz/mutate_studies.py 10000) || failed=1
  set -- $(find "$seeds" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
fi

# What takes more than 5 s of processor time is a finding of the targets' own; -timeout is for what waits for ever.
# HDF5 keeps some memory of files that it refuses, so leaks are for `make asan`. With little memory held back, the processes
# that read HDF5 files are sooner made. What HDF5 asks for in vain it is refused, as elsewhere, and not ended.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=4:allocator_may_return_null=1
fuzz() {
  local reader=$1 log=build/fuzz/$1.log corpus=build/fuzz/corpus/$1
  mkdir -p "$corpus"
  if FUZZ_TARGET=$reader build/fuzz/fuzz_readers -max_total_time="${FUZZ_SECONDS:-600}" -timeout=60 -rss_limit_mb=2048 -detect_leaks=0 \
      -print_final_stats=1 -verbosity=1 -dict="$seeds/dictionary" -artifact_prefix="$found/$reader-" "$corpus" "$seeds/$reader" > "$log" 2>&1; then
    echo "$reader: clean, $(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -1) a second, $(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$log")"
  else
    echo "$reader: FAILED, $(grep -m1 -E 'ERROR:|SUMMARY:|runtime error|what\(\)' "$log" || tail -1 "$log"); see $log, $found"
    return 1
  fi
}
export -f fuzz
export seeds found
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'fuzz {}' || failed=1
exit $failed
