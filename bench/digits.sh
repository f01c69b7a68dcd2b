#!/bin/bash
# Spoken digits, one speaker left out: trains on four speakers, measures on the fifth, for each of the five.
#   bench/digits.sh [TERN] [OPTIONS of tern audio train...]
# SPEAKERS="george lucas" chooses who is left out; the data are found in TERN_DATA or ../shared/data.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}/fsdd
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "digits.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -d "$data" ] || { echo "digits.sh: no folder $data: set TERN_DATA" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# digit_speaker_index.wav
(cd "$data" && ls | grep '\.wav$') | awk -F_ 'BEGIN { print "filename,digit,speaker" } { print $0 "," $1 "," $2 }' \
    >"$work/digits.csv"
all=$(tail -n +2 "$work/digits.csv" | cut -d, -f3 | sort -u)
columns="--root $data --label-column digit --fold-column speaker"
for speaker in ${SPEAKERS:-$all}; do
    rest=$(echo "$all" | grep -vx "$speaker" | paste -sd,)
    start=$(date +%s.%N)
    "$tern" audio train --data "$work/digits.csv" $columns --folds "$rest" -q -o "$work/model.onnx" "$@" \
        2>/dev/null >/dev/null
    end=$(date +%s.%N)
    "$tern" audio evaluate "$work/model.onnx" --data "$work/digits.csv" $columns --folds "$speaker" \
        --json -q >"$work/result.json"
    accuracy=$(sed 's/.*"accuracy": *\([0-9.eE+-]*\).*/\1/' "$work/result.json" | head -1)
    awk -v f="$speaker" -v a="$accuracy" -v s="$start" -v e="$end" \
        'BEGIN { printf "%s: accuracy %.2f %%, %.0f s\n", f, 100 * a, e - s }'
    echo "$accuracy" >>"$work/all"
done
awk '{ s += $1; n++ } END { printf "mean of %d speakers: %.2f %%\n", n, 100 * s / n }' "$work/all"
