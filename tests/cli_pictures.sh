#!/bin/bash
# Names of pictures from outside: training, classifying, measuring, looking inside, vectors, transfer, and bad input.
# Usage: cli_pictures.sh SOURCE_FOLDER BUILD_FOLDER (built)
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"
models=$1/examples/models

# Stripes across, stripes down, spots: 16 x 16, in a folder each and as idx files.
python3 - <<'PYTHON'
import array, gzip, math, os, random, struct, wave
random.seed(3)
def pnm(path, width, height, pixels, kind="P5"):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "wb").write(f"{kind}\n{width} {height}\n255\n".encode() + bytes(pixels))
def grey(label, width=16, height=16):
    phase, step = random.random() * 6, 0.9 + 0.2 * random.random()
    def value(x, y):
        if label == "across": return math.sin(step * y + phase)
        if label == "down": return math.sin(step * x + phase)
        return 1 if math.hypot(x - width / 2, y - height / 2) < 5 + phase / 6 else -1
    return [max(0, min(255, int(128 + 90 * value(x, y) + random.gauss(0, 12)))) for y in range(height) for x in range(width)]
names = ("across", "down", "spot")
for label in names:
    for i in range(10): pnm(f"data/{label}/{i}.pgm", 16, 16, grey(label))
    for i in range(4): pnm(f"more/{label}/{i}.pgm", 16, 16, grey(label))
large = [v for y in range(32) for v in [round(128 + 90 * math.sin(y * 0.45))] * 40]
pnm("large.pgm", 40, 32, large)
pnm("large.ppm", 40, 32, [v for v in large for _ in range(3)], "P6")
for i in range(8):
    for label, shade in (("light", 188), ("dark", 68)):
        pnm(f"shades/{label}/{i}.pgm", 16, 16, [shade + random.randrange(-40, 40) for _ in range(256)])
for i in range(4): pnm(f"lonely/many/{i}.pgm", 16, 16, grey("down"))
pnm("lonely/one/0.pgm", 16, 16, grey("spot"))
os.makedirs("empty")
def idx(folder, pictures, labels, side=16):
    os.makedirs(folder)
    body = struct.pack(">IIII", 0x803, len(pictures), side, side) + b"".join(bytes(p) for p in pictures)
    gzip.open(f"{folder}/train-images-idx3-ubyte.gz", "wb").write(body)
    open(f"{folder}/train-labels-idx1-ubyte", "wb").write(struct.pack(">II", 0x801, len(labels)) + bytes(labels))
labels = [i % 3 for i in range(30)]
pictures = [grey(names[l]) for l in labels]
idx("idx", pictures, labels)
idx("fewer", pictures, labels[:-1])
with wave.open("tone.wav", "wb") as w:
    w.setparams((1, 2, 16000, 80000, "NONE", ""))
    w.writeframes(array.array("h", (int(9000 * math.sin(0.2 * i) * math.exp(-(i % 8000) / 2000)) for i in range(80000))).tobytes())
PYTHON
train="$tern vision train-classifier --threads 2 --seed 1 -q"
lenet="$train --network lenet --scale 0.5 --size 16x16 --batch 10"

# ---- training and using ----
expect help 0 "--cutmix" "$tern" vision train-classifier --help
expect trains 0 "validation accuracy 100.0 %" $lenet --data data --validate more --epochs 25 --augment crop=0.2 -o m.onnx
expect idx_files 0 "test: accuracy" $lenet --data idx --labels across,down,spot --epochs 20 --test more -o i.onnx
expect mixes 0 "epoch 2 of 2" $lenet --data data --cutmix 1 --mixup 0.2 --epochs 2 -o mixed.onnx
expect bad_cutmix 2 "--cutmix takes a number from 0 to 10" $lenet --data data --cutmix -1 -o x.onnx
expect classifies 0 "down" "$tern" vision classify m.onnx more/down/1.pgm
expect another_size_and_colour 0 "large.ppm: across" "$tern" vision classify m.onnx large.ppm
"$tern" vision classify m.onnx more/spot/*.pgm large.pgm --top 3 --json >answers.jsonl
"$tern" vision evaluate-classifier m.onnx --data more --json --confusion confusion.png -q >scores.json
python3 - <<'PYTHON' && passed json || wrong json "$(cat answers.jsonl scores.json)"
import json
answers = [json.loads(line) for line in open("answers.jsonl")]
assert [a["label"] for a in answers] == 4 * ["spot"] + ["across"], answers
assert answers[0]["file"] == "more/spot/0.pgm" and len(answers[0]["top"]) == 3, answers
assert abs(sum(t["score"] for t in answers[0]["top"]) - 1) < 1e-4, answers
scores = json.load(open("scores.json"))
assert scores["accuracy"] == 1 and scores["n"] == 12, scores
assert scores["confusion"] == [[4, 0, 0], [0, 4, 0], [0, 0, 4]], scores
assert [c["label"] for c in scores["per_class"]] == ["across", "down", "spot"], scores
def size(path):
    data = open(path, "rb").read(24)
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
assert min(size("confusion.png")) > 50
PYTHON
expect model_info 0 "picture [1, 1, 16, 16]" "$tern" model info m.onnx

# ---- looking inside ----
for view in cam saliency filters maps; do
    expect explain_$view 0 "" "$tern" vision explain m.onnx more/spot/1.pgm --view $view -o $view.png
    [ "$(head -c 4 $view.png | tail -c 3)" = PNG ] && passed drew_$view || wrong drew_$view
done
expect unknown_view 2 "there are cam, saliency, filters and maps" "$tern" vision explain m.onnx large.pgm --view x -o x.png
for kernel in edge edge-cross edge-diagonal sharpen box gaussian 0,0,0,0,1,0,0,0,0; do
    expect filter_$kernel 0 "" "$tern" vision filter large.pgm --kernel $kernel -o filtered.pgm
done
cmp -s filtered.pgm large.pgm && passed one_in_the_middle_changes_nothing || wrong one_in_the_middle_changes_nothing
expect audio_explain 0 "what speaks for" "$tern" audio explain "$models/esc10.onnx" tone.wav -o sound.png
[ "$(head -c 4 sound.png | tail -c 3)" = PNG ] && passed drew_the_sound || wrong drew_the_sound

# ---- vectors ----
printf 'a fine and lovely film\nan awful, dull mess\n\nlovely\n' >texts.txt
expect embed_pictures 0 "" "$tern" model embed m.onnx more/down/0.pgm more/spot/0.pgm -o pictures.npy
expect embed_a_layer 0 "" "$tern" model embed m.onnx more/down/0.pgm --layer flatten -o flatten.npy
expect embed_sounds 0 "" "$tern" model embed "$models/esc10.onnx" tone.wav -o sounds.npy
mkdir -p tones/high tones/low
cp tone.wav tones/high/1.wav
cp tone.wav tones/low/1.wav
"$tern" audio train --data tones --network pair --width 0.25 --epochs 1 -q -o pair.onnx 2>pair.txt || wrong a_pair "$(cat pair.txt)"
expect embed_no_last_layer 3 "no last layer that could be replaced" "$tern" model embed pair.onnx tone.wav -o x.npy
expect embed_texts 0 "" "$tern" model embed "$models/sentiment.onnx" texts.txt -o texts.npy
"$tern" model embed "$models/sentiment.onnx" - -o stdin.npy <texts.txt && cmp -s texts.npy stdin.npy &&
    passed embed_standard_input || wrong embed_standard_input
expect unknown_layer 2 "there is no node 'gone'" "$tern" model embed m.onnx large.pgm --layer gone -o x.npy
expect embed_no_texts 3 "there is no text" "$tern" model embed "$models/sentiment.onnx" /dev/null -o x.npy
"$tern" model similar m.onnx more/down/0.pgm more/*/1.pgm --json >similar.json
"$tern" model similar "$models/sentiment.onnx" 'a lovely film' texts.txt --top 2 --json >similar_texts.json
python3 - <<'PYTHON' && passed vectors || wrong vectors "$(cat similar.json similar_texts.json)"
import json, struct
def read(path):
    data = open(path, "rb").read()
    start = 10 + int.from_bytes(data[8:10], "little")
    header = data[10:start].decode()
    shape = [int(n) for n in header.split("(")[1].split(")")[0].split(",") if n.strip()]
    values = struct.unpack(f"<{(len(data) - start) // 4}f", data[start:])
    assert "'<f4'" in header and len(shape) == 2 and shape[0] * shape[1] == len(values), header
    return [values[i * shape[1]:(i + 1) * shape[1]] for i in range(shape[0])]
pictures, flatten, texts = read("pictures.npy"), read("flatten.npy"), read("texts.npy")
assert len(pictures) == 2 and len(pictures[0]) == 42 and len(flatten[0]) == 200, (len(pictures[0]), len(flatten[0]))
sounds = read("sounds.npy")
assert len(sounds) == 1 and len(sounds[0]) == 128 and len(texts) >= 3 and texts[0] != texts[1]
found = json.load(open("similar.json"))
assert found["query"] == "more/down/0.pgm" and found["similar"][0]["file"] == "more/down/1.pgm", found
distances = [s["distance"] for s in found["similar"]]
assert len(distances) == 3 and distances == sorted(distances), found
found = json.load(open("similar_texts.json"))
assert found["query"] == "a lovely film" and len(found["similar"]) == 2, found
assert {s["text"] for s in found["similar"]} == {"a fine and lovely film", "lovely"}, found
PYTHON
expect nearest_neighbours 0 "of 12 pictures have the label" "$tern" model similar m.onnx --data more

# ---- transfer ----
expect transfers 0 "epoch 15 of 15" $train --data shades --init m.onnx --freeze-until all-but-last --lr 0.02 --epochs 15 -o t.onnx
expect transfer_works 0 "(16 of 16)" "$tern" vision evaluate-classifier t.onnx --data shades
"$tern" model embed t.onnx more/down/0.pgm more/spot/0.pgm -o frozen.npy 2>message
[ "$(wc -c <frozen.npy)" = "$(wc -c <pictures.npy)" ] && passed same_layers || wrong same_layers "$(cat message)"
expect freeze_without_init 2 "needs a trained model" $train --data shades --freeze-until all-but-last -o bad.onnx
expect freeze_nowhere 2 "there is no node 'gone'" $train --data shades --init m.onnx --freeze-until gone --epochs 1 -o bad.onnx
expect init_of_another_size 2 "sees 16 x 16 pixels of 1 channels" $train --data shades --init m.onnx --size 20x20 -o bad.onnx
expect init_of_other_channels 2 "sees 16 x 16 pixels of 1 channels" $train --data shades --init m.onnx --channels 3 -o bad.onnx

# ---- data that are none ----
expect one_picture_of_a_label 3 "there is one picture of label 'one'" $lenet --data lonely -o bad.onnx
expect empty_folder 3 "no file in it is a picture" $lenet --data empty -o bad.onnx
expect missing_folder 4 "gone" $lenet --data gone -o bad.onnx
expect counts_disagree 3 "holds 30 pictures, but fewer/train-labels-idx1-ubyte holds 29 labels" $lenet --data fewer -o bad.onnx
head -c 400 idx/train-images-idx3-ubyte.gz >fewer/train-images-idx3-ubyte.gz
expect idx_cut 3 "train-images-idx3-ubyte.gz" $lenet --data fewer -o bad.onnx
expect other_labels 3 "the label 'dark' is none of the 3 given" "$tern" vision evaluate-classifier m.onnx --data shades
expect no_classifier 3 "tern" "$tern" vision classify "$models/cells.onnx" large.pgm
head -c 300 large.pgm >cut.pgm
expect picture_cut 3 "cut.pgm" "$tern" vision classify m.onnx cut.pgm
[ -e bad.onnx ] && wrong no_model_of_bad_data || passed no_model_of_bad_data
exit $failed
