#!/bin/bash
# Word vectors from the command's outside: learning, formats, similar words, threads, Ctrl-C, exit
# codes, sentences. Usage: cli_vectors.sh SOURCE_FOLDER BUILD_FOLDER (built)
golden=$(cd "$1" && pwd)/tests/golden/fasttext
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"

python3 - <<'PYTHON'
import gzip, random
random.seed(1)
def text(topic, words):
    return " ".join("the" if random.random() < .25 else f"{topic}{random.randrange(20)}" for _ in range(words))
with open("a.tsv", "w") as a, open("b.csv", "w") as b, gzip.open("c.txt.gz", "wt") as c:
    a.write("label\tbody\n")
    b.write("label,body\n")
    for _ in range(400):
        a.write("1\t" + text("fish", 12) + "\n")
        b.write('2,"' + text("bird", 12) + '"\n')
        c.write(text("tree", 12) + "\n")
with open("long.txt", "w") as f:
    for _ in range(30000):
        f.write(text(random.choice(["fish", "bird", "tree"]), 40) + "\n")
PYTHON

learn="$tern text vectors --data a.tsv --data b.csv --text-column body --data c.txt.gz --dim 10 --epochs 30
    --lr 0.05 --seed 3"
expect learns 0 "a.vec: 61 words, 10 numbers each" $learn -o a.vec --threads 1
[ "$(head -n 1 a.vec)" = "61 10" ] && [ "$(wc -l <a.vec)" = 62 ] && passed vec_file || wrong vec_file
$learn -o b.vec --threads 3 -q >/dev/null && cmp -s a.vec b.vec && passed same_bits || wrong same_bits
LC_ALL=ru_RU.UTF-8 $learn -o c.vec -q >/dev/null && cmp -s a.vec c.vec && passed locale || wrong locale
expect as_word2vec 0 "a.bin: 61 words" $learn -o a.bin -q
expect as_fasttext 0 "s.bin: 61 words" $learn -o s.bin -q --subwords --buckets 2000
expect subwords_in_text 0 "a name that ends in .bin keeps" $learn -o s.vec --subwords --buckets 2000

# Words of a topic stand beside each other in every text, those of two topics never; "the" stands beside
# all. So the 19 other words of a topic are the nearest, whatever the order of sums.
for file in a.vec a.bin s.bin; do
    "$tern" text similar $file fish3 bird7 --top 60 --json >similar.json
    python3 - <<'PYTHON' && passed "similar_$file" || wrong "similar_$file" "$(cat similar.json)"
import json
rows = [json.loads(line) for line in open("similar.json")]
assert [r["word"] for r in rows] == ["fish3", "bird7"] and all(r["known"] for r in rows), rows
for r in rows:
    topic = [s["cosine"] for s in r["similar"] if s["word"][:4] == r["word"][:4]]
    other = [s["cosine"] for s in r["similar"] if s["word"][:4] != r["word"][:4]]
    assert len(topic) == 19 and len(other) == 41, r
    assert max(other) + 0.05 < min(topic) and 0.9 < min(topic) and max(topic) <= 1.00001, r
PYTHON
done
expect similar 0 "fish" "$tern" text similar a.vec fish3 --top 3
expect unknown 3 "has no word 'fishh3'; did you mean 'fish" "$tern" text similar a.vec fishh3
expect unknown_by_ngrams 0 "fish99 (unknown; by its n-grams)" "$tern" text similar s.bin fish99
expect fasttext_file 0 "птица" "$tern" text similar "$golden/skipgram.bin" птица
expect quantised 3 "quantised" "$tern" text similar "$golden/classifier.ftz" bird

expect no_data 2 "--data is missing" "$tern" text vectors -o x.vec
expect no_output 2 "-o is missing" "$tern" text vectors --data a.tsv
expect output_is_data 2 "would be lost" "$tern" text vectors --data a.tsv -o a.tsv
expect operand 2 "each file of texts is named with --data" "$tern" text vectors a.tsv -o x.vec
expect dimension 2 "--dim" "$tern" text vectors --data a.tsv -o x.vec --dim 5000
expect absent 4 "gone.txt" "$tern" text vectors --data gone.txt -o x.vec
expect no_folder 4 "nowhere" "$tern" text vectors --data a.tsv -o nowhere/x.vec
expect nothing_frequent 3 "vocabulary" "$tern" text vectors --data a.tsv -o x.vec --min-count 100000
expect diverged 5 "learning rate" "$tern" text vectors --data a.tsv -o x.vec --lr 10 --epochs 300 -q
[ ! -e x.vec ] && passed nothing_is_left || wrong nothing_is_left
head -c 3000 a.vec >cut.vec
expect cut_text 3 "cut.vec" "$tern" text similar cut.vec the
head -c 1000 a.bin >cut.bin
expect cut_binary 3 "cut short" "$tern" text similar cut.bin the
sed 's/$/ 1/; 1s/ 1$//' a.vec >wide.vec
expect wrong_dimension 3 "wide.vec, line 2: more than 10 numbers" "$tern" text similar wide.vec the
expect full_disk 4 "tern: " $learn -o /dev/full -q

"$tern" text vectors --data long.txt --dim 100 --epochs 1000 -q -o stopped.vec >/dev/null 2>message &
pid=$!
sleep 3
kill -INT $pid
wait $pid
[ $? -eq 130 ] && grep -q 'stopped early' message && [ "$(head -n 1 stopped.vec)" = "61 100" ] &&
    passed interrupted || wrong interrupted "$(cat message)"
exit $failed
