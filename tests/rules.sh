#!/bin/bash
# The house rules that a grep can check: who includes whom, what the library never calls, how long a
# file may be. Usage: rules.sh [SOURCE_FOLDER]; rules.sh --includes prints the includes between rooms as a table.
set -euo pipefail
shopt -s lastpipe # so that rule, at the end of a pipe, can note a failure
case ${1-} in '' | --*) cd "$(dirname "$0")/.." ;; *) cd "$1" ;; esac
failed=0
library= # the rooms that are there
for room in core audio text vision; do [ -d "$room" ] && library+="$room "; done
everything=$library
for room in cli examples tests bench; do [ -d "$room" ] && everything+="$room "; done

# rule NAME: fails if anything arrives on standard input, and shows it.
rule() {
    local found
    found=$(cat)
    if [ -z "$found" ]; then
        printf '[       OK ] %s\n' "$1"
    else
        printf '[  FAILED  ] %s\n%s\n' "$1" "$found"
        failed=1
    fi
}

# Lines of the library's C files without comments, as FILE:LINE:TEXT. Strings stay.
# shellcheck disable=SC2086
library_files() { find $library -name '*.[ch]' | sort; }
library_code() {
    library_files | while read -r file; do
        awk -v file="$file" '
            {
                line = $0; out = ""
                while (length(line)) {
                    if (inside) {
                        end = index(line, "*/")
                        if (!end) break
                        line = substr(line, end + 2); inside = 0
                    } else {
                        start = match(line, /\/\*|\/\//)
                        if (!start) { out = out line; break }
                        out = out substr(line, 1, start - 1)
                        if (substr(line, start, 2) == "//") break
                        line = substr(line, start + 2); inside = 1
                    }
                }
                if (out ~ /[^ \t]/) print file ":" NR ":" out
            }' "$file"
    done
}
code=$(library_code)
includes=$(grep -E ':[0-9]+: *# *include' <<<"$code" || true)

# Includes between rooms, as FROM TO: core's rooms, the lowest first, then those that stand on core. A file of the
# same folder is included by its bare name, one of another room from the project's root.
rooms="base kernels math graph ops plan onnx train task audio text vision cli"
between_rooms() {
    grep -E '^(core|audio|text|vision)/[^:]*:.*"(core|audio|text|vision)/' <<<"$includes" |
        sed -E 's|^core/([a-z]+)/[^:]*:[0-9]+:|\1 |; s|^([a-z]+)/[^: ]*:[0-9]+:|\1 |' |
        sed -E 's|^([a-z]+) .*"core/([a-z]+)/.*|\1 \2|; s|^([a-z]+) .*"([a-z]+)/.*|\1 \2|'
    find cli -name '*.[ch]' -exec grep -hE '^ *# *include "(core|audio|text|vision)/' {} + |
        sed -E 's|.*"core/([a-z]+)/.*|cli \1|; s|.*"([a-z]+)/.*|cli \1|'
}
if [ "${1-}" = --includes ]; then
    between_rooms | awk -v rooms="$rooms" '
        {count[$1, $2]++}
        END {
            n = split(rooms, room, " ")
            printf "%-8s", "from \\ to"
            for (i = 1; i <= n - 1; i++) printf "%8s", room[i]
            print ""
            for (i = 1; i <= n; i++) {
                printf "%-8s", room[i]
                for (k = 1; k <= n - 1; k++) printf "%8s", count[room[i], room[k]] ? count[room[i], room[k]] : "."
                print ""
            }
        }'
    exit
fi

# A room uses only rooms below it, so there is no circle.
between_rooms | awk -v rooms="$rooms" '
    BEGIN {n = split(rooms, room, " "); for (i = 1; i <= n; i++) height[room[i]] = i}
    !($1 in height) || !($2 in height) || height[$1] < height[$2] {print $1 " includes " $2}' |
    sort | uniq -c | rule rooms_use_only_rooms_below

# Core is domain-free, and a domain knows no other domain.
grep -E '^core/[^:]*:.*(<tern/(audio|text|vision|mask)|"(\.\./)*(audio|text|vision|cli)/)' \
    <<<"$includes" | rule core_includes_no_domain || true
for domain in audio text vision; do
    others=$(tr ' ' '\n' <<<"audio text vision cli" | grep -v "^$domain$" | paste -sd'|')
    grep -E "^$domain/[^:]*:.*(<tern/|\"(\.\./)*)($others)[./_]" <<<"$includes" |
        rule "${domain}_includes_no_other_domain" || true
done
# Of core's own headers a domain uses the doors that docs/architecture.md names; never operators, plans or kernels.
grep -E '^(audio|text|vision)/' <<<"$includes" | grep -E '"(\.\./)*core/' |
    grep -vE '"core/(base/[a-z_]+|math/pairs|graph/(graph|metadata|choices|options)|plan/session|train/(dataset|training)|task/[a-z_]+)\.h"' |
    rule domains_know_no_operators_plans_or_kernels || true
grep -rnE '^ *# *include' cli --include='*.[ch]' 2>/dev/null |
    grep -E '"(\.\./)*(core|audio|text|vision)/' | grep -vE '"(core/base/json|core/graph/options|(audio|text|vision)/options)\.h"' | rule command_uses_public_headers || true

# Only operators, the ONNX files and the builders know an operator by its name; elsewhere a name is no more than
# what a node that is being built is to be. All others ask for traits (core/graph/op.h).
names=$(sed -nE 's/.*\.name = "([A-Z][A-Za-z]*)".*/\1/p; s/^ *[A-Z_]+\([a-z_]+, "([A-Z][A-Za-z]*)".*/\1/p' core/ops/*.c | sort -u)
rows=$(grep -oE '&tern__op_[a-z_]+' core/ops/table.c | sort -u | wc -l)
[ "$(wc -l <<<"$names")" -ge "$rows" ] || echo "read $(wc -l <<<"$names") names of $rows operators" |
    rule operators_names_are_read
grep -vE '^core/(ops/|onnx/|graph/build|train/loss\.c)' <<<"$code" |
    sed -E 's/(tern_apply|tern__graph_node)\([^"]*(""|"tern")?,? *"[A-Za-z]+"/\1(/g' |
    grep -E "\"($(paste -sd'|' <<<"$names"))\"|strn?(cmp|str)\([^;]*op->name|[^a-z_]tern__op_[a-z_]+" |
    grep -vE '[^a-z_]tern__op_(find|relayout)[^a-z_]' | rule operators_are_asked_for_traits || true

grep -E '<omp\.h>|# *pragma omp' <<<"$code" | grep -v '^core/base/thread\.c:' |
    rule openmp_only_in_thread_c || true
grep -E 'immintrin\.h|arm_neon\.h' <<<"$code" | grep -v '^core/kernels/' |
    rule intrinsics_only_in_kernels || true

# The library never prints, ends the process, or touches what belongs to the program that called it.
grep -E '(^|[^a-zA-Z0-9_])(printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|abort|assert|setlocale|uselocale|signal|sigaction|fork|system|popen|setenv|putenv|srand|rand|omp_set_[a-z_]+)\(' \
    <<<"$code" | rule library_never_prints_or_exits || true
grep -E '(^|[^a-zA-Z0-9_])(stderr|stdout)([^a-zA-Z0-9_]|$)' <<<"$code" |
    rule library_never_uses_standard_streams || true
grep -E '(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|aligned_alloc|posix_memalign|alloca|strdup|strndup|asprintf)\(' \
    <<<"$code" | grep -v '^core/\(base/memory\|kernels/context\)\.c:' | rule memory_through_the_context || true
grep -E '(^|[^a-zA-Z0-9_])(atof|strtod|strtof|sscanf|fscanf|sprintf|gets|strtok)\(' \
    <<<"$code" | rule no_unsafe_or_locale_dependent_calls || true

# (an option's name in quotes or after a pragma; the rule may be mentioned in comments)
find . -path './build*' -prune -o \( -name meson.build -o -name '*.[ch]' \) -print |
    xargs grep -nE "['\" ]-ffast-math|['\" ]-Ofast|funsafe-math|\"fast-math\"|STDC FP_CONTRACT ON" |
    rule no_fast_math || true

# shellcheck disable=SC2086
find $everything \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' \) -exec wc -l {} + |
    awk '$2 != "total" && $1 > 700 {print $2 ": " $1 " lines, 700 are the limit"}' |
    rule files_of_at_most_700_lines

# Whoever skips a case says why (check_data has said it).
grep -rnE '\bskip\(\)' tests --include='*.[ch]' | grep -v '^tests/check\.h:' | cut -d: -f1 | sort -u |
    while read -r file; do grep -qE 'check_data\(' "$file" || echo "$file: skip() without a reason; check_skip(...)"; done |
    rule skipped_cases_say_why || true

# Every file says what it owns: its first line (after #!) is a comment.
# shellcheck disable=SC2086
find $everything -name '*.[ch]' | while read -r file; do
    head -n 1 "$file" | grep -qE '^/\*|^//' || echo "$file does not open with a comment"
done | rule files_open_with_a_comment

# Formatted by .clang-format, by the version that Debian 12 has: others differ in details.
if clang-format --version 2>/dev/null | grep -q ' version 14\.'; then
    # shellcheck disable=SC2086
    find $everything -name '*.[ch]' -not -path 'tests/golden/*' -print0 |
        xargs -0 -n 20 -P 2 clang-format --dry-run 2>&1 | grep -E 'warning:|error:' | cut -d: -f1,2 | sort -u |
        rule formatted || true
else
    printf 'SKIP: clang-format 14 is not installed\n[  SKIPPED ] formatted\n'
fi

exit $failed
