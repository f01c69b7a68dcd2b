# What examples/run and tests/run share: installing Debian packages that are missing, and building.
# Sourced, not run; the caller has `set -euo pipefail` and stands in the project's folder.

# What it takes to build tern, its command and its tests.
build_packages=(gcc libc6-dev meson ninja-build pkg-config protobuf-c-compiler
    libprotobuf-c-dev libjansson-dev libpng-dev libsndfile1-dev libsamplerate0-dev libkissfft-dev
    libutf8proc-dev zlib1g-dev libturbojpeg0-dev libcmocka-dev)

say() { printf '%s\n' "$@"; }
stop() { printf '%s\n' "$*" >&2; exit 1; }

missing_packages() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            printf '%s ' "$name"
    done
}

# Installs those of the named packages that are missing, quietly; says why when it cannot.
install_packages() {
    command -v dpkg-query >/dev/null ||
        stop "This script installs Debian packages, and this is not a Debian system; install what" \
            "corresponds to: $*"
    local missing log as_root=()
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            stop "Packages are missing, and installing them takes root or sudo. As root: apt-get install $missing"
        as_root=(sudo)
    fi
    say "Installing $missing"
    log=$(mktemp)
    # The package lists may be absent or too old: then the first try fails and they are fetched anew.
    # shellcheck disable=SC2086
    if ! apt_install $missing >"$log" 2>&1 &&
        ! { "${as_root[@]}" apt-get -qq update && apt_install $missing; } >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        stop "apt-get could not install: $missing(its last words are above)"
    fi
    rm -f "$log"
}

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y --no-install-recommends install "$@"
}

# build_tern FOLDER MESON_OPTION...: configures the folder once, builds; the whole output on failure.
build_tern() {
    local folder=$1 log
    shift
    log=$(mktemp)
    if [ ! -f "$folder/build.ninja" ] && ! meson setup "$folder" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        stop "meson could not configure $folder (see above)"
    fi
    if ! ninja -C "$folder" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        stop "tern could not be built in $folder (see above)"
    fi
    rm -f "$log"
}
