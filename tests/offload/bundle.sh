#!/usr/bin/env bash
# The bundle runs where there is nothing else: moved, with an empty environment, and, as root, in a root directory
# that holds glibc and a shell and no other library or program.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tar -C "$scratch" -xJf build/bundle/quartic.tar.xz
root=$scratch/root
mkdir -p "$root"/{moved,bin,tmp,dev/shm,lib64,etc,root} "$root/lib/x86_64-linux-gnu"
mv "$scratch/quartic" "$root/moved/away"

# No library of the tree is missing one that neither it nor glibc has.
for file in "$root"/moved/away/{libexec/{quartic,mpirun,bench_gpu,test_offload},lib/*.so*,lib/openmpi/*.so,lib/pmix/*.so}; do
  [[ -f $file ]] || continue
  LD_LIBRARY_PATH=$root/moved/away/lib ldd "$file" 2> /dev/null | awk -v file="${file##*/}" -v tree="$root/moved" '
    /not found/ {print file ": " $0; bad = 1}
    /=> \// && index($3, tree) != 1 && $1 !~ /^lib(c|m|dl|pthread|rt|resolv|util|mvec|anl)\.so/ {print file " takes " $3 " from the system"; bad = 1}
    END {exit bad}' >&2 || { echo "the bundle is not complete" >&2; exit 1; }
done

run=(env -i "$root/moved/away/bin/quartic")
"${run[@]}" info
"${run[@]}" run --stages 2 --microbatches 16 --quiet --out "$scratch/one"
if code=0; "${run[@]}" run --device gpu --out "$scratch/gpu" 2> "$scratch/said" || code=$?; [[ $code != 2 ]]; then
  echo "--device gpu: exit $code, not 2" >&2; exit 1
fi
[[ $(wc -l < "$scratch/said") == 1 ]] || { echo "--device gpu said more than one line:" >&2; cat "$scratch/said" >&2; exit 1; }

[[ $(id -u) == 0 ]] || { echo "not root: the empty root directory is left out"; exit 0; }
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
for library in c m dl pthread rt resolv util mvec nss_files; do
  cp -L /lib/x86_64-linux-gnu/lib$library.so.[0-9] "$root/lib/x86_64-linux-gnu/" 2> /dev/null || true
done
cp -L /bin/dash "$root/bin/sh"
echo "root:x:0:0:root:/root:/bin/sh" > "$root/etc/passwd"
cp -a /dev/null /dev/zero /dev/urandom "$root/dev/" || { echo "no device files can be made here: the empty root directory is left out"; exit 0; }
inside=(env -i HOME=/root OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 /usr/sbin/chroot "$root")
"${inside[@]}" /moved/away/bin/quartic info
"${inside[@]}" /moved/away/bin/quartic run --stages 2 --microbatches 16 --quiet --out /tmp/one
"${inside[@]}" /moved/away/bin/mpirun --oversubscribe -n 2 /moved/away/bin/quartic run --stages 2 --microbatches 16 --quiet --out /tmp/two
cmp "$root/tmp/one/config.ini" "$root/tmp/two/config.ini"
"${inside[@]}" /moved/away/bin/test_offload
