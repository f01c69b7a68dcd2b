#!/bin/bash
# Makes the files of this folder with fastText itself (Debian's package fasttext, 0.9.2): a tiny
# skip-gram model with sub-words, the same as .vec, vectors of words it knows and does not know, and
# classifiers, plain and quantised. Usage: make.sh, in this folder, with fasttext on the path.
set -euo pipefail
corpus=$(mktemp)
trap 'rm -f "$corpus" "$corpus".*' EXIT
for i in 1 2 3 4 5 6; do
    echo "the quick bird flies over the quiet sea"
    echo "a quiet bird sleeps near the sea"
    echo "тихая птица летит над морем"
    echo "the naïve fish swims in the deep sea"
done >"$corpus"
fasttext skipgram -input "$corpus" -output skipgram -dim 5 -bucket 60 -minn 3 -maxn 5 -minCount 1 \
    -epoch 60 -lr 0.5 -thread 1 -verbose 0
printf '%s\n' bird quickly птицы sea море naive q '</s>' |
    fasttext print-word-vectors skipgram.bin >words.txt
for i in $(seq 1 40); do
    echo "__label__bird the quiet bird flies $i"
    echo "__label__fish the deep fish swims $i"
done >"$corpus.labelled"
fasttext supervised -input "$corpus.labelled" -output classifier -dim 4 -bucket 300 -wordNgrams 2 \
    -epoch 5 -thread 1 -verbose 0
rm classifier.vec
fasttext print-word-vectors classifier.bin <<<'bird' >classifier.txt
fasttext quantize -input "$corpus.labelled" -output classifier -dsub 2 -verbose 0
