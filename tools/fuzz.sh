#!/bin/sh
# Runs each fuzz program of build/fuzz for FUZZ_SECONDS (60), starting from tests/data and what earlier runs found.
set -eu
cd "$(dirname "$0")/.."
out=$1
seconds=${FUZZ_SECONDS:-60}
status=0
export ASAN_OPTIONS=detect_leaks=${FUZZ_LEAKS:-1}:allocator_may_return_null=1
for program in "$out"/tests/fuzz/fuzz_*; do
    [ -x "$program" ] && [ ! -d "$program" ] || continue
    case $program in *.o | *.d) continue ;; esac
    name=${program##*/}
    corpus=$out/corpus/$name
    mkdir -p "$corpus" "$out/found"
    seeds=
    case $name in
    *pixels*) seeds=tests/data/images ;;
    *preview*) seeds=tests/data/previews ;;
    esac
    echo "== $name, $seconds s"
    # shellcheck disable=SC2086
    "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$out/found/$name-" -print_final_stats=1 \
        "$corpus" $seeds 2>"$out/found/$name.log" || {
        tail -n 40 "$out/found/$name.log" >&2
        status=1
    }
    grep -E 'stat::(number_of_executed_units|peak_rss_mb)' "$out/found/$name.log" || true
done
exit $status
