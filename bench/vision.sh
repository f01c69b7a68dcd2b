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

# measure SET IMAGES MASKS FOV [evaluation options] -- training options
measure() {
    local set=$1 images=$2 masks=$3 fov=$4 start end extra=() test_fov=() train_fov=()
    shift 4
    while [ "$1" != -- ]; do extra+=("$1"); shift; done
    shift
    [ -d "$data/$set" ] || { echo "vision.sh: no $data/$set: set TERN_DATA" >&2; exit 2; }
    part "$data/$set" "$work/$set" "$images"
    part "$data/$set" "$work/$set" "$masks"
    if [ -n "$fov" ]; then
        part "$data/$set" "$work/$set" "$fov"
        train_fov=(--fov "$work/$set/train/$fov")
        test_fov=(--fov "$work/$set/test/$fov")
    fi
    start=$(date +%s)
    "$tern" vision train --images "$work/$set/train/$images" --masks "$work/$set/train/$masks" "${train_fov[@]}" -q \
        --seed 1 "${threads[@]}" -o "$out/$set.onnx" "$@" 2>/dev/null >/dev/null
    end=$(date +%s)
    echo "$set: trained in $((end - start)) s"
    "$tern" vision evaluate "$out/$set.onnx" --images "$work/$set/test/$images" --masks "$work/$set/test/$masks" \
        "${test_fov[@]}" --json -q "${threads[@]}" "${extra[@]}" >"$work/$set.json"
    tr ',{}' '\n' <"$work/$set.json" | grep -E '"(iou|dice|accuracy|auc|boundary|n)"' | tr -d '"' | paste -sd' '
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
        drive) measure drive image vessel fov --tta -- --depth 3 --crops 12 --foreground 0.6 --batch 4 --lr 0.003 \
            --epochs 60 ;;
        isbi) measure isbi image label '' --tta -- --depth 4 --crop 256 --crops 4 --batch 4 --lr 0.003 --epochs 110 \
            --augment rotate=0,scale=0 ;;
        horses) measure horses image mask '' --tta -- ;;
        photo) photo ;;
        *) echo "vision.sh: there is no '$job'" >&2; exit 2 ;;
    esac
done
