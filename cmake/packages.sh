#!/usr/bin/env bash
# Prints the packages that are missing, and installs them as root. Without root it prints how to install
# or load them, and continues. QUARTIC_INSTALL=0 prints them and stops with exit code 2.
#   cmake/packages.sh SET…      sets: build analysis test tools slurm gpu
set -euo pipefail

declare -A packages=(
  [build]="g++ make cmake ninja-build pkg-config libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-dev
           hdf5-tools libboost-program-options-dev doctest-dev libfmt-dev libspdlog-dev nlohmann-json3-dev
           librandom123-dev zlib1g-dev libbenchmark-dev"
  [analysis]="python3-numpy python3-scipy python3-h5py python3-matplotlib python3-pandas python3-nbclient
              python3-ipykernel jupyter-nbconvert python3-pytest"
  [test]="clang-format ccache"
  [tools]="clang-tidy-16 clang-16 libclang-rt-16-dev gcovr valgrind qemu-user g++-aarch64-linux-gnu
          libblis-dev"
  [slurm]="slurm-wlm munge libpmix2"
  [gpu]="gcc-12-offload-nvptx nvptx-tools libgomp-plugin-nvptx1"
)

wanted=()
for set in "$@"; do
  [[ -v "packages[$set]" ]] || { echo "unknown set of packages '$set'; valid: ${!packages[*]}" >&2; exit 2; }
  read -r -d '' -a names <<< "${packages[$set]}" || true
  wanted+=("${names[@]}")
done

# One query for all: this runs before every `make test`.
installed=" $(dpkg-query --show --showformat '${Package}:${db:Status-Status} ' "${wanted[@]}" 2>/dev/null || true)"
missing=()
for name in "${wanted[@]}"; do
  [[ $installed == *" $name:installed "* ]] || missing+=("$name")
done
[[ ${#missing[@]} == 0 ]] && exit 0

if command -v dpkg-query >/dev/null; then
  printf '%s\n' "${#missing[@]} packages are missing:" "${missing[@]/#/  }"
  if [[ ${QUARTIC_INSTALL:-1} == 0 ]]; then
    echo "QUARTIC_INSTALL=0: installing nothing." >&2
    exit 2
  fi
fi

if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing them with apt-get; set QUARTIC_INSTALL=0 to stop here instead."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet
  apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
  exit 0
fi

if command -v dpkg-query >/dev/null; then
  cat >&2 <<EOF
These packages are missing. They can be installed as root:

  apt-get install ${missing[*]}

EOF
else
  cat >&2 <<'EOF'
This is not a Debian system. quartic needs the following, from the package manager or as modules (module load …):

  compiler    g++ 12 or newer, CMake 3.25, Ninja, pkg-config
  libraries   MPI (Open MPI 4), OpenBLAS, HDF5 1.10, Boost.Program_options 1.74, fmt, spdlog,
              nlohmann-json, Random123, zlib; doctest for the tests, Google Benchmark for the benchmarks
  Python      numpy, scipy, h5py, matplotlib, pandas, nbclient, ipykernel, nbconvert, pytest
              (for a Python other than /usr/bin/python3: make PYTHON=…)

EOF
fi
command -v cmake >/dev/null && command -v mpicxx >/dev/null || { echo "cmake or mpicxx is missing: stopping." >&2; exit 1; }
echo "Continuing without them; CMake reports what it cannot find." >&2
