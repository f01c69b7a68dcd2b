#!/bin/bash
# Sorts the drum sounds of two Debian packages (hydrogen-data, sonic-pi-samples) into
# FOLDER/train/LABEL/ and FOLDER/test/LABEL/ by their file names, as links. A drum kit is on one side
# only: the test side is Sonic Pi's acoustic kit and the TR-808, which training never hears.
# Usage: examples/sort_drums.sh FOLDER
set -euo pipefail
folder=$1

label_of() { # the label of a file name, or nothing
    case "$1" in
    *sidestick* | *rimshot* | *roll*) ;;
    *kick* | bd_* | drum_bass_*) echo kick ;;
    *snare* | sn_*) echo snare ;;
    hat* | *_hat_* | drum_cymbal_closed* | drum_cymbal_open* | drum_cymbal_pedal*) echo hihat ;;
    tom* | *_tom*) echo tom ;;
    *crash* | *ride* | *splash* | *cymbal*) echo cymbal ;;
    esac
}

side_of() { # the side of a path, by its kit
    case "$1" in
    */bd_808.*) echo test ;;
    */GMRockKit/* | */bd_* | */sn_* | */elec_*) echo train ;;
    */TR808EmulationKit/* | */drum_*) echo test ;;
    esac
}

while read -r path; do
    name=$(basename "$path")
    label=$(label_of "${name,,}")
    side=$(side_of "$path")
    if [ -z "$label" ] || [ -z "$side" ]; then continue; fi
    mkdir -p "$folder/$side/$label"
    ln -sf "$path" "$folder/$side/$label/$name"
done < <(dpkg -L hydrogen-data sonic-pi-samples | grep -E '\.(wav|flac)$')
