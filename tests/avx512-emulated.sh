#!/bin/bash
# Runs test programs on an emulated CPU with AVX-512, for machines that have none: Bochs boots Debian's
# kernel with the programs and their libraries as initial file system. Slow (about a hundred times slower
# than the machine) and not part of the suites. Installs Debian packages; the kernel is only unpacked.
# Usage: tests/avx512-emulated.sh BUILD_FOLDER TEST...     e.g. build test_simd test_gemm
#   LIMIT=SECONDS gives up after that time (3600)
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
[ $# -ge 2 ] || stop "usage: tests/avx512-emulated.sh BUILD_FOLDER TEST..."
build=$(realpath "$1")
shift
install_packages bochs bochsbios vgabios bochs-term busybox-static cpio isolinux syslinux-common xorriso
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{kernel,root/bin,root/dev,root/proc,root/sys,root/tmp,root/t,iso/isolinux}

image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-6/ {print $2; exit}')
(cd "$work/kernel" && apt-get -qq download "$image" 2>/dev/null)
dpkg-deb --fsys-tarfile "$work"/kernel/*.deb | tar -x -C "$work/kernel" --wildcards './boot/vmlinuz*'
mv "$work"/kernel/boot/vmlinuz* "$work/iso/isolinux/linux"

# The programs, each library at the place where the loader looks for it.
root=$work/root
cp /bin/busybox "$root/bin/"
for name in "$@"; do
    cp "$build/tests/$name" "$root/t/"
    ldd "$build/tests/$name" | grep -o '/[^ ]*' | sort -u | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
done
cat >"$root/init" <<'END'
#!/bin/busybox sh
for name in mount ls; do /bin/busybox ln -s busybox /bin/$name; done
mount -t proc proc /proc
mount -t devtmpfs dev /dev
export OMP_NUM_THREADS=1 TERN_DATA=/none
for program in /t/*; do
    echo "RUN ${program#/t/}"
    TERN_CPU=avx512 $program 2>&1
    echo "EXIT ${program#/t/} $?"
done
/bin/busybox sleep 2
/bin/busybox poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/iso/isolinux/initrd"

cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/isolinux/"
# Without xsaves and xsavec: Bochs 2.7 reports a wrong size for their compact form, and the kernel would
# turn all vector registers off.
cat >"$work/iso/isolinux/isolinux.cfg" <<'END'
DEFAULT tests
PROMPT 0
LABEL tests
  KERNEL linux
  APPEND initrd=initrd console=ttyS0 mitigations=off nokaslr tsc=reliable lpj=4000000 noxsaves clearcpuid=xsaves,xsavec quiet rdinit=/init
END
xorriso -as mkisofs -quiet -o "$work/tests.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
    -no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso" 2>/dev/null
cat >"$work/bochsrc" <<END
cpu: model=corei7_skylake_x, count=1, ips=200000000, reset_on_triple_fault=0
memory: guest=1536, host=1536
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/tests.iso, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev=$work/serial.txt
log: $work/bochs.log
clock: sync=none
END
echo c >"$work/commands" # Debian's Bochs starts in its debugger: continue

# It draws on a terminal, so it gets one.
TERM=xterm timeout "${LIMIT:-3600}" script -qec "bochs -q -f $work/bochsrc -rc $work/commands" \
    /dev/null >"$work/screen.txt" 2>&1 </dev/null || true
tr -d '\r' <"$work/serial.txt" | sed -n '/^RUN/,$p'
for name in "$@"; do
    grep -q "^EXIT $name 0" "$work/serial.txt" || stop "$name did not pass on the emulated CPU"
done
