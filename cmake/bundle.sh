#!/usr/bin/env bash
# Packs a relocatable tree: quartic and everything it needs except glibc, including Open MPI's launcher.
#
#   cmake/bundle.sh BUILD OUT      packs the programs of the build folder BUILD into OUT/ and OUT.tar.xz
#
# The tree runs on nodes whose glibc is at least as new as this machine's. --device gpu also needs the NVIDIA driver.
# cuBLAS is used if the node has it on the library path. The programs in bin/ are one wrapper: it points
# the loader, Open MPI and PMIx into the tree, wherever that was moved.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
out=$2
lib=/usr/lib/$(uname -m)-linux-gnu
mkdir -p "$(dirname "$out")"
rm -rf "$out" "$out.tar.xz"
cmake --install "$build" --prefix "$out" > /dev/null
mkdir -p "$out"/{libexec,lib/openmpi,lib/pmix,share,etc}
mv "$out/bin/quartic" "$out/libexec/"
cp "$build"/{bench_gpu,test_offload} "$source"/tests/bench/gpu/missing.md "$out/libexec/"
cp "$source/tests/bench/gpu/measure.sh" "$out/libexec/measure_gpu"
cp -L /usr/bin/orterun "$out/libexec/mpirun"
cp -L /usr/bin/orted "$out/libexec/"

# Open MPI's and PMIx's parts, but for networks, file systems and launchers that need libraries of their own site.
cp -L "$lib"/openmpi/lib/openmpi3/mca_*.so "$out/lib/openmpi/"
rm -f "$out"/lib/openmpi/mca_{btl_ofi,btl_openib,btl_usnic,mtl_*,pml_ucx,pml_cm,osc_ucx,spml_*,*monitoring*,fs_lustre,oob_ud}.so
cp -L "$lib"/pmix2/lib/pmix/*.so "$out/lib/pmix/"
cp -rL /usr/share/openmpi "$out/share/"
cp -rL /usr/share/pmix* "$out/share/" 2> /dev/null || true
cp -rL /etc/openmpi "$out/etc/"
cp -L "$lib"/libgomp-plugin-nvptx.so.1 "$out/lib/"  # opened by name

# Whatever those are linked with, to the last library that is not glibc's.
glibc='/(ld-linux-x86-64|lib(c|m|dl|pthread|rt|resolv|util|mvec|anl|nss_[a-z]+))\.so'
find "$out/libexec" "$out/lib" -type f \( -perm -u+x -o -name '*.so*' \) -print0 | { xargs -0 ldd 2> /dev/null || true; } |
  awk '/=> \// && !seen[$1]++ {print $3}' | grep -vE "$glibc" | xargs cp -Lt "$out/lib/"

cat > "$out/bin/quartic" <<'WRAPPER'
#!/bin/sh
# Starts the program of this name in libexec/, with the libraries of this tree. The node's own come after them.
case $0 in */*) bin=${0%/*} ;; *) bin=$(command -v "$0"); bin=${bin%/*} ;; esac
home=$(cd "$bin/.." && pwd)
export OPAL_PREFIX="$home" PMIX_INSTALL_PREFIX="$home"
export OMPI_MCA_mca_base_component_path="$home/lib/openmpi" PMIX_MCA_mca_base_component_path="$home/lib/pmix"
export LD_LIBRARY_PATH="$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" PATH="$home/bin:$home/libexec:$PATH"
# mpirun wants to find what it starts other nodes with, even where there is only this one.
command -v ssh > /dev/null || export OMPI_MCA_plm_rsh_agent=/bin/sh
exec "$home/libexec/${0##*/}" "$@"
WRAPPER
chmod +x "$out/bin/quartic"
for program in mpirun orted bench_gpu test_offload measure_gpu; do ln -s quartic "$out/bin/$program"; done
tar -C "$(dirname "$out")" -cJf "$out.tar.xz" "$(basename "$out")"
du -sh "$out" "$out.tar.xz"
