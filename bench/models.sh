#!/bin/bash
# Trains the models that are shipped in examples/models anew.
#   bench/models.sh [TERN] [esc10|cells|sentiment ...]
# The data are found in TERN_DATA or ../shared/data; models go to OUT, or over the shipped ones.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}
. "$root/bench/parts.sh"
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ -x "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "models.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -d "$data" ] || { echo "models.sh: no folder $data: set TERN_DATA" >&2; exit 2; }
out=${OUT:-$root/examples/models}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Folds 1 to 4; the fifth judges.
esc10() {
    "$tern" audio train --data "$data/esc10/esc10.csv" --root "$data/esc10/ogg" --group-column src_file \
        --folds 1,2,3,4 -q -o "$out/esc10.onnx" --log "$work/log"
}

# The slices that do not judge; their masks lie off the membranes (see vision.sh).
cells() {
    part "$data/isbi" "$work" image
    part "$data/isbi" "$work" label
    "$tern" vision train --images "$work/train/image" --masks "$work/train/label" --crop 192 --crops 6 --depth 3 \
        --epochs 60 --augment mask_x=-0.2,mask_y=-0.6 --seed 1 -q -o "$out/cells.onnx" --log "$work/log"
}

# Sentences of MR and SST-2, each once, without those of SST-2's development set, which judge.
sentiment() {
    awk -F '\t' '
        { key = tolower($2); gsub(/[^a-z0-9]/, "", key) }
        FILENAME ~ /dev/ { held[key]; next }
        !(key in held) && !seen[key]++ { print ($1 ? "positive" : "negative") "\t" $2 }' \
        "$data/text/sst2.dev.tsv" "$data/text/mr.tsv" "$data/text/sst2.train.tsv" >"$work/sentences.tsv"
    "$tern" text train --data "$work/sentences.tsv" --min-count 3 --dimension 48 -q \
        -o "$out/sentiment.onnx" --log "$work/log"
}

for model in ${@:-esc10 cells sentiment}; do
    case $model in
        esc10 | cells | sentiment) $model ;;
        *) echo "models.sh: there is no '$model'" >&2; exit 2 ;;
    esac
done
