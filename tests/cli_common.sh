# What the tests of the command begin with: a folder of their own, which is removed, and what becomes of a
# case. Sourced by cli*.sh with their arguments; they end with: exit $failed
# shellcheck shell=bash disable=SC2034
set -uo pipefail
tern=${TERN_COMMAND:-$2/cli/tern} # another command where that one is for another CPU
export NO_COLOR=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
passed() { printf '[       OK ] %s\n' "$1"; }
wrong() { printf '[  FAILED  ] %s\n' "$1"; shift; printf '%s\n' "$@"; failed=1; }
skipped() { printf 'SKIP: %s\n[  SKIPPED ] %s\n' "$2" "$1"; } # skipped NAME REASON
# expect NAME CODE TEXT COMMAND...: the exit code, and a text in what is printed.
expect() {
    local name=$1 code=$2 text=$3 output got
    shift 3
    output=$("$@" 2>&1 </dev/null)
    got=$?
    if [ $got -ne "$code" ]; then wrong "$name" "$*" "exit code $got, expected $code" "$output"
    elif ! grep -qF -- "$text" <<<"$output"; then wrong "$name" "$*" "no '$text' in:" "$output"
    else passed "$name"; fi
}
