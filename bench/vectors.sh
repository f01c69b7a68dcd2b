#!/bin/bash
# Word vectors of the 25,000 film reviews in imdb.train.tsv: seconds, words a second and processor
# seconds for each number of threads, whether the bits are the same, a few neighbours; then what they
# are for, sentiment of sentences (MR) with them against without, by cross-validation.
#   bench/vectors.sh [TERN] [OPTIONS of tern text vectors...]
# THREADS="1 2" are measured; FOLDS=10 (0: no cross-validation); the data are found in TERN_DATA or
# ../shared/data.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}/text
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "vectors.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -f "$data/imdb.train.tsv" ] || { echo "vectors.sh: no $data/imdb.train.tsv: set TERN_DATA" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for threads in ${THREADS:-1 2}; do
    TIMEFORMAT="%R %U"
    { time "$tern" text vectors --data "$data/imdb.train.tsv" --dim 300 "$@" --threads "$threads" \
        -o "$work/$threads.vec" 2>"$work/log" >/dev/null; } 2>"$work/time"
    read -r seconds processor <"$work/time"
    echo "threads $threads: $seconds s in all, $processor s of processors, $(tail -n 1 "$work/log")"
    cmp -s "$work/$threads.vec" "$work/first.vec" 2>/dev/null && echo "  the same bits"
    [ -e "$work/first.vec" ] || mv "$work/$threads.vec" "$work/first.vec"
done
"$tern" text similar "$work/first.vec" good terrible actor boring --top 6
[ "${FOLDS:-10}" -gt 0 ] || exit 0
echo "without:"
"$tern" text cross-validate --data "$data/mr.tsv" --folds "${FOLDS:-10}"
echo "with:"
"$tern" text cross-validate --data "$data/mr.tsv" --folds "${FOLDS:-10}" --vectors "$work/first.vec"
