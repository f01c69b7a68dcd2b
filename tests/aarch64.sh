#!/bin/bash
# Builds tern for aarch64 in build-aarch64/ and runs the suite under qemu-user: generic kernels, unsigned
# char, other conversions of what is out of range. Without the long tests (LONG below). The libraries of
# that architecture are unpacked into the build folder; apt's and dpkg's state stay as they are.
# Usage: tests/aarch64.sh [TEST...]
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
# Minutes each under emulation; what they check does not depend on the CPU beyond what others check.
LONG='vision_classifier|vision_segment|vision_train|text_vectors_train|convolution|products|simd|ops_.*'
folder=$PWD/build-aarch64
system=$folder/system
install_packages "${build_packages[@]}" python3 qemu-user gcc-aarch64-linux-gnu

# Packages of arm64 with all that they need, by lists and a cache of their own.
unpack_system() {
    local apt=$folder/apt name
    local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
        -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
        -o APT::Sandbox::User=root -o APT::Install-Recommends=false)
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$system/usr"/{lib,bin,sbin}
    : >"$apt/status"
    for name in lib bin sbin; do ln -sfn "usr/$name" "$system/$name"; done
    apt-get "${options[@]}" update
    # shellcheck disable=SC2046
    apt-get "${options[@]}" -y --download-only install libc6-dev libgomp1 \
        $(printf '%s\n' "${build_packages[@]}" | grep -E '^(lib|zlib).*-dev$')
    # Only libraries: whatever runs another program runs this machine's.
    for name in "$apt"/cache/archives/{lib,zlib,linux-libc}*.deb; do
        dpkg-deb --fsys-tarfile "$name" | tar -x -C "$system" --keep-directory-symlink
    done
    # Links that are absolute would lead out of it.
    find "$system" -type l -lname '/*' | while read -r name; do
        ln -sfn "$system$(readlink "$name")" "$name"
    done
    rm -r "$apt"
    : >"$system/complete"
}

write_machine() { # meson's cross file, and the command for the scripts
    cat >"$folder/machine.ini" <<END_OF_FILE
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$system']
[built-in options]
c_args = ['--sysroot=$system']
c_link_args = ['--sysroot=$system']
[properties]
sys_root = '$system'
pkg_config_libdir = '$system/usr/lib/aarch64-linux-gnu/pkgconfig:$system/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END_OF_FILE
    printf '#!/bin/sh\nexec qemu-aarch64 -L %q %q "$@"\n' "$system" "$folder/cli/tern" >"$folder/tern"
    chmod +x "$folder/tern"
}

mkdir -p "$folder"
if [ ! -e "$system/complete" ]; then
    say "Unpacking libraries of arm64 in build-aarch64/"
    unpack_system
fi
write_machine
say "Building for aarch64 in build-aarch64/"
build_tern build-aarch64 --cross-file "$folder/machine.ini"
if [ $# = 0 ]; then
    # shellcheck disable=SC2046
    set -- $(meson test -C build-aarch64 --list --no-suite once 2>/dev/null | sed -n 's/^tern.* \/ //p' |
        grep -vxE "$LONG")
fi
result=0
# Two threads: more of them are no test of another CPU.
OMP_WAIT_POLICY=passive TERN_COMMAND=$folder/tern OMP_NUM_THREADS=2 meson test -C build-aarch64 --no-rebuild --print-errorlogs \
    --timeout-multiplier 10 "$@" || result=1
cp build-aarch64/meson-logs/testlog.json build-aarch64/testlog.json
exit $result
