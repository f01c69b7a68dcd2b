#!/bin/bash
# Masks of retinal vessels (DRIVE), cell membranes (ISBI 2012) and horses (Weizmann): trains on the pictures whose
# number is not divisible by 4, measures on the others, which nothing looks at before. Then a photo of 4000x3000.
#   bench/vision.sh [TERN] [drive|isbi|horses|photo ...]
# The data are found in TERN_DATA or ../shared/data; THREADS=N sets threads; models stay in OUT if it is set.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}
. "$root/bench/parts.sh"
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ -x "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "vision.sh: no command $tern: build first, or name it" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${OUT:-$work}
mkdir -p "$out"
threads=(${THREADS:+--threads "$THREADS"})

# prepare SET IMAGES MASKS FOV: parts them; the others are about this set from now on.
prepare() {
    local kind
    set_=$1 train_data=() test_data=()
    [ -d "$data/$1" ] || { echo "vision.sh: no $data/$1: set TERN_DATA" >&2; exit 2; }
    for kind in "$2" "$3" $4; do part "$data/$1" "$work/$1" "$kind"; done
    train_data=(--images "$work/$1/train/$2" --masks "$work/$1/train/$3" ${4:+--fov "$work/$1/train/$4"})
    test_data=(--images "$work/$1/test/$2" --masks "$work/$1/test/$3" ${4:+--fov "$work/$1/test/$4"})
}

# learn [OPTIONS of tern vision train...]
learn() {
    local start
    start=$(date +%s)
    "$tern" vision train "${train_data[@]}" -q --seed 1 "${threads[@]}" -o "$out/$set_.onnx" "$@" 2>/dev/null >/dev/null
    echo "$set_: trained in $(($(date +%s) - start)) s"
}

# judge [OPTIONS of tern vision evaluate...]
judge() {
    "$tern" vision evaluate "$out/$set_.onnx" "${test_data[@]}" --json -q "${threads[@]}" "$@" >"$work/$set_.json"
    tr ',{}' '\n' <"$work/$set_.json" | grep -E '"(iou|dice|accuracy|auc|boundary|rand|warping|n)"' | tr -d '"' |
        paste -sd' '
}

photo() {
    local model=$root/examples/models/cells.onnx
    # colour, as cameras make it; a row of letters again and again
    awk 'BEGIN {
        for (i = 0; i < 12000; i++) row = row sprintf("%c", 97 + i * 7 % 23)
        printf "P6\n4000 3000\n255\n"
        for (i = 0; i < 3000; i++) printf "%s", row
    }' >"$work/photo.ppm"
    /usr/bin/time -f 'photo of 4000x3000: %e s, %M KB' "$tern" vision segment "$model" "$work/photo.ppm" \
        -o "$work/photo.png" --memory 150 -q "${threads[@]}"
}

for job in ${@:-drive isbi horses photo}; do
    case $job in
        drive)
            prepare drive image vessel fov
            learn --depth 3 --crops 12 --foreground 0.6 --batch 4 --lr 0.003 --epochs 60
            judge --tta ;;
        isbi)
            # Masks lie off the membranes: evaluate's offset on the pictures of training, for a network that was
            # trained without this. The mean of a network and two that went on from it is better than each.
            prepare isbi image label ''
            options=(--crop 256 --crops 4 --batch 4) off=mask_x=-0.2,mask_y=-0.6
            learn "${options[@]}" --depth 4 --lr 0.003 --epochs 90 --augment $off,rotate=0,scale=0
            mv "$out/isbi.onnx" "$out/isbi_first.onnx"
            options+=(--init "$out/isbi_first.onnx")
            learn "${options[@]}" --seed 2 --lr 0.001 --epochs 20 --augment $off,rotate=0,scale=0
            mv "$out/isbi.onnx" "$out/isbi_second.onnx"
            learn "${options[@]}" --seed 3 --lr 0.002 --epochs 27 --ema 0.998 --augment $off,rotate=15,scale=0.1,elastic=2
            mv "$out/isbi.onnx" "$out/isbi_third.onnx"
            "$tern" model average "$out"/isbi_{first,second,third}.onnx -o "$out/isbi.onnx"
            judge --rand --warping ;;
        horses)
            prepare horses image mask ''
            learn --size 160 --epochs 38
            judge --tta ;;
        photo) photo ;;
        *) echo "vision.sh: there is no '$job'" >&2; exit 2 ;;
    esac
done
