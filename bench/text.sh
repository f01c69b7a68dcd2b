#!/bin/bash
# What text networks reach, measured by the command alone on the shared data
# (TERN_DATA or ../shared/data). bench/text.sh [TERN] [FOLDER FOR MODELS]; takes a good hour on one core, most of
# it for the folds. Word vectors are trained first, on the reviews of imdb.train.tsv.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tern=${1:-$root/build/cli/tern}
out=${2:-$(mktemp -d)}
data=${TERN_DATA:-$root/../shared/data}/text
[ -e "$data/mr.tsv" ] || { echo "bench/text.sh: $data/mr.tsv is not there; set TERN_DATA" >&2; exit 2; }

say() { printf '%-44s %s\n' "$1" "$2"; }
last() { tail -n 1 | grep -o '[0-9.]* %' | head -n 1; }
# A tenth of a file, every tenth line, to validate on.
cut_tenth() {
    awk -v t="$out/$1.train.tsv" -v v="$out/$1.dev.tsv" '{ print > (NR % 10 == 4 ? v : t) }' "$data/$2"
}
train() { "$tern" text train --quiet "${@:2}" -o "$out/$1.onnx" | last; }

vectors=$out/imdb300.vec
[ -e "$vectors" ] ||
    "$tern" text vectors --data "$data/imdb.train.tsv" --dim 300 -o "$vectors" --quiet
cut_tenth trec trec.train.tsv
cut_tenth subj subj.tsv
cut_tenth imdb imdb.train.tsv
say "SST-2 dev, its training sentences alone" \
    "$(train sst2 --data "$data/sst2.train.tsv" --validate "$data/sst2.dev.tsv" --network ngrams)"
say "SST-2 dev, IMDB vectors" \
    "$(train sst2v --data "$data/sst2.train.tsv" --validate "$data/sst2.dev.tsv" --vectors "$vectors")"
say "TREC, a tenth held out" "$(train trec --data "$out/trec.train.tsv" --validate "$out/trec.dev.tsv")"
say "TREC, the same with IMDB vectors" \
    "$(train trecv --data "$out/trec.train.tsv" --validate "$out/trec.dev.tsv" --vectors "$vectors" --lr 0.002 --word-dropout 0.02)"
say "Subj, a tenth held out" "$(train subj --data "$out/subj.train.tsv" --validate "$out/subj.dev.tsv")"
say "IMDB, a tenth held out, ngrams" \
    "$(train imdb --data "$out/imdb.train.tsv" --validate "$out/imdb.dev.tsv" --network ngrams --epochs 6)"
"$tern" text train --quiet --data "$data/wnut17.train.conll" --validate "$data/wnut17.dev.conll" --epochs 10 \
    -o "$out/wnut.onnx" >/dev/null
say "WNUT-17 dev, entity F1" \
    "$("$tern" text evaluate "$out/wnut.onnx" --data "$data/wnut17.dev.conll" | head -n 1)"
say "MR, 10 folds, random vectors" \
    "$("$tern" text cross-validate --data "$data/mr.tsv" --quiet | grep '^mean')"
say "MR, 10 folds, IMDB vectors" \
    "$("$tern" text cross-validate --data "$data/mr.tsv" --vectors "$vectors" --quiet | grep '^mean')"
