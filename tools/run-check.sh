#!/bin/sh
# Runs the test program of one variant: tools/run-check.sh build/plain|build/asan|build/tsan [arguments of the test program].
set -eu
out=$1
shift
cd "$(dirname "$0")/.."

# The tests start the program of their own variant; temp files stay under the build folder and go away with this run.
PHOTOSEARCH_TEST_PROGRAM=$PWD/$out/photosearch
PHOTOSEARCH_TEST_BUILD=$PWD/$out
mkdir -p "$out/tmp"
TMPDIR=$(mktemp -d "$PWD/$out/tmp/run.XXXXXX")
trap 'chmod -R u+rwX "$TMPDIR" 2>/dev/null; rm -rf "$TMPDIR"' EXIT
export PHOTOSEARCH_TEST_PROGRAM PHOTOSEARCH_TEST_BUILD TMPDIR

# A person's own library and locale must not matter, nor this make to one that a test starts.
unset VARIANT MAKEFLAGS MFLAGS MAKELEVEL CHECK_ARGS || true
unset PHOTOSEARCH_LIBRARY PHOTOSEARCH_MODEL XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME || true
export LC_ALL=C.UTF-8 TZ=UTC

# Sanitized tests are slower; check's own limit for a test is 4 seconds.
: "${CK_DEFAULT_TIMEOUT:=60}"
case $out in
*/asan | */tsan) CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-4} ;;
*) CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-1} ;;
esac
export CK_DEFAULT_TIMEOUT CK_TIMEOUT_MULTIPLIER

# LeakSanitizer stops the process with ptrace, which some containers forbid: then everything but the leak check stays on.
leaks=1
case $out in
*/asan)
    if ! ASAN_OPTIONS=detect_leaks=1 "$out/tests/check" --list >/dev/null 2>&1; then
        leaks=0
        echo "note: LeakSanitizer cannot run here (ptrace is not allowed): leaks are not looked for" >&2
    fi
    ;;
esac
# No detect_stack_use_after_return: gcc 12 puts 64-byte vectors on that fake stack with an alignment of 32 (gcc bug 110027).
export ASAN_OPTIONS="detect_leaks=$leaks:strict_string_checks=1:detect_stack_use_after_return=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export LSAN_OPTIONS="suppressions=$PWD/tools/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1"

echo "== tests of $out =="
"$out/tests/check" "$@"
