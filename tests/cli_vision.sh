#!/bin/bash
# tern vision from outside: training, masks of files, folders and standard input, every kind of output, and bad input.
# Usage: cli_vision.sh SOURCE_FOLDER BUILD_FOLDER (built)
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"

python3 - <<'PYTHON'
import os, random, struct, zlib
random.seed(4)
for d in ("i", "m", "short", "sizes", "black", "test", "two"): os.makedirs(d)
def pnm(path, width, height, pixels, kind="P5", most=255):
    open(path, "wb").write(f"{kind}\n{width} {height}\n{most}\n".encode() + bytes(pixels))
def disc(seed, width=64, height=48):
    r = random.Random(seed)
    x, y, radius = r.randrange(16, width - 16), r.randrange(14, height - 14), r.randrange(7, 12)
    mask = [255 if (u - x) ** 2 + (v - y) ** 2 < radius * radius else 0 for v in range(height) for u in range(width)]
    return [max(0, min(255, int((180 if m else 90) + r.gauss(0, 12)))) for m in mask], mask
for k in range(8):
    picture, mask = disc(k)
    pnm(f"i/p{k}.pgm", 64, 48, picture)
    pnm(f"m/p{k}.pgm", 64, 48, mask)
    if k: pnm(f"short/p{k}.pgm", 64, 48, mask)
    pnm(f"sizes/p{k}.pgm", 64 if k != 3 else 32, 48, mask if k != 3 else mask[:32 * 48])
    pnm(f"black/p{k}.pgm", 64, 48, [0] * (64 * 48))
picture, mask = disc(99, 90, 70)
pnm("test/a.pgm", 90, 70, picture)
pnm("test/b.ppm", 90, 70, [v for v in picture for _ in range(3)], "P6")
os.makedirs("fov")
for name in "ab": pnm(f"fov/{name}_mask.pgm", 90, 70, [0 if x < 45 else 255 for y in range(70) for x in range(90)])
pnm("two/a.pgm", 90, 70, picture)
pnm("two/a.ppm", 90, 70, [v for v in picture for _ in range(3)], "P6")
pnm("deep.pgm", 90, 70, b"".join(struct.pack(">H", 257 * v) for v in picture), most=65535)
pnm("one.pgm", 1, 1, [90])
pnm("thin.pgm", 30000, 3, [90] * 90000)
data = open("test/a.pgm", "rb").read()
open("cut.pgm", "wb").write(data[:len(data) // 2])
def chunk(name, body): return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
open("bomb.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) +
                             chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
PYTHON
train="$tern vision train --images i --seed 2 --threads 2 --width 6 --depth 2 --crop 32 --batch 4"

# ---- usage ----
expect help 0 "usage: tern vision train" "$tern" vision train --help
expect no_masks 2 "--masks is missing" $train -o m.onnx
expect no_output 2 "-o is missing" $train --masks m
expect crop_and_size 2 "exclude each other" $train --masks m --size 64 -o m.onnx
expect bad_size 2 "--size takes WxH" "$tern" vision train --images i --masks m --size 64x -o m.onnx
expect validate_folder_without_masks 2 "--validate-masks is missing" $train --masks m --validate test -o m.onnx
expect unknown_network 2 "there are unet, light, fcn" $train --masks m --network resnet -o m.onnx
expect unknown_loss 2 "there is no loss 'l2'" $train --masks m --loss l2 -o m.onnx

# ---- data ----
expect picture_without_mask 3 "p0" $train --masks short -o bad.onnx
expect mask_of_another_size 3 "p3" $train --masks sizes -o bad.onnx
expect masks_all_empty 3 "nothing to learn" $train --masks black -o bad.onnx
[ -e bad.onnx ] && wrong no_model_of_bad_data || passed no_model_of_bad_data

# ---- train, segment, evaluate ----
expect trains 0 "validation pictures: IoU 0." $train --masks m --validate p3,p6 --epochs 20 --crops 4 -o m.onnx
expect no_o 2 "-o is missing" "$tern" vision segment m.onnx test/a.pgm
expect swapped 2 "the model comes first" "$tern" vision segment test/a.pgm m.onnx -o x.png
expect own_mask 2 "overwritten with its own mask" "$tern" vision segment m.onnx test/a.pgm -o test/a.pgm
expect same_target 2 "would both become" "$tern" vision segment m.onnx two -o out2
expect segments 0 "" "$tern" vision segment m.onnx test/a.pgm -o a.pgm
expect segments_a_folder 0 "" "$tern" vision segment m.onnx test -o out
[ -s out/a.png ] && [ -s out/b.png ] && passed wrote_the_folder || wrong wrote_the_folder "$(ls out)"
"$tern" vision segment m.onnx - -o stdin.pgm <test/a.pgm && cmp -s a.pgm stdin.pgm && passed standard_input ||
    wrong standard_input
"$tern" vision segment m.onnx test/a.pgm -o tiles.pgm --memory 2 && cmp -s a.pgm tiles.pgm && passed less_memory ||
    wrong less_memory
"$tern" vision segment m.onnx deep.pgm -o deep_mask.pgm 2>message && cmp -s a.pgm deep_mask.pgm &&
    grep -q "16 bits" message && passed deep_is_converted || wrong deep_is_converted "$(cat message)"
"$tern" vision segment m.onnx test/b.ppm -o colour_mask.pgm 2>message && cmp -s a.pgm colour_mask.pgm &&
    grep -q "converted" message && passed colour_is_converted || wrong colour_is_converted "$(cat message)"
expect fov_of_a_folder 0 "" "$tern" vision segment m.onnx test --fov fov -o seen --threshold 0.01
"$tern" vision segment m.onnx test/a.pgm --fov fov/a_mask.pgm -o seen.pgm --threshold 0.01
"$tern" vision segment m.onnx test/a.pgm -o all.pgm --threshold 0.01
python3 - <<'PYTHON' && passed fov_is_seen_through || wrong fov_is_seen_through
seen, whole = (open(f, "rb").read()[-90 * 70:] for f in ("seen.pgm", "all.pgm"))
assert any(whole[y * 90 + x] for y in range(70) for x in range(45))
assert all(seen[i] == (whole[i] if i % 90 >= 45 else 0) for i in range(90 * 70))
PYTHON
expect fov_missing 3 "there is no picture 'p0'" "$tern" vision segment m.onnx i/p0.pgm --fov fov -o x.png
expect fov_of_another_size 3 "its field of view 90 x 70" "$tern" vision segment m.onnx i/p0.pgm --fov fov/a_mask.pgm -o x.png
expect overlay 0 "" "$tern" vision segment m.onnx test/a.pgm --overlay -o overlay.png
expect probability 0 "" "$tern" vision segment m.onnx test/a.pgm --probability --tta -o p.npy
"$tern" vision segment m.onnx test --rle >rle.jsonl
"$tern" vision segment m.onnx test --polygons -o polygons.jsonl
python3 - <<'PYTHON' && passed outputs_agree || wrong outputs_agree
import array, json
data = open("a.pgm", "rb").read()
mask = data[-90 * 70:]
assert 50 < sum(v == 255 for v in mask) < 1000 and set(mask) == {0, 255}, set(mask)
lines = [json.loads(l) for l in open("rle.jsonl")]
assert [l["file"] for l in lines] == ["test/a.pgm", "test/b.ppm"], lines
runs = list(map(int, lines[0]["rle"]["1"].split()))
filled = bytearray(90 * 70)
for start, length in zip(runs[::2], runs[1::2]):
    for k in range(start - 1, start - 1 + length): filled[k % 70 * 90 + k // 70] = 255
assert bytes(filled) == mask
objects = [json.loads(l) for l in open("polygons.jsonl")][0]["objects"]
assert sum(o["area"] for o in objects) == sum(v == 255 for v in mask), objects
npy = open("p.npy", "rb").read()
assert npy[:6] == b"\x93NUMPY" and len(npy) == 10 + int.from_bytes(npy[8:10], "little") + 4 * 90 * 70
PYTHON
expect border_weight 0 "epoch 1 of 1" $train --masks m --epochs 1 --border-weight 10 --border-sigma 3 -o border.onnx
expect sigma_without_weight 2 "--border-sigma needs --border-weight" $train --masks m --border-sigma 3 -o x.onnx
expect goes_on 0 "epoch 1 of 1" "$tern" vision train --images i --masks m --init m.onnx --crop 32 -e 1 -o on.onnx
expect averages 0 "" "$tern" model average m.onnx on.onnx -o mean.onnx
expect average_segments 0 "" "$tern" vision segment mean.onnx test/a.pgm -o mean.pgm
expect average_of_one 2 "at least two models" "$tern" model average m.onnx -o x.onnx
expect average_without_output 2 "-o is missing" "$tern" model average m.onnx on.onnx
expect goes_on_with_another_network 2 "that of the model to go on from" $train --masks m --init m.onnx -o x.onnx
expect freezes_nothing 2 "needs a trained model to go on from" $train --masks m --freeze-until all-but-last -o x.onnx
"$tern" vision evaluate m.onnx --images i --masks m --rand --warping --json >scores.json
python3 - <<'PYTHON' && passed evaluate_json || wrong evaluate_json "$(cat scores.json)"
import json
r = json.load(open("scores.json"))
assert r["n"] == 8 and r["pixels"] == 8 * 64 * 48 and 0.8 < r["iou"] <= 1 and 0.95 < r["auc"] <= 1, r
assert 0 <= r["rand"] < 0.5 and 0 <= r["warping"] < 0.1, r
assert abs(r["offset_x"]) < 1 and abs(r["offset_y"]) < 1, r
assert {"iou", "dice", "accuracy", "precision", "recall", "auc", "n"} <= set(r), r
PYTHON
expect model_info 0 "tern.vision" "$tern" model info m.onnx --json

# ---- lines of JSON take the old file's place when they are whole ----
printf old >kept.jsonl
expect lines_of_no_picture 4 "gone.png" "$tern" vision segment m.onnx gone.png --rle -o kept.jsonl
expect lines_of_no_model 4 "gone.onnx" "$tern" vision segment gone.onnx test --rle -o kept.jsonl
said=$( (trap '' XFSZ; ulimit -f 0; exec "$tern" vision segment m.onnx test --rle -q -o kept.jsonl) 2>&1)
[ $? -eq 4 ] && [[ $said == "tern: "* ]] && passed lines_that_do_not_fit || wrong lines_that_do_not_fit "$said"
[ "$(cat kept.jsonl)" = old ] && [ -z "$(find . -name '*tern-tmp*')" ] && passed failures_leave_the_old_lines ||
    wrong failures_leave_the_old_lines "$(cat kept.jsonl)" "$(ls -a)"
expect lines_on_a_full_disk 4 "tern: " "$tern" vision segment m.onnx test --polygons -o /dev/full
expect lines_of_the_good_pictures 4 "gone.png" "$tern" vision segment m.onnx gone.png test/a.pgm --rle -o kept.jsonl
head -n 1 rle.jsonl | cmp -s - kept.jsonl && passed good_lines_are_written || wrong good_lines_are_written "$(cat kept.jsonl)"

# ---- pictures that are none, or of strange sizes ----
expect picture_cut 3 "cut.pgm" "$tern" vision segment m.onnx cut.pgm -o x.png
expect picture_bomb 3 "60000" "$tern" vision segment m.onnx bomb.png -o x.png
expect picture_missing 4 "gone.png" "$tern" vision segment m.onnx gone.png -o x.png
[ -e x.png ] && wrong no_mask_of_bad_pictures || passed no_mask_of_bad_pictures
expect one_pixel 0 "" "$tern" vision segment m.onnx one.pgm -o one.png
expect thin_picture 0 "" "$tern" vision segment m.onnx thin.pgm -o thin.png --memory 20
expect others_still_done 3 "cut.pgm" "$tern" vision segment m.onnx cut.pgm test/a.pgm -o rest
cmp -s out/a.png rest/a.png && passed the_other_is_there || wrong the_other_is_there "$(ls rest)"
expect too_little_memory 3 "do not suffice" "$tern" vision segment m.onnx thin.pgm --probability -o x.npy --memory 1
ln -s /dev/full full.png
expect full_disk 4 "full.png" "$tern" vision segment m.onnx test/a.pgm -o full.png
expect not_a_mask_model 3 "tern" "$tern" vision segment "$1/examples/models/esc10.onnx" test/a.pgm -o x.png
expect segments_by_name 0 "" "$tern" vision segment cells test/a.pgm -o by_name.png
exit $failed
