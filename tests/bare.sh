#!/bin/bash
# What README says about installing, done word by word on a bare Debian: a chroot with nothing but the
# packages that building takes, outside the tree, removed at the end. There meson, pkg-config and ld.so do
# what they do without dpkg-dev and without any variable set. As root; build-bare/testlog.json is written
# as meson does.
# Usage: tests/bare.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
mkdir -p build-bare
log=$PWD/build-bare/log.txt

finish() { # finish OK|FAIL|SKIP
    python3 -c 'import json, sys
print(json.dumps({"name": "bare", "result": sys.argv[1], "stdout": open(sys.argv[2], errors="replace").read()}))' \
        "$1" "$log" >build-bare/testlog.json
    say "bare Debian: $1"
    [ "$1" != FAIL ] || { tail -n 40 "$log" >&2; exit 1; }
    exit 0
}

if [ "$(id -u)" != 0 ]; then
    printf 'SKIP: the bare Debian is a chroot, which takes root\n[  SKIPPED ] bare_debian\n' >"$log"
    finish SKIP
fi
install_packages debootstrap python3
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
say "Making a bare Debian in $root"
debootstrap --variant=minbase bookworm "$root" >"$log" 2>&1 || finish FAIL

# The tree without what was built; README's program; a sound.
mkdir "$root/tern"
tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$root/tern"
sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$root/tern/classify_sound.c"
python3 - "$root/tern/x.wav" <<'PYTHON'
import array, sys, wave
with wave.open(sys.argv[1], "wb") as w:
    w.setparams((1, 2, 16000, 80000, "NONE", ""))
    w.writeframes(array.array("h", (i * i % 8191 for i in range(80000))).tobytes())
PYTHON
cat >"$root/tern/steps" <<'STEPS'
set -euo pipefail
cd /tern
passed() { printf '[       OK ] %s\n' "$1"; }
. tests/prepare.sh
step=packages_install
trap '[ $? = 0 ] || printf "[  FAILED  ] %s\n" "$step"' EXIT
install_packages "${build_packages[@]}"
! command -v dpkg-architecture
passed $step
step=builds
build_tern build -Dtests=false
passed $step
step=installs
meson install -C build
ldconfig
passed $step
step=readme_example_builds
cc classify_sound.c $(pkg-config --cflags --libs tern) -o classify_sound
passed $step
cd /
step=readme_example_runs_with_an_installed_model
/tern/classify_sound esc10 /tern/x.wav | grep -E '^[a-z_]+ [01]\.[0-9]+$'
passed $step
step=command_is_in_the_path
tern audio classify esc10 /tern/x.wav | grep '^/tern/x.wav: '
passed $step
step=unknown_model_lists_the_installed
! tern audio classify esc11 /tern/x.wav 2>message
grep 'models that are installed: cells, esc10, sentiment' message
passed $step
STEPS
say "Building, installing and using tern there"
if env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    chroot "$root" bash /tern/steps >>"$log" 2>&1 </dev/null; then finish OK; else finish FAIL; fi
