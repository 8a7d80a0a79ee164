#!/usr/bin/env bash
# The tests of one process under valgrind: the unit tests and test_method, none with an invalid access or a value that
# was never set. Leaks are for `make asan`, which knows what the libraries keep. Some cases are left out, each with its reason below.
#
#   tests/fault/valgrind.sh [TEST…]      these alone: test_unit_io
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/valgrind
tests=("$@")
[[ $# -gt 0 ]] || tests=(test_unit_{core,compute,comm,nn,plan,method,engine,io,app} test_method)

make $build/build.ninja
cmake --build $build --parallel "${JOBS:-2}" --target "${tests[@]}"

export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
failed=0
for test in "${tests[@]}"; do
  [[ -x $build/$test ]] || continue  # a room without tests
  begin=$SECONDS
  valgrind --quiet --error-exitcode=99 --track-origins=yes --child-silent-after-fork=yes \
    --suppressions=tests/support/valgrind.supp $build/"$test" --minimal > "$build/$test.log" 2>&1 && verdict=clean || { verdict=FAILED; failed=1; }
  echo "$test: $verdict, $((SECONDS - begin)) s; $build/$test.log"
done
exit $failed
