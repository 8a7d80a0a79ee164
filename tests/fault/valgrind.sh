#!/usr/bin/env bash
# The tests of one process under valgrind: the unit tests and test_method, none with an invalid access or a value that
# was never set. Leaks are for `make asan`, which knows what the libraries keep.
#
#   tests/fault/valgrind.sh [TEST…]      these alone: test_unit_io
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/valgrind
tests=("$@")
if [[ $# == 0 ]]; then
  mapfile -t rooms < <(basename -a tests/unit/*.cpp | cut -d_ -f1 | sort -u)
  tests=("${rooms[@]/#/test_unit_}" test_method)
fi

make $build/build.ninja
cmake --build $build --parallel "${JOBS:-2}" --target "${tests[@]}"

export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# What MPI_Init does with memory it has not set, in Open MPI's own words.
mpi=/usr/share/openmpi/openmpi-valgrind.supp
[[ -f $mpi ]] || mpi=
# valgrind brings an operator new of its own, which the tests' counter does not see.
counting="the counter counts*,the steady state allocates nothing*"
failed=0
for test in "${tests[@]}"; do
  begin=$SECONDS
  valgrind --quiet --error-exitcode=99 --track-origins=yes --child-silent-after-fork=yes \
    ${mpi:+--suppressions=$mpi} $build/"$test" --minimal --test-case-exclude="$counting" > "$build/$test.log" 2>&1 && verdict=clean || { verdict=FAILED; failed=1; }
  echo "$test: $verdict, $((SECONDS - begin)) s; $build/$test.log"
done
exit $failed
