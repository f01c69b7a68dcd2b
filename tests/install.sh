#!/bin/bash
# What is installed, used from outside: symbols, soname, each header alone as C11 and C++17, and a program
# of another project built with pkg-config against the shared and the static library.
# Usage: install.sh SOURCE_FOLDER BUILD_FOLDER (built) COMPILER (that built it: the static library needs its
# OpenMP runtime)
set -euo pipefail
build_folder=$2
compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
passed() { printf '[       OK ] %s\n' "$1"; }
wrong() { printf '[  FAILED  ] %s\n' "$1"; shift; printf '%s\n' "$@"; failed=1; }
skipped() { printf 'SKIP: %s\n[  SKIPPED ] %s\n' "$2" "$1"; } # skipped NAME REASON
check() { # check NAME COMMAND...: the command's output is shown when it fails
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then passed "$name"; else wrong "$name" "$*" "$output"; fi
}

DESTDIR=$work/root meson install -C "$build_folder" --no-rebuild --quiet >"$work/log" 2>&1 || {
    cat "$work/log"
    wrong installs
    exit 1
}
passed installs

library=$(find "$work/root" -name 'libtern.so.*.*' -type f)
pc=$(find "$work/root" -name tern.pc)
include=$(dirname "$(find "$work/root" -path '*/tern/tern.h')")
[ -n "$library" ] && [ -n "$pc" ] && [ -n "$include" ] || { wrong installs_library_headers_and_pc; exit 1; }
printf 'libtern.so: %s bytes, stripped %s\n' "$(stat -c %s "$library")" \
    "$(strip -o "$work/stripped" "$library" && stat -c %s "$work/stripped")"

# Hidden symbols: only TERN_API functions, tern_ with one underscore, go out.
foreign=$(nm -D --defined-only "$library" | awk '{print $NF}' | grep -vE '^tern_[a-z]' || true)
if [ -z "$foreign" ]; then passed exports_only_public_symbols; else
    wrong exports_only_public_symbols "$foreign"; fi
# And every function that a header promises is there.
nm -D --defined-only "$library" | awk '{print $NF}' | sort -u >"$work/exported"
for header in "$include"/*.h; do
    gcc -std=c11 -fpreprocessed -dD -E -P "$header" 2>/dev/null
done | tr '\n' ' ' | grep -oE 'TERN_API[^;{]*;' | grep -oE '\btern_[a-z0-9_]+ ?\(' | tr -d ' (' |
    sort -u >"$work/declared"
absent=$(comm -23 "$work/declared" "$work/exported")
if [ -z "$absent" ]; then passed every_declared_function_is_exported; else
    wrong every_declared_function_is_exported "$absent"; fi
hidden=$(comm -13 "$work/declared" "$work/exported")
if [ -z "$hidden" ]; then passed every_exported_function_is_declared; else
    wrong every_exported_function_is_declared "$hidden"; fi
if readelf -d "$library" | grep -q 'SONAME.*\[libtern\.so\.[0-9]*\]'; then passed soname; else
    wrong soname "$(readelf -d "$library" | grep SONAME)"; fi

# Nobody sets variables: where library and tern.pc go without
# DESTDIR, ld.so and pkg-config must search.
libdir=${library%/*} libdir=${libdir#"$work/root"}
searched() { # searched NAME FOLDER: is it one of the folders on standard input?
    if grep -qE '^(libdir|prefix) *=' "$build_folder/meson-private/cmd_line.txt"; then
        skipped "$1" "this build was told where to install"
    elif grep -qxF "$2"; then passed "$1"; else wrong "$1" "$2 is not searched"; fi
}
{ printf '/lib\n/usr/lib\n'; cat /etc/ld.so.conf /etc/ld.so.conf.d/*.conf; } >"$work/searched" 2>/dev/null || true
searched library_is_where_ld_so_looks "$libdir" <"$work/searched"
env -u PKG_CONFIG_PATH -u PKG_CONFIG_LIBDIR pkg-config --variable pc_path pkg-config | tr : '\n' >"$work/searched"
searched pc_is_where_pkg_config_looks "$libdir/pkgconfig" <"$work/searched"

# The tree under DESTDIR is an installed tree that was moved: the command finds its models by name.
command=$work/root${libdir%/lib*}/bin/tern
for name in cells esc10 sentiment; do
    check "installed_model_$name" env -u TERN_MODELS "$command" model info "$name"
done

export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work/root
flags=(-Wall -Wextra -Werror -pedantic)
compilers_c=(gcc) compilers_cxx=(g++)
if command -v clang >/dev/null; then compilers_c+=(clang) compilers_cxx+=(clang++); fi
for header in "$include"/*.h; do
    name=$(basename "$header")
    printf '#include <tern/%s>\nint main(void) { return 0; }\n' "$name" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    for cc in "${compilers_c[@]}"; do
        check "${name}_alone_as_c11_by_$cc" "$cc" -std=c11 "${flags[@]}" -I"${include%/tern}" \
            -fsyntax-only "$work/alone.c"
    done
    for cxx in "${compilers_cxx[@]}"; do
        if ! command -v "$cxx" >/dev/null; then
            skipped "${name}_alone_as_c++17_by_$cxx" "$cxx is not installed"
            continue
        fi
        check "${name}_alone_as_c++17_by_$cxx" "$cxx" -std=c++17 "${flags[@]}" \
            -I"${include%/tern}" -fsyntax-only "$work/alone.cpp"
    done
done

cat >"$work/outside.c" <<'END'
#include <tern/tern.h>
#include <stdio.h>
int main(void) {
    tern_context *context = NULL;
    tern_status status = tern_context_create(&context, NULL);
    if (status != TERN_OK) fprintf(stderr, "%s\n", tern_context_message(context));
    else printf("tern %s, %d threads\n", tern_version(), tern_context_threads(context));
    tern_context_free(context);
    return status != TERN_OK;
}
END
read -ra shared_flags <<<"$(pkg-config --cflags --libs tern)"
check outside_program_builds "$compiler" -std=c11 "${flags[@]}" -o "$work/outside" "$work/outside.c" \
    "${shared_flags[@]}"
check outside_program_runs env LD_LIBRARY_PATH="${library%/*}" "$work/outside"
if [ -e "$include/audio.h" ]; then
    sed -n '/^```c$/,/^```$/p' "$1/README.md" | sed '1d;$d' >"$work/readme.c"
    python3 - "$work/x.wav" <<'PYTHON'
import array, sys, wave
with wave.open(sys.argv[1], "wb") as w:
    w.setparams((1, 2, 16000, 80000, "NONE", ""))
    w.writeframes(array.array("h", (i * i % 8191 for i in range(80000))).tobytes())
PYTHON
    check readme_example_builds "$compiler" "${flags[@]}" -o "$work/readme" "$work/readme.c" "${shared_flags[@]}"
    check readme_example_runs_with_an_installed_model env LD_LIBRARY_PATH="${library%/*}" "$work/readme" \
        esc10 "$work/x.wav"
fi
# The static library with its dependencies as shared ones (Debian's static libsndfile wants packages that
# its development package does not bring).
read -ra requires <<<"$(pkg-config --print-requires-private tern | awk '{print $1}' | tr '\n' ' ')"
read -ra static_flags <<<"$(sed -n 's/^Libs.private://p' "$pc") $(pkg-config --libs "${requires[@]}")"
check outside_program_builds_statically "$compiler" -std=c11 "${flags[@]}" -o "$work/outside-static" \
    "$work/outside.c" -I"${include%/tern}" -L"${library%/*}" -l:libtern.a "${static_flags[@]}"
check outside_program_runs_statically "$work/outside-static"
exit $failed
