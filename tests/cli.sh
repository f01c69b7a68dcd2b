#!/bin/bash
# The command from outside: exit codes, sentences, JSON, Ctrl-C and resuming, full disks, damaged models.
# Usage: cli.sh SOURCE_FOLDER BUILD_FOLDER (built)
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"
is_json() { python3 -c 'import json,sys
for line in sys.stdin: json.loads(line)'; }

python3 - <<'PYTHON'
import array, math, os, random, wave
random.seed(1)
def write(path, hertz, rate=16000, seconds=0.3):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    n = int(rate * seconds)
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, rate, n, "NONE", ""))
        w.writeframes(array.array("h", (int(12000 * math.sin(2 * math.pi * hertz * i / rate) +
                                            random.uniform(-900, 900)) for i in range(n))).tobytes())
rows = []
for label, hertz in (("low", 300), ("middle", 1100), ("high", 3000)):
    for i in range(8):
        write(f"data/{label}/{i}.wav", hertz * (1 + 0.02 * i))
        rows.append(f"{label}/{i}.wav,{label},{i % 4 + 1},rec{i // 2}")
open("data.csv", "w").write("filename,category,fold,src\n" + "\n".join(rows) + "\n")
open("one.csv", "w").write("filename,category\nlow/0.wav,low\nlow/1.wav,low\n")
open("missing.csv", "w").write("filename,category\nlow/0.wav,low\nhigh/99.wav,high\n")
open("columns.csv", "w").write("file,sound\nlow/0.wav,low\n")
write("low.wav", 310, 44100, 2)
open("empty.wav", "w").close()
whole = open("low.wav", "rb").read()
open("cut.wav", "wb").write(whole[:20])
open("half.wav", "wb").write(whole[:len(whole) // 2])
zero = bytearray(whole)
zero[24:28] = b"\0\0\0\0"
open("zero.wav", "wb").write(zero)
PYTHON
train="$tern audio train --data data --width 0.25 --batch 8 --seed 3 --threads 2"

# ---- usage ----
expect no_arguments 2 "usage: tern" "$tern"
expect help 0 "tern audio train" "$tern" --help
expect group_help 0 "tern audio classify" "$tern" audio --help
for command in "audio train" "audio classify" "audio evaluate" "audio features" "model info"; do
    expect "help_${command/ /_}" 0 "usage: tern $command" "$tern" $command --help
done
for command in audio\ {train,classify,evaluate,features,explain} model\ {info,average,embed,similar} \
    text\ {train,cross-validate,classify,evaluate,tag,vectors,similar} \
    vision\ {train,segment,evaluate,train-classifier,classify,evaluate-classifier,explain,filter}; do
    "$tern" $command --help >help.txt
    expect "help_options_fit_${command// /_}" 0 "" awk '/^  / && length > 100 { print; exit 1 }' help.txt
    # A flag's sentence stands beside it or, where the flag is long, below it.
    expect "help_says_what_options_do_${command// /_}" 0 "" awk '
        bare && substr($0, 1, 30) !~ /^ *$/ { print bare; exit 1 }
        { bare = "" }
        /^ +(-.,)? *--/ && substr($0, 31) ~ /^ *$/ { bare = $0 }' help.txt
done
expect help_is_whole 0 "M5 of Dai" "$tern" audio train --help
expect version 0 "tern $(sed -n "s/^ *version: '\(.*\)',/\1/p" "$1/meson.build" | head -1)" "$tern" --version
expect unknown_group 2 "did you mean 'audio'" "$tern" aduio train
expect unknown_command 2 "did you mean 'train'" "$tern" audio trian
expect group_forgotten 2 "tern audio classify" "$tern" classify
expect unknown_option 2 "did you mean --epochs?" $train -o m.onnx --epoch-s 3
expect option_without_value 2 "--epochs needs a value" $train -o m.onnx --epochs
expect option_no_number 2 "whole number from 1 to 100000, not 'ten'" $train -o m.onnx --epochs ten
expect option_out_of_range 2 "--validate takes a number" $train -o m.onnx --validate 2
expect no_output 2 "-o is missing" $train
expect no_data 2 "--data is missing" "$tern" audio train -o m.onnx
expect output_is_data 2 "that is the name of data" $train -o data.csv
expect output_is_folder 4 "is a folder" $train -o data
expect output_nowhere 4 "nowhere" $train -o nowhere/m.onnx
expect two_validations 2 "exclude each other" $train -o m.onnx --validate 0.2 --validate-folds 1
expect unknown_network 2 "there is no network 'vgg'" $train -o m.onnx --network vgg
expect arguments_swapped 2 "the model comes first" "$tern" audio classify low.wav m.onnx
expect nothing_to_classify 2 "no sound is named" "$tern" audio classify m.onnx
expect resume_without_checkpoint 4 "there is no checkpoint" $train -o m.onnx --resume

# ---- data ----
bad="$tern audio train -o bad.onnx --root data --data"
expect missing_data 4 "nothing.csv" "$tern" audio train -o bad.onnx --data nothing.csv
expect missing_file 4 "missing.csv, line 3: data/high/99.wav" $bad missing.csv
expect one_class 3 "all 2 clips have the label 'low'" $bad one.csv
expect absent_column 3 "file, sound" $bad columns.csv
expect absent_fold 2 "there is no fold '7'; the folds are 1, 2, 3, 4" $bad data.csv --folds 7
[ -e bad.onnx ] && wrong no_model_of_bad_data || passed no_model_of_bad_data

# ---- train, classify, evaluate ----
expect trains 0 "m.onnx: validation accuracy" $train -o m.onnx --epochs 40 --validate 0.25
for file in m.onnx m.jsonl; do
    [ -s $file ] && passed "wrote_$file" || wrong "wrote_$file"
done
[ -e m.ckpt ] && wrong removes_checkpoint || passed removes_checkpoint
is_json <m.jsonl && passed log_is_json || wrong log_is_json
expect classifies 0 "low.wav: low" "$tern" audio classify m.onnx low.wav
expect classifies_top 0 ", " "$tern" audio classify m.onnx low.wav --top 2
"$tern" audio classify m.onnx low.wav data/high/1.wav --json --top 2 >out.json
python3 - <<'PYTHON' && passed classify_json || wrong classify_json "$(cat out.json)"
import json
a, b = [json.loads(line) for line in open("out.json")]
assert a["file"] == "low.wav" and a["label"] == "low" and 0 < a["score"] <= 1, a
assert b["label"] == "high" and len(b["top"]) == 2 and b["top"][0]["label"] == "high", b
assert b["top"][0]["score"] == b["score"] >= b["top"][1]["score"], b
PYTHON
"$tern" audio classify m.onnx - --json <low.wav >stdin.json
grep -q '"file":"-","label":"low"' stdin.json && passed classify_stdin || wrong classify_stdin "$(cat stdin.json)"
expect evaluates 0 "accuracy" "$tern" audio evaluate m.onnx --data data
"$tern" audio evaluate m.onnx --data data.csv --root data --folds 1,2 --json >evaluate.json
python3 - <<'PYTHON' && passed evaluate_json || wrong evaluate_json "$(cat evaluate.json)"
import json
r = json.load(open("evaluate.json"))
assert r["n"] == 12 and 0.9 <= r["accuracy"] <= 1, r
assert len(r["per_class"]) == 3 and sum(map(sum, r["confusion"])) == 12, r
PYTHON
expect model_info 0 "metadata" "$tern" model info m.onnx
expect model_info_text 0 "[1, 32] int64" "$tern" model info "$1/examples/models/sentiment.onnx"
# Shipped models by name, from the build folder as well; a file of that name wins.
expect model_by_name 0 "low.wav: " "$tern" audio classify esc10 low.wav
expect model_by_name_everywhere 0 "[1, 32] int64" "$tern" model info sentiment
cp m.onnx esc10
expect file_before_name 0 "low.wav: low" "$tern" audio classify esc10 low.wav
rm esc10
expect name_of_no_model 4 "models that are installed: cells, esc10, sentiment" "$tern" audio classify esc11 low.wav
expect start_by_name 0 "start.onnx: " "$tern" audio train --data data -o start.onnx --epochs 1 --init esc10 --freeze-until all-but-last
"$tern" model info m.onnx --json >info.json
python3 - <<'PYTHON' && passed model_info_json || wrong model_info_json "$(cat info.json)"
import json
r = json.load(open("info.json"))
assert r["metadata"]["tern.labels"] == ["high", "low", "middle"] and r["parameters"] > 0, r
assert sum(n["parameters"] for n in r["nodes"]) == r["parameters"], r
PYTHON
expect features 0 "64 rows, 201 frames" "$tern" audio features low.wav -o low.npy
python3 - <<'PYTHON' && passed features_npy || wrong features_npy
data = open("low.npy", "rb").read()
assert data[:6] == b"\x93NUMPY" and b"(64, 201)" in data[:128]
assert len(data) == 10 + int.from_bytes(data[8:10], "little") + 4 * 64 * 201
PYTHON
expect features_png 0 "64 rows, 201 frames" "$tern" audio features low.wav -o low.png
[ "$(head -c 4 low.png | tail -c 3)" = PNG ] && passed features_png_is_one || wrong features_png_is_one
expect features_ending 2 ".npy" "$tern" audio features low.wav -o low.txt
expect features_preset 2 "librosa" "$tern" audio features low.wav -o low.npy --preset nobody

# ---- sounds and models that are none ----
expect sound_missing 4 "gone.wav" "$tern" audio classify m.onnx gone.wav
expect sound_empty 3 "empty.wav" "$tern" audio classify m.onnx empty.wav
expect sound_cut 3 "cut.wav" "$tern" audio classify m.onnx cut.wav
expect sound_half 0 "half.wav: low" "$tern" audio classify m.onnx half.wav
expect sound_zero_hertz 3 "zero.wav" "$tern" audio classify m.onnx zero.wav
expect sound_is_text 3 "data.csv" "$tern" audio classify m.onnx data.csv
expect others_still_classified 4 "low.wav: low" "$tern" audio classify m.onnx gone.wav low.wav
expect model_missing 4 "gone.onnx" "$tern" audio classify gone.onnx low.wav
size=$(stat -c %s m.onnx)
codes=
for bytes in 0 1 2 7 50 200 1000 $((size / 3)) $((size / 2)) $((size - 700)) $((size - 1)); do
    head -c $bytes m.onnx >cut.onnx
    "$tern" audio classify cut.onnx low.wav >/dev/null 2>message
    code=$?
    [ $code -eq 3 ] && grep -q '^tern: ' message || codes="$codes $bytes:$code"
done
[ -z "$codes" ] && passed model_cut_anywhere || wrong model_cut_anywhere "bytes:exit code$codes"

# ---- writing ----
expect full_disk 4 "tern: " $train -o /dev/full --epochs 1 -q
ln -s /dev/full full.npy
expect full_disk_features 4 "tern: " "$tern" audio features low.wav -o full.npy
"$tern" audio classify m.onnx low.wav >/dev/full 2>message
[ $? -eq 4 ] && grep -q '^tern: ' message && passed full_standard_output || wrong full_standard_output

# ---- Ctrl-C and going on; the same bits for any number of threads ----
run="--data data --width 0.25 --batch 8 --seed 5 --validate 0.25 --epochs 30 -q"
"$tern" audio train $run --threads 1 -o straight.onnx >/dev/null || wrong straight_run
stopped=0
for wait in 0.25 0.5 0.5 1; do
    "$tern" audio train $run --threads 2 -o stopped.onnx $([ -e stopped.ckpt ] && echo --resume) \
        >/dev/null 2>message &
    pid=$!
    sleep $wait
    kill -INT $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code -eq 130 ] && stopped=$((stopped + 1)) && cp message stopped_message
    [ $code -eq 130 ] && [ ! -e stopped.ckpt ] && wrong checkpoint_after_interrupt
    [ $code -eq 0 ] && break
done
if [ $stopped -gt 0 ]; then
    grep -q -- --resume stopped_message && passed interrupted || wrong interrupted "$(cat stopped_message)"
else
    skipped interrupted "training was over before it could be stopped"
fi
[ -e stopped.onnx ] || "$tern" audio train $run --threads 2 -o stopped.onnx --resume >/dev/null 2>message ||
    wrong resumes "$(cat message)"
cmp -s straight.onnx stopped.onnx && passed resumed_run_has_the_same_bits ||
    wrong resumed_run_has_the_same_bits "$(sha256sum straight.onnx stopped.onnx)"
exit $failed
