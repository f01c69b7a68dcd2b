#!/bin/bash
# Folders, masks, sounds, checkpoints and models as people have them: read as they expect, or said.
# Usage: cli_files.sh SOURCE_FOLDER BUILD_FOLDER (built)
source "$(dirname "${BASH_SOURCE[0]}")/cli_common.sh"
absent() {
    if grep -qF -- "$2" <<<"$3"; then wrong "$1" "'$2' in:" "$3"; else passed "$1"; fi
}

python3 - <<'PYTHON'
import array, math, os, random, struct, wave, zlib
random.seed(1)
def sound(path, hertz):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, 16000, 4800, "NONE", ""))
        w.writeframes(array.array("h", (int(12000 * math.sin(2 * math.pi * hertz * i / 16000))
                                        for i in range(4800))).tobytes())
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
def picture(path, width, height, value):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    rows = [bytes(value(x, y) for x in range(width)) for y in range(height)]
    if path.endswith(".pgm"):
        open(path, "wb").write(b"P5 %d %d 255\n" % (width, height) + b"".join(rows))
        return
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" +
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b""))
noise = lambda x, y: random.randrange(100)
for label, hertz in (("low", 300), ("high", 3000)):
    for i in range(3):
        sound(f"S/{label}/{i}.wav", hertz)
        picture(f"V/{label}/{i}.png", 32, 32, noise)
    picture(f"V/{label}/0.pgm", 32, 32, noise)
sound("S/stray.wav", 300)
for d in ("S/third", "S/fourth", "V/third", "V/fourth"): os.makedirs(d)
for f in ("S/third/a.m4a", "V/third/a.gif"): open(f, "wb").write(b"GIF89a")
inside = lambda x, y: 10 <= x < 40 and 10 <= y < 30
for i in range(2):
    for ending in ("_mask", "-mask", "_label", "_seg", "-seg"):
        picture(f"P{ending}/a ({i}).png", 64, 48, noise)
        picture(f"P{ending}/a ({i}){ending}.png", 64, 48, lambda x, y: 255 * inside(x, y))
    picture(f"I/{i}.png", 64, 48, noise)
    for level in (127, 128):
        picture(f"M{level}/{i}.png", 64, 48,
                lambda x, y: 255 if inside(x, y) else level if y < 5 else 0)
    picture(f"M/{i}.png", 64, 48, lambda x, y: 255 * inside(x, y))
    picture(f"one/{i}.png", 64, 48, lambda x, y: 90 * inside(x, y))
samples = array.array("h", (int(9000 * math.sin(i * .3)) for i in range(16000))).tobytes()
for riff in (0, 36, 4088):
    open(f"{riff}.wav", "wb").write(b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " +
        struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data\0\0\0\0" + samples)
open("none.wav", "wb").write(b"RIFF" + struct.pack("<I", 48) + b"WAVEfmt " +
    struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16) + b"data\0\0\0\0" + b"LIST\4\0\0\0INFO")
PYTHON

# ---- folders of labels ----
sounds="$tern audio train --data S -o s.onnx -e 1 -t 1 --width 0.25"
pictures="$tern vision train-classifier --data V --network lenet --size 32x32 -o v.onnx -e 1 -t 1"
for text in "left out: stray.wav" "left out: third/a.m4a" "left out: fourth, third"; do
    expect "sounds_left_out_$text" 0 "$text" $sounds
done
[ "$($sounds 2>&1 | grep -c 'warning: S: .*left out')" = 1 ] && passed one_warning || wrong one_warning
for text in "8 pictures" "V/third/a.gif" "left out: fourth, third"; do
    expect "pictures_$text" 0 "$text" $pictures
done

# ---- masks ----
masks="$tern vision train -o m.onnx -e 1 -t 1 --width 4 --depth 2 --images"
for ending in _mask -mask _label _seg -seg; do
    expect "one_folder$ending" 0 ": 2 pictures" $masks "P$ending" --masks "P$ending/"
done
expect one_folder_without_masks 3 "x_mask.png" $masks I --masks I
for level in 127 128; do
    expect "level_$level" 0 "level $level is neither 0 nor 255: 640 pixels, the first in M$level/0.png" \
        $masks I --masks M$level
done
for plain in M one; do
    absent "no_level_$plain" "neither 0" "$($masks I --masks $plain 2>&1)"
done

# ---- sounds that were never closed ----
for riff in 0 36 4088; do
    expect "never_closed_$riff" 0 "32000 follow" "$tern" audio features $riff.wav -o $riff.npy
    "$tern" audio features - -o piped.npy <$riff.wav 2>/dev/null
    cmp -s piped.npy $riff.npy && passed "piped_$riff" || wrong "piped_$riff"
done
expect truly_empty 3 "holds no samples" "$tern" audio features none.wav -o none.npy

# ---- checkpoints and models ----
: >s.ckpt
train="$tern audio train --data S -o s.onnx -e 1 -t 1 --width 0.25"
expect checkpoint_kept 4 "s.ckpt: an earlier training's checkpoint is there; --resume goes on" $train
[ -e s.ckpt ] && passed checkpoint_is_there || wrong checkpoint_is_there
expect checkpoint_lost 0 "s.onnx: " $train --overwrite
expect picture_as_model 3 "a PNG picture, not an ONNX model" "$tern" model info M/0.png
expect sound_as_model 3 "a WAV sound, not an ONNX model" "$tern" model info 0.wav

# ---- help and versions ----
expect help_of_command 0 "usage: tern audio train" "$tern" help audio train
expect help_of_group 0 "tern audio classify" "$tern" help audio
for words in "-v" "--version" "audio --version" "vision -v"; do
    expect "version_${words/ /_}" 0 "tern $("$tern" -V | cut -d' ' -f2)" "$tern" $words
done
exit $failed
