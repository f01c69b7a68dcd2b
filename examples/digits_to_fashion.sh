#!/bin/bash
# A lecture's example: LeNet learns digits from scratch; then only its last layer learns clothes, with all that
# comes before frozen as the digits made it. Needs the command (examples/run builds it), the four idx files of
# MNIST in a folder, and Debian's dataset-fashion-mnist.
# Usage: examples/digits_to_fashion.sh MNIST [FOLDER FOR THE MODELS]
set -euo pipefail
build=$(dirname "$0")/../build
tern=${TERN:-$build/cli/tern}
fashion=/usr/share/datasets/fashion-mnist
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: digits_to_fashion.sh MNIST [FOLDER FOR THE MODELS]" >&2; exit 2; }
[ -x "$tern" ] || { echo "digits_to_fashion.sh: no command $tern: run examples/run, or set TERN" >&2; exit 2; }
[ -d "$fashion" ] || { echo "digits_to_fashion.sh: no $fashion: apt install dataset-fashion-mnist" >&2; exit 2; }
models=${2:-$build/demo}
mkdir -p "$models"

# learn_clothes DIGITS CLOTHES: only the last layer.
learn_clothes() {
    "$tern" vision train-classifier --data "$fashion" --init "$models/$1" --freeze-until all-but-last \
        --no-augmentation --lr 0.005 --epochs 20 --test "$fashion" -o "$models/$2"
}

echo "LeNet learns digits:"
"$tern" vision train-classifier --data "$1" --network lenet --test "$1" -o "$models/digits.onnx"
echo "Its last layer learns clothes:"
learn_clothes digits.onnx clothes.onnx

# The better a small network knows digits, the less of a picture it keeps that digits do not need. One that is
# eight times as wide and learnt in small steps keeps enough for clothes. (With filters drawn at random it does, too:
# here width counts, not what was learnt. Digits are too little to learn from.)
echo "A LeNet eight times as wide, two passes in small steps:"
"$tern" vision train-classifier --data "$1" --network lenet --scale 8 --lr 0.0002 --epochs 2 --test "$1" \
    -o "$models/digits_wide.onnx"
echo "Its last layer learns clothes:"
learn_clothes digits_wide.onnx clothes_wide.onnx
