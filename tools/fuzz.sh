#!/bin/sh
# Runs the fuzz programs of a build: tools/fuzz.sh fuzz|check-fuzz build/fuzz [TARGET...]
#
#   check-fuzz   FUZZ_RUNS (10000) inputs a target, made from the seeds in tests/fuzz/corpus with a fixed number to start from: the
#                same inputs every time. JOBS targets at once.
#   fuzz         FUZZ_RUNS inputs, or else FUZZ_SECONDS (60), a target; goes on from what earlier runs kept below build/fuzz/corpus.
#
# One line a target and one at the end. A crash, a leak, a sanitizer's report, more than FUZZ_TIMEOUT (20) seconds for one input, or more
# than FUZZ_MEGABYTES (1024) of memory is a fault: the input is put into build/fuzz/found, beside the target's log.
set -eu
cd "$(dirname "$0")/.."
mode=$1
out=$2
shift 2
self=tools/fuzz.sh

# What a target starts from beside its own corpus.
more_seeds() {
    case $1 in
    package)
        mkdir -p "$FUZZ_TEMP/seeds"
        cp tests/data/golden/tiny.safetensors tests/data/golden/many.safetensors "$FUZZ_TEMP/seeds"
        echo "$FUZZ_TEMP/seeds"
        ;;
    preview) echo tests/data/previews ;;
    esac
}

run_one() {
    target=$1
    program=$out/tests/fuzz/fuzz_$target
    log=$out/found/$target.log
    kept=$out/corpus/$target
    limit="-max_total_time=${FUZZ_SECONDS:-60}"
    [ -z "${FUZZ_RUNS:-}" ] || limit="-runs=$FUZZ_RUNS"
    if [ "$mode" = check-fuzz ]; then
        kept=$FUZZ_TEMP/$target
        limit="-runs=${FUZZ_RUNS:-10000} -seed=1"
        case $target in # SQLite compares inode numbers, which are others every time
        library | paths) limit="$limit -use_cmp=0" ;;
        esac
    fi
    TMPDIR=$FUZZ_TEMP/files-$target
    export TMPDIR
    mkdir -p "$kept" "$TMPDIR"
    rm -f "$out/found/$target"-*
    folders=$kept
    for seeds in tests/fuzz/corpus/$target $(more_seeds "$target"); do
        [ ! -d "$seeds" ] || folders="$folders $seeds"
    done
    state=ok
    # shellcheck disable=SC2086
    $FUZZ_SETARCH "$program" $limit -timeout="${FUZZ_TIMEOUT:-20}" -rss_limit_mb="${FUZZ_MEGABYTES:-1024}" -artifact_prefix="$out/found/$target-" \
        -print_final_stats=1 -len_control=10 $folders >"$log" 2>&1 || state=FAULT
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    runs=$(stat number_of_executed_units)
    [ -n "$runs" ] || state=FAULT
    printf '%-10s %9s inputs %7s/s  peak %5s MB  %s\n' "$target" "${runs:-?}" "$(stat average_exec_per_sec)" "$(stat peak_rss_mb)" "$state"
    [ "$state" = ok ] && return
    {
        echo "---- $log:"
        grep -E -m 12 '^(SUMMARY|==[0-9]+==|ALARM)|    #[0-9] ' "$log" || tail -n 12 "$log"
        ls "$out/found/$target"-* 2>/dev/null || true
    } >&2
}

mkdir -p "$out/found"

# The runs below call this script again, one process a target.
if [ -n "${FUZZ_ONE:-}" ]; then
    run_one "$1"
    exit
fi

targets="$*"
if [ -z "$targets" ]; then
    for program in "$out"/tests/fuzz/fuzz_*; do
        case $program in
        *.o | *.d | */fuzz_pixels) ;; # every format has its own target
        *) targets="$targets ${program##*/fuzz_}" ;;
        esac
    done
fi

# Files of the targets lie in memory where that can be had.
shm=/dev/shm
[ -d "$shm" ] && [ -w "$shm" ] || shm=$PWD/$out
FUZZ_TEMP=$shm/photosearch-fuzz.$(printf '%s' "$PWD/$out" | cksum | cut -d ' ' -f 1)
rm -rf "$FUZZ_TEMP"
mkdir -m 700 "$FUZZ_TEMP"
trap 'rm -rf "$FUZZ_TEMP"' EXIT

# libFuzzer mutates by what the program compares, pointers too: the same inputs every time need the same addresses every time.
FUZZ_SETARCH="setarch $(uname -m) -R"
$FUZZ_SETARCH true 2>/dev/null || FUZZ_SETARCH=
export FUZZ_TEMP FUZZ_SETARCH

# LeakSanitizer stops the process with ptrace, which some containers forbid: then leaks are not looked for.
leaks=1
# shellcheck disable=SC2086
set -- $targets
if ! TMPDIR=$FUZZ_TEMP ASAN_OPTIONS=detect_leaks=1 "$out/tests/fuzz/fuzz_$1" -runs=1 >/dev/null 2>&1; then
    leaks=0
    echo "note: LeakSanitizer cannot run here (ptrace is not allowed): leaks are not looked for" >&2
fi
export ASAN_OPTIONS="detect_leaks=$leaks:allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="suppressions=$PWD/tools/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"

jobs=1
[ "$mode" = fuzz ] || jobs=${JOBS:-1}
printf '%s\n' "$@" | FUZZ_ONE=1 xargs -n 1 -P "$jobs" "$self" "$mode" "$out" | tee "$out/found/summary"
awk '{ inputs += $2 } $NF != "ok" { bad++; names = names " " $1 }
     END { printf "fuzz: %d targets, %d inputs, %d with a fault%s\n", NR, inputs, bad, (bad ? ":" names : ""); exit bad > 0 }' "$out/found/summary"
