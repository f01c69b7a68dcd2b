#!/bin/bash
# Texts from outside: training from TSV, CSV and CoNLL, classifying, measuring, tagging, cross-validation, and bad input.
# Usage: cli_text.sh SOURCE_FOLDER BUILD_FOLDER (built)
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"

# Good and bad words among others, in Russian as well; persons and places in sentences of two kinds.
python3 - <<'PYTHON'
import gzip, random
random.seed(5)
good, bad = "good lovely fine great warm умный".split(), "bad dull awful poor cold глупый".split()
others = "the a film story acting one it this was so фильм".split()
def text(words):
    chosen = [random.choice(words) for _ in range(3)] + [random.choice(others) for _ in range(random.randrange(2, 7))]
    random.shuffle(chosen)
    return " ".join(chosen)
rows = [("pos", text(good)) for _ in range(60)] + [("neg", text(bad)) for _ in range(60)]
random.shuffle(rows)
def tsv(path, some): open(path, "w").write("".join(f"{l}\t{t}\n" for l, t in some))
tsv("t.tsv", rows[:90])
tsv("v.tsv", rows[90:])
gzip.open("t.tsv.gz", "wt").write(open("t.tsv").read())
open("t.csv", "w").write("id,mood,words\n" + "".join(f'{i},{l},"{t}, ""indeed"""\n' for i, (l, t) in enumerate(rows[:90])))
names, places, lines = "Anna Carl Bell Dora".split(), "Oslo Bergen Turku Riga".split(), []
for i in range(40):
    person, place = f"{random.choice(names)}\tB-person", f"{random.choice(places)}\tB-place"
    lines += [person, "saw\tO", place, ".\tO", ""] if i % 2 else ["in\tO", place, "sleeps\tO", person, ""]
open("t.conll", "w").write("\n".join(lines) + "\n")
bad_files = {
    "no_tab.tsv": "pos\tgood\nneg bad\npos\tfine\n", "one_label.tsv": "pos\tgood\npos\tfine\n", "blank.tsv": "\n\n",
    "empty_lines.tsv": "pos\tgood film\n\nneg\tbad film\nneg\tbad\npos\tgood\n\n", "unseen.tsv": "pos\tgood film\nsoso\tit was\n",
    "latin.tsv": "pos\tsch\xf6n\nneg\tb\xf6se\npos\tsch\xf6n gut\nneg\tsehr b\xf6se\n", "nul.tsv": "pos\tgood\0film\nneg\tbad\n",
    "long.tsv": "pos\tfine\nneg\t" + "bad " * 2500000 + "\n", "narrow.vec": "2 4\ngood 1 2 3 4\nbad -1 -2 -3\n",
    "cut.vec": "5 4\ngood 1 2 3 4\nbad -1 -2 -3 -4\n", "right.vec": "2 4\ngood 1 2 3 4\nbad -1 -2 -3 -4\n"}
for name, content in bad_files.items(): open(name, "wb").write(content.encode("latin-1"))
PYTHON
train="$tern text train -q --batch 16 --dimension 8 --filters 6 --seed 2 --threads 2"

# ---- training, measuring, using ----
expect help 0 "usage: tern text train" "$tern" text train --help
expect no_data 2 "--data is missing" $train -o m.onnx
expect unknown_network 2 "there are textcnn" $train --data t.tsv --network resnet -o x.onnx
expect trains 0 "validation accuracy 100.0 %" $train --data t.tsv --validate v.tsv --epochs 15 --lr 0.02 --optimizer adamw -o m.onnx
expect trains_on_csv 0 "epoch 2 of 2" $train --data t.csv --text-column words --label-column mood --epochs 2 -o x.onnx
expect wrong_column 3 "no column is named 'text'; there are: id, mood, words" $train --data t.csv -o x.onnx
expect trains_on_gzip 0 "epoch 2 of 2" $train --data t.tsv.gz --epochs 2 -o zipped.onnx
$train --data t.tsv --epochs 2 -o plain.onnx >/dev/null 2>&1
for words in 'lovely acting' 'dull'; do
    [ "$("$tern" text classify zipped.onnx "$words" --json)" = "$("$tern" text classify plain.onnx "$words" --json)" ] ||
        wrong gzip_is_the_same "$words"
done
expect vectors 0 "epoch 2 of 2" $train --data t.tsv --vectors right.vec --dimension 4 --epochs 2 -o x.onnx
expect network_ngrams 0 "epoch 2 of 2" $train --data t.tsv --network ngrams --buckets 100 --epochs 2 -o x.onnx
expect classifies 0 "pos" "$tern" text classify m.onnx "a good, lovely film"
expect classifies_by_name 0 "positive" "$tern" text classify sentiment "a good, lovely film"
expect explains 0 "[+" "$tern" text classify m.onnx --explain "the film was awful"
expect model_info 0 "tern.text" "$tern" model info m.onnx
"$tern" text classify m.onnx --json "a good, lovely film" "awful awful" "умный фильм" >answers.jsonl
printf 'a good, lovely film\nawful awful\n\nумный фильм\n' | "$tern" text classify m.onnx - --json --top 2 >lines.jsonl
"$tern" text evaluate m.onnx --data v.tsv --json >scores.json
"$tern" text cross-validate --data t.tsv --folds 3 --epochs 10 --lr 0.02 --optimizer adamw --batch 16 --dimension 8 --filters 6 \
    --threads 2 --json -q >folds.json
python3 - <<'PYTHON' && passed json || wrong json "$(cat answers.jsonl lines.jsonl scores.json folds.json)"
import json
answers = [json.loads(line) for line in open("answers.jsonl")]
lines = [json.loads(line) for line in open("lines.jsonl")]
assert [a["label"] for a in answers] == ["pos", "neg", "pos"], answers
assert [a["text"] for a in lines] == ["a good, lovely film", "awful awful", "", "умный фильм"], lines
for one, line in zip(answers, lines[:2] + lines[3:]):
    assert one["text"] == line["text"] and one["label"] == line["label"], (one, line)
    assert abs(one["score"] - line["score"]) < 1e-5 and len(line["top"]) == 2, (one, line)
scores = json.load(open("scores.json"))
assert scores["accuracy"] == 1 and scores["n"] == 30 and scores["macro_f1"] == 1, scores
assert [c["label"] for c in scores["per_class"]] == ["neg", "pos"], scores
assert sum(map(sum, scores["confusion"])) == 30, scores
folds = json.load(open("folds.json"))
assert folds["n"] == 90 and len(folds["folds"]) == 3 and folds["accuracy"] > 0.9, folds
PYTHON
expect resume_without_checkpoint 4 "there is no checkpoint new.ckpt" $train --data t.tsv --resume -o new.onnx

# ---- tags ----
tagger="$tern text train -q --data t.conll --network tagger --width 0.2 --dimension 12 --batch 8 --seed 1 --threads 2 --lr 0.02"
expect trains_a_tagger 0 "epoch 12 of 12" $tagger --epochs 12 -o tags.onnx
"$tern" text tag tags.onnx --json "Dora saw Turku ." >tags.json
printf 'Dora saw Turku .\n' | "$tern" text tag tags.onnx --json >tags_of_lines.json
cmp -s tags.json tags_of_lines.json && passed tags_of_standard_input || wrong tags_of_standard_input "$(cat tags_of_lines.json)"
python3 - <<'PYTHON' && passed tags_json || wrong tags_json "$(cat tags.json)"
import json
found = json.load(open("tags.json"))
assert found["text"] == "Dora saw Turku .", found
assert {(e["text"], e["type"]) for e in found["entities"]} == {("Dora", "person"), ("Turku", "place")}, found
PYTHON
expect info_of_two_inputs 0 "[1, 32, 24] int64" "$tern" model info tags.onnx
expect info_of_given_inputs 0 "subwords [2, 7, 24] int64" "$tern" model info tags.onnx --input 2,7:2,7,24
expect info_of_one_shape_for_two 2 "of which the model has 2; not '2,7'" "$tern" model info tags.onnx --input 2,7
expect info_of_three_shapes_for_two 2 "of which the model has 2" "$tern" model info tags.onnx --input 2,7:2,7,24:1
expect tags_measured 0 "F1" "$tern" text evaluate tags.onnx --data t.conll
expect tagger_does_not_classify 3 "to every token, not to a whole text" "$tern" text classify tags.onnx "Dora"
expect classifier_does_not_tag 3 "to a whole text, not to every token" "$tern" text tag m.onnx "Dora"

# ---- what is read is not written over ----
cp t.tsv keep.tsv
cp t.tsv over.jsonl && cp t.tsv taken.ckpt && ln -s t.tsv link.jsonl
small="--epochs 1 --dimension 8 --filters 2"
expect log_over_data 2 "over.jsonl is to be the log" $train --data over.jsonl $small -o over.onnx
expect checkpoint_over_data 2 "taken.ckpt is to be the checkpoint" $train --data taken.ckpt $small -o taken.onnx
expect linked_log_over_data 2 "link.jsonl is to be the log" $train --data t.tsv $small -o x.onnx --log link.jsonl
expect checkpoint_over_validation 2 "is to be the checkpoint" $train --data keep.tsv --validate t.tsv $small -o x.onnx --checkpoint t.tsv
expect model_over_init 2 "m.onnx is to be the model" $train --data t.tsv --init m.onnx --epochs 1 -o m.onnx
expect log_over_model 2 "they are the same file" $train --data t.tsv $small -o y.onnx --log y.onnx
expect checkpoint_over_a_text 2 "something else" $train --data t.tsv $small -o x.onnx --checkpoint keep.tsv
expect vectors_over_data 2 "would be lost" "$tern" text vectors --data keep.tsv --data t.tsv -o link.jsonl
expect average_over_a_model 2 "would be lost" "$tern" model average m.onnx m.onnx -o m.onnx
expect vectors_over_model 2 "would be lost" "$tern" model embed m.onnx "a film" -o m.onnx
for file in t.tsv over.jsonl taken.ckpt; do
    cmp -s $file keep.tsv && passed "kept_$file" || wrong "kept_$file" "$file is not what it was"
done
[ -e y.onnx ] && wrong nothing_begun || passed nothing_begun

# ---- a model that goes to a pipe has no checkpoint to go on from ----
(
    trap - INT
    exec $train --data t.tsv --epochs 100000 --dimension 8 --filters 2 -o /dev/stdout 2>pipe_message
) | cat >pipe_model &
for _ in $(seq 100); do
    pid=$(pgrep -P $$ -f "epochs 100000 --dimension 8 --filters 2 -o /dev/stdout" | head -1) && [ -n "$pid" ] && break
    sleep 0.1
done
sleep 0.5
kill -INT "$pid"
wait
grep -q "there is no checkpoint to go on from" pipe_message && [ ! -s pipe_model ] && passed interrupted_pipe ||
    wrong interrupted_pipe "$(cat pipe_message)"
$train --data t.tsv $small -o /dev/stdout >piped.onnx 2>pipe_message
expect model_through_a_pipe 0 "tern.text" "$tern" model info piped.onnx

# ---- files that are none, or of another kind ----
expect no_tab 3 "no_tab.tsv, line 2: there is no TAB" $train --data no_tab.tsv -o bad.onnx
expect one_label 3 "have the label 'pos'" $train --data one_label.tsv -o bad.onnx
expect nothing_in_it 3 "there are no texts" $train --data blank.tsv -o bad.onnx
expect nul_byte 3 "nul.tsv, line 1: a NUL byte" $train --data nul.tsv -o bad.onnx
expect line_of_10_mb 3 "long.tsv, line 2: the row is longer than 1048576 bytes" $train --data long.tsv -o bad.onnx
expect missing_file 4 "gone.tsv" $train --data gone.tsv -o bad.onnx
expect vectors_of_another_size 3 "narrow.vec, line 3: 4 fields" $train --data t.tsv --vectors narrow.vec --dimension 4 -o bad.onnx
expect vectors_cut 3 "cut.vec: cut short" $train --data t.tsv --vectors cut.vec --dimension 4 -o bad.onnx
expect vectors_of_other_dimension 2 "vectors of 4 numbers, 8 per word are asked for" $train --data t.tsv --vectors right.vec -o bad.onnx
expect empty_vocabulary 3 "vocabulary: it would be empty" $train --data t.tsv --min-count 1000 -o bad.onnx
[ -e bad.onnx ] && wrong no_model_of_bad_data || passed no_model_of_bad_data
expect empty_lines 0 "empty lines were skipped" $train --data empty_lines.tsv --epochs 1 -o x.onnx
expect latin 0 "4 texts are not UTF-8, the first in line 1" $train --data latin.tsv --epochs 1 -o x.onnx
expect label_never_seen 3 "unseen.tsv, line 2: label 'soso' is none of the model's 2" "$tern" text evaluate m.onnx --data unseen.tsv
head -c 2000 m.onnx >cut.onnx
expect model_cut 3 "cut.onnx" "$tern" text classify cut.onnx good
exit $failed
