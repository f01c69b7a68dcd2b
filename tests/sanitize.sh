#!/bin/bash
# The test suite under sanitizers: tests/sanitize.sh asan | tsan [TEST...]
#   asan: addresses, leaks and undefined behaviour (gcc), every test
#   tsan: data races (clang with its own OpenMP runtime, whose archer tool makes the report exact;
#         libgomp would give false ones), the tests that use threads
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
kind=${1-}
shift || true

case "$kind" in
asan)
    install_packages "${build_packages[@]}"
    say "Building with address and undefined behaviour sanitizers in build-asan/"
    # float-cast-overflow is not part of gcc's -fsanitize=undefined: NaN to int would pass.
    CC=gcc build_tern build-asan -Doptimization=1 -Ddebug=true -Db_sanitize=address,undefined \
        -Db_lundef=false -Dc_args='-fsanitize=float-cast-overflow -fno-sanitize-recover=all'
    # cmocka's own allocation checks and tests of failing allocations want NULL, not an abort.
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    ;;
tsan)
    install_packages "${build_packages[@]}" clang libomp-dev llvm
    say "Building with the thread sanitizer in build-tsan/"
    CC=clang build_tern build-tsan -Doptimization=1 -Ddebug=true -Db_sanitize=thread -Db_lundef=false
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1
    # archer tells the thread sanitizer what OpenMP synchronises.
    archer=$(find /usr/lib/llvm-*/lib -name libarcher.so | sort -V | tail -n 1)
    [ -n "$archer" ] || stop "libarcher.so is not there (Debian: libomp5-14)"
    export OMP_TOOL_LIBRARIES=$archer
    ;;
*) stop "usage: tests/sanitize.sh asan|tsan [TEST...]" ;;
esac

# Scripts build and run programs of their own, which the sanitizers do not see.
meson test -C "build-$kind" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
    --no-suite script "$@"
