#!/usr/bin/env bash
# Builds what the lab's guests boot: Debian's kernel, unpacked and never installed, and an initramfs with soft-RoCE,
# perftest and mixed-verbs. Everything lies in the cache folder; nothing happens when it is already there.
#
#   tests/lab/image.sh CACHE MIXED_VERBS      makes CACHE/vmlinux and CACHE/initrd, with the program MIXED_VERBS inside
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:?image.sh: needs the cache folder}
mixed_verbs=${2:?image.sh: needs the built mixed-verbs}

die() { echo "lab: $*" >&2; exit 3; }

for program in qemu-system-x86_64 busybox cpio depmod ib_write_bw ibv_devinfo rdma ip tcpdump ethtool python3; do
  command -v "$program" >/dev/null || die "there is no $program: run scripts/setup"
done
[ -x "$mixed_verbs" ] || die "there is no $mixed_verbs: run scripts/build"
mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock "$lock"

get_kernel() {
  [ -s "$cache/vmlinux" ] && [ -s "$cache/kver" ] && return 0
  local package
  package=$("$here/../../scripts/setup" --lab-kernel "$cache/dl") || exit 3
  rm -rf "$cache/ktree"
  mkdir -p "$cache/ktree"
  dpkg --fsys-tarfile "$package" | tar -x -C "$cache/ktree" --wildcards \
    './boot/*' './lib/modules/*/modules.*' './lib/modules/*/kernel/drivers/infiniband/*' \
    './lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/char/*' \
    './lib/modules/*/kernel/drivers/net/*' './lib/modules/*/kernel/net/*' './lib/modules/*/kernel/crypto/*' \
    './lib/modules/*/kernel/lib/*' './lib/modules/*/kernel/arch/x86/crypto/*' \
    './lib/modules/*/kernel/fs/configfs/*' || die "cannot unpack $package"
  ls "$cache/ktree/lib/modules" | head -n 1 >"$cache/kver"
  depmod -b "$cache/ktree" "$(cat "$cache/kver")"
  # Take the ELF image out of the xz bzImage: QEMU boots it through PVH, which saves decompressing 66 MB of kernel
  # under emulation.
  python3 - "$cache"/ktree/boot/vmlinuz-* "$cache/vmlinux.tmp" <<'PY' || die "cannot unpack vmlinuz"
import lzma, sys
data = open(sys.argv[1], "rb").read()
start = data.find(b"\xfd7zXZ\x00")
if start < 0: sys.exit("not an xz kernel")
image = lzma.LZMADecompressor().decompress(data[start:])
if image[:4] != b"\x7fELF": sys.exit("no ELF inside")
open(sys.argv[2], "wb").write(image)
PY
  mv "$cache/vmlinux.tmp" "$cache/vmlinux"
}

put_needed() {  # put_needed FILE: copies the libraries that a program or library is linked to into the root
  local library
  for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true); do
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
  done
}

put() {  # put FILE...: copies programs and libraries, with what they are linked to, into the root
  local file
  for file in "$@"; do
    mkdir -p "$root$(dirname "$file")"
    [ -e "$root$file" ] || cp -L "$file" "$root$file"
    put_needed "$file"
  done
}

programs="ib_send_bw ib_send_lat ib_write_bw ib_write_lat ib_read_bw ib_read_lat ib_atomic_bw ib_atomic_lat
          ibv_devinfo ibv_devices rdma ip tc ethtool"
modules="virtio_pci virtio_net virtio_console crc32_generic rdma_rxe rdma_ucm rdma_cm sch_netem"
build_initrd() {
  local sum kernel program file module
  sum=$(sha256sum "$here"/image.sh "$here"/guest-* "$cache/kver" "$mixed_verbs" | sha256sum | cut -c1-16)
  [ -s "$cache/initrd" ] && [ "$(cat "$cache/initrd.sum" 2>/dev/null)" = "$sum" ] && return 0
  kernel=$(cat "$cache/kver")
  root=$cache/root
  rm -rf "$root"
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,tmp,run,root,etc/libibverbs.d,lib/modules}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for program in $("$root/bin/busybox" --list); do
    case "$program" in ip | tc | busybox) ;; *) ln -s busybox "$root/bin/$program" ;; esac
  done
  for program in $programs; do
    file=$(command -v "$program") || die "there is no $program: run scripts/setup"
    put "$(readlink -f "$file")"
    [ "$(readlink -f "$file")" = "$file" ] ||
      { mkdir -p "$root$(dirname "$file")"; ln -sf "$(readlink -f "$file")" "$root$file"; }
  done
  put_needed "$mixed_verbs"
  install -m 755 "$mixed_verbs" "$root/bin/mixed-verbs"
  put /usr/lib/*/libibverbs/librxe-rdmav*.so
  put "$(ldconfig -p | awk '/libgcc_s.so.1 .*x86-64/ {print $NF; exit}')"  # opened late, by pthread_exit
  echo "driver rxe" >"$root/etc/libibverbs.d/rxe.driver"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  for module in $modules; do  # in load order
    modprobe -d "$cache/ktree" -S "$kernel" --show-depends "$module" || die "no module $module in $kernel"
  done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' >"$cache/modlist"
  while read -r file; do
    cp "$file" "$root/lib/modules/"
    basename "$file" .xz
  done <"$cache/modlist" >"$root/lib/modules/order"
  find "$root/lib/modules" -name '*.ko.xz' -exec unxz {} +
  install -m 755 "$here/guest-init" "$root/init"
  install -m 755 "$here/guest-gididx" "$root/bin/gididx"
  # Not compressed: unpacking it under emulation would cost more than it saves.
  (cd "$root" && find . | cpio -o -H newc --quiet >"$cache/initrd.tmp")
  mv "$cache/initrd.tmp" "$cache/initrd"
  echo "$sum" >"$cache/initrd.sum"
  rm -rf "$root"
}

get_kernel
build_initrd
