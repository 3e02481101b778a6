#!/bin/sh
# The figures of docs/benchmarks.md, measured on this machine: medians and best runs, and their ratio to the aim. BENCH_PHOTOS (100000)
# sets the size of the gallery for search, BENCH_RUNS (21) how often each command is run.
set -eu
cd "$(dirname "$0")/.."
photos=${BENCH_PHOTOS:-100000}
runs=${BENCH_RUNS:-21}
program=build/plain/photosearch
tools=build/plain/tests/bench
model=${PHOTOSEARCH_MODEL:-models/photosearch.safetensors}
work=build/bench
mkdir -p "$work"

# Puts a number after "key": of one line of JSON on stdout.
field() { sed -n "s/.*\"$1\":\([-0-9.eE+]*\).*/\1/p"; }
row() { printf '%-58s %10s %10s %8s\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }
median() { sort -g | awk '{ x[NR] = $1 } END { if (NR) print x[int((NR + 1) / 2)] }'; }

echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)"
echo "load while measuring: $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo
echo "== encoder =="
"$program" bench --json --model "$model"

echo
row "what" "median" "best" "of aim"
samples/demo/photos.sh >/dev/null
rm -rf "$work/gallery"
rate=$("$program" --library "$work/gallery" index --json build/demo/photos | field photos_per_second)
row "indexing the demo's photographs, photos/s" "$rate" "" ""
set -- $("$tools/measure" "$runs" "$program" --library "$work/gallery" index build/demo/photos)
row "a second run over them, ms" "$1" "$2" ""

library=$work/library-$photos
if [ ! -f "$library/done" ]; then
    rm -rf "$library"
    "$tools/fill_library" "$library" "$photos" "$model"
    touch "$library/done"
fi
"$program" -q --library "$library" search "a warm-up that also builds the cache" >/dev/null || true
set -- $("$tools/measure" "$runs" "$program" -q --library "$library" search "a red car at the beach")
row "a cold process, $photos photos, ms (aim 60)" "$1" "$2" "$(ratio "$1" 60)"
row "its peak memory, MB (aim 120)" "$3" "" "$(ratio "$3" 120)"

for i in 1 2 3 4 5 6 7 8 9 10; do cat samples/demo/queries.txt; done >"$work/queries.txt"
"$program" -q --library "$library" search --json --queries "$work/queries.txt" >"$work/answers" || true
for part in encode search total; do
    aim=0
    [ $part != total ] || aim=6
    value=$(sed -n "s/.*\"ms\":{\(.*\)}.*/\1/p" "$work/answers" | field $part | median)
    best=$(sed -n "s/.*\"ms\":{\(.*\)}.*/\1/p" "$work/answers" | field $part | sort -g | head -n 1)
    row "a query in process, $photos photos, $part ms$([ $aim = 0 ] || echo " (aim $aim)")" "${value:--}" "${best:--}" "$(ratio "${value:-0}" $aim)"
done
