#!/usr/bin/env bash
# Everything that is long, one line a check, before a release. Goes on after a failure; leaves the
# machine's versions and each check's verdict in tests/check-all-results.txt; exits 1 if any failed,
# 2 if there is no check of a name.
#
#   tests/check_all.sh [NAME…]      only the checks of these names (test, asan, tidy, fault/kill, …)
set -uo pipefail
wanted=" $* "
cd "$(dirname "$0")/.."
python=${PYTHON:-/usr/bin/python3}
results=tests/check-all-results.txt
logs=build/check-all
names=()
declare -A command_of

# check NAME COMMAND…: that it exists; what follows the list runs it.
# Words are quoted: a path may have blanks.
check() {
  names+=("$1")
  local words
  printf -v words ' %q' "${@:2}"
  command_of[$1]=${words:1}
}

check test      make test
# The kernels of other processors, as far as this one can run them.
has() { grep -qw "$1" /proc/cpuinfo; }
has sse4_2  && check test/Nehalem  env OPENBLAS_CORETYPE=Nehalem make test
has avx2    && check test/Haswell  env OPENBLAS_CORETYPE=Haswell make test
has avx512f && check test/SkylakeX env OPENBLAS_CORETYPE=SkylakeX make test
check processors tests/program/other_processors.sh
check commands  "$python" tests/program/readme_commands.py
check asan      make asan
check tidy      make tidy
check install   tests/program/install.sh
check gpu/test  make test-gpu
check gpu/programs make test-gpu-programs
check gpu/bundle make bundle
check gpu/away  tests/offload/bundle.sh
check bench     make bench
shopt -s nullglob
for script in tests/fault/*.sh; do
  check "fault/$(basename "$script" .sh)" bash "$script"
done
# One notebook opens a run of the demonstration, the others the quick sizes of their studies.
check demo      jobs/demo.sh "$logs/demo"
check notebook/first_look env QUARTIC_RUN="../../$logs/demo/S08" \
  "$python" -m nbconvert --to notebook --execute --output-dir "$logs" analysis/notebooks/first_look.ipynb
for study in jobs/studies/*.toml; do
  name=$(basename "$study" .toml)
  [[ $name == first_look ]] && continue
  check "study/$name" "$python" jobs/sweep.py "$study" --local --out "$logs/studies/$name"
  check "notebook/$name" "$python" analysis/report.py "$name" --runs "$logs/studies" --out "$logs"
done

for name in $wanted; do
  [[ -v command_of[$name] ]] || { echo "there is no check '$name', only: ${names[*]}" >&2; exit 2; }
done

mkdir -p "$logs"
version=$(git describe --always --dirty=+uncommitted --exclude='*' 2>/dev/null || echo unknown)  # before the results change
{
  echo "quartic $version"
  . /etc/os-release && echo "system   $PRETTY_NAME"
  echo "cpu      $(lscpu | sed -n 's/^Model name: *//p'), $(nproc) cores"
  echo "compiler $(g++ --version | head -1)"
  echo "mpi      $(mpirun --version 2>/dev/null | head -1)"
  echo "cmake    $(cmake --version | head -1)"
  echo "python   $("$python" --version)"
  echo
} > "$results"

failed=0
for name in "${names[@]}"; do
  [[ $wanted == "  " || $wanted == *" $name "* ]] || continue
  verdict=passed
  printf '\n== %s: %s\n' "$name" "${command_of[$name]}"
  eval "${command_of[$name]}" 2>&1 | tee "$logs/${name//\//-}.log"
  [[ ${PIPESTATUS[0]} == 0 ]] || { verdict=FAILED; failed=$((failed + 1)); }
  printf '%-8s%-28s%s\n' "$verdict" "$name" "${command_of[$name]}" >> "$results"
done

echo
cat "$results"
echo "$failed failed"
[[ $failed == 0 ]]
