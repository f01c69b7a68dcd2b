#!/bin/bash
# ESC-10, cross-validation inside folds 1 to 4: trains on three folds, measures on the fourth, never looks at
# the fourth before. Prints accuracy and seconds of training per fold, and the mean.
#   bench/esc10.sh [TERN] [OPTIONS of tern audio train...]
# FOLDS="1 2 3 4" chooses which folds are measured; the data are found in TERN_DATA or ../shared/data.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}/esc10
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "esc10.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -f "$data/esc10.csv" ] || { echo "esc10.sh: no $data/esc10.csv: set TERN_DATA" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all="1 2 3 4"
for fold in ${FOLDS:-$all}; do
    rest=$(echo $all | tr ' ' '\n' | grep -vx "$fold" | paste -sd,)
    start=$(date +%s.%N)
    "$tern" audio train --data "$data/esc10.csv" --root "$data/ogg" --group-column src_file \
        --folds "$rest" -q -o "$work/model.onnx" "$@" 2>/dev/null >/dev/null
    end=$(date +%s.%N)
    "$tern" audio evaluate "$work/model.onnx" --data "$data/esc10.csv" --root "$data/ogg" \
        --folds "$fold" --json -q >"$work/result.json"
    accuracy=$(sed 's/.*"accuracy": *\([0-9.eE+-]*\).*/\1/' "$work/result.json" | head -1)
    awk -v f="$fold" -v a="$accuracy" -v s="$start" -v e="$end" \
        'BEGIN { printf "fold %s: accuracy %.2f %%, %.0f s\n", f, 100 * a, e - s }'
    echo "$accuracy" >>"$work/all"
done
awk '{ s += $1; n++ } END { printf "mean of %d folds: %.2f %%\n", n, 100 * s / n }' "$work/all"
