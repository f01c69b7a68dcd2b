#!/bin/bash
# Every network of pictures at 224x224: one training step of four pictures, saved, and looked at by ONNX's own
# checker (Debian's python3-onnx). Prints seconds from start to end, the most memory that was held, and the size of
# the file.
#   bench/lecture_networks.sh [TERN] [NETWORK ...]
# The pictures are found in TERN_DATA or ../shared/data; THREADS=N sets threads.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${TERN_DATA:-$root/../shared/data}/imagenet-sample
tern=$root/build/cli/tern
if [ $# -gt 0 ] && [ -x "$1" ]; then tern=$1; shift; fi
[ -x "$tern" ] || { echo "lecture_networks.sh: no command $tern: build first, or name it" >&2; exit 2; }
[ -d "$data" ] || { echo "lecture_networks.sh: no folder $data: set TERN_DATA" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pictures/shark" "$work/pictures/eagle"
for copy in 1 2; do # of a label, two are the least
    cp "$data"/*great_white_shark.JPEG "$work/pictures/shark/$copy.jpg"
    cp "$data"/*bald_eagle.JPEG "$work/pictures/eagle/$copy.jpg"
done
all=$("$tern" vision train-classifier --help | sed -n '/--network NAME/,/--init/s/^\( *-n, --network NAME\)\? *\([a-z0-9-]*\): .*/\2/p')
for network in ${@:-$all}; do
    /usr/bin/time -o "$work/time" -f '%e s, %M KB' "$tern" vision train-classifier --data "$work/pictures" \
        --size 224x224 --network "$network" --epochs 1 --batch 4 -q ${THREADS:+--threads "$THREADS"} \
        -o "$work/network.onnx" >/dev/null
    /usr/bin/python3 -c 'import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)' "$work/network.onnx"
    printf '%-24s %s, file %s, accepted by the checker\n' "$network" "$(cat "$work/time")" \
        "$(du -h "$work/network.onnx" | cut -f1)"
done
