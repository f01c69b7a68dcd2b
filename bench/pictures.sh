#!/bin/bash
# Pictures and their names: LeNet on MNIST, the default network on Fashion-MNIST (Debian's dataset-fashion-mnist),
# only LeNet's last layer trained on Fashion-MNIST, and nearest neighbours of digits.
#   bench/pictures.sh [TERN] [FOLDER FOR THE MODELS]
# MNIST is found in TERN_DATA or ../shared/data.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tern=${1:-$root/build/cli/tern}
data=${TERN_DATA:-$root/../shared/data}/mnist
fashion=/usr/share/datasets/fashion-mnist
[ -x "$tern" ] || { echo "pictures.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -d "$data" ] || { echo "pictures.sh: no folder $data: set TERN_DATA" >&2; exit 2; }
[ -d "$fashion" ] || { echo "pictures.sh: no folder $fashion: install dataset-fashion-mnist" >&2; exit 2; }
if [ $# -gt 1 ]; then
    work=$2
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

TERN=$tern "$root/examples/digits_to_fashion.sh" "$data" "$work" 2>/dev/null
echo "nearest neighbours by cosine before the last layer of the first LeNet:"
"$tern" model similar "$work/digits.onnx" --data "$data" 2>/dev/null
echo "Fashion-MNIST, from scratch:"
"$tern" vision train-classifier --data "$fashion" --test "$fashion" \
    --augment mirror=0.5,rotate=0,shear=0,stretch=0,scale=0,shift=0.04 -q \
    -o "$work/fashion.onnx" 2>/dev/null
