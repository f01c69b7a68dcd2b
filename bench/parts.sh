# Sourced by vision.sh and models.sh.

# part FROM TO KIND: links the pictures in FROM/KIND into TO/train/KIND, and those whose number is divisible by 4,
# which judge, into TO/test/KIND.
part() {
    local file number side
    mkdir -p "$2/train/$3" "$2/test/$3"
    for file in "$1/$3"/*; do
        number=$(basename "$file" | tr -dc 0-9)
        side=train
        [ $((10#$number % 4)) = 0 ] && side=test
        ln -s "$(realpath "$file")" "$2/$side/$3/"
    done
}
