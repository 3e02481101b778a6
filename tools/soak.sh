#!/bin/sh
# Weeks of a watch in SOAK_MINUTES (30): photos are added, rewritten, renamed, moved and deleted without a pause while `photosearch watch`
# runs and somebody searches. Says how its memory grew from the first tenth (after a warm-up) to the last, and fails above 5 %.
set -eu
cd "$(dirname "$0")/.."
minutes=${SOAK_MINUTES:-30}
program=$PWD/build/plain/photosearch
work=$PWD/build/soak
samples/demo/photos.sh >/dev/null
rm -rf "$work"
mkdir -p "$work/gallery/a" "$work/gallery/b"
find build/demo/photos -type f -size -300k | sort >"$work/sources"
sources=$(wc -l <"$work/sources")

"$program" --library "$work/library" watch --json --log-level warning "$work/gallery" >"$work/events" 2>"$work/notes" &
watch=$!
trap 'kill $watch 2>/dev/null; wait' EXIT

# 0 for a process that has just ended.
rss() { awk '/^VmRSS/ { kb = $2 } END { print kb + 0 }' "/proc/$1/status" 2>/dev/null || true; }
# The process and the decoders it has at the moment, in kB.
rss_all() {
    total=$(rss "$watch")
    for child in $(cat /proc/$watch/task/*/children 2>/dev/null); do kb=$(rss "$child") && total=$((total + ${kb:-0})); done
    echo "$total"
}

# Step n of the churn: nine kinds, each on names that come round again, so that the gallery stays at some hundred files.
churn() {
    n=$1
    name=photo$((n % 211)).jpg
    other=photo$(((n * 7) % 211)).jpg
    source=$(sed -n "$((n % sources + 1))p" "$work/sources")
    case $((n % 9)) in
    0 | 1 | 2 | 3) cp "$source" "$work/gallery/a/.new" && printf '%d' "$n" >>"$work/gallery/a/.new" && mv "$work/gallery/a/.new" "$work/gallery/a/$name" ;;
    4) mv "$work/gallery/a/$other" "$work/gallery/b/$name" 2>/dev/null || true ;;
    5) rm -f "$work/gallery/b/$other" ;;
    6) cp "$source" "$work/gallery/b/$name" && printf '%d' "$n" >>"$work/gallery/b/$name" ;;
    7) head -c 3000 "$source" >"$work/gallery/a/broken$((n % 17)).jpg" ;;
    8)
        mv "$work/gallery/b" "$work/gallery/c"
        mkdir -p "$work/gallery/b"
        mv "$work/gallery/c"/* "$work/gallery/b/" 2>/dev/null || true
        rm -rf "$work/gallery/c"
        ;;
    esac
}

start=$(date +%s)
end=$((start + minutes * 60))
n=0
next=$start
while [ "$(date +%s)" -lt "$end" ]; do
    for _ in 1 2 3 4 5 6 7 8; do
        churn "$n"
        n=$((n + 1))
    done
    kill -0 $watch 2>/dev/null || { echo "soak: the watch ended:" >&2; tail -n 3 "$work/notes" >&2; exit 1; }
    now=$(date +%s)
    if [ "$now" -ge "$next" ]; then
        next=$((now + 10))
        echo "$((now - start)) $(rss $watch) $(rss_all) $(ls /proc/$watch/fd | wc -l)" >>"$work/memory"
        "$program" --library "$work/library" search --json "a dog on the beach" >/dev/null 2>&1 || true
    fi
    sleep 0.5
done

runs=$(grep -c '"event":"idle"' "$work/events" || true)
"$program" --library "$work/library" status --json >"$work/status"
kill -INT $watch
wait $watch || true
trap - EXIT
median() { sort -n | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }
all=$(wc -l <"$work/memory")
tenth=$(((all + 9) / 10))
for column in 2 3 4; do
    early=$(awk -v c=$column -v t=$tenth 'NR > t && NR <= 2 * t { print $c }' "$work/memory" | median)
    late=$(awk -v c=$column -v from=$((all - tenth)) 'NR > from { print $c }' "$work/memory" | median)
    case $column in
    2) what="memory of the watch, kB" ;;
    3) what="with its decoders, kB" ;;
    4) what="open files" ;;
    esac
    awk -v what="$what" -v a="$early" -v b="$late" 'BEGIN { printf "soak: %s: %d early, %d late, %+.1f %%\n", what, a, b, 100 * (b - a) / a }'
    [ $column != 2 ] || growth=$(awk -v a="$early" -v b="$late" 'BEGIN { print (b > a * 1.05) }')
done
echo "soak: $minutes minutes, $n changes of files, $runs times idle, $(wc -l <"$work/events") events"
[ "$growth" = 0 ] || { echo "soak: the memory grew by more than 5 %" >&2; exit 1; }
