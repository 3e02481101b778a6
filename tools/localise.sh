#!/bin/sh
# Makes every symbol of one relocatable object local, except the public ones (ps_x, but not the inner ps__x).
set -eu
object=$1
nm --defined-only --extern-only "$object" | awk '$3 ~ /^ps_[a-z]/ { print $3 }' >"$object.public"
objcopy --keep-global-symbols="$object.public" "$object"
rm -f "$object.public"
