#!/bin/sh
# Runs the torture of one variant, tools/torture.sh build/plain: TORTURE_KILLS kills (1000) in the order of TORTURE_SEED.
set -eu
out=$1
cd "$(dirname "$0")/.."
PHOTOSEARCH_TEST_PROGRAM=$PWD/$out/photosearch
mkdir -p "$out/tmp"
TMPDIR=$(mktemp -d "$PWD/$out/tmp/torture.XXXXXX")
trap 'rm -rf "$TMPDIR"' EXIT
TORTURE_MEASURE=${TORTURE_MEASURE:-1}
export PHOTOSEARCH_TEST_PROGRAM TMPDIR TORTURE_MEASURE
unset PHOTOSEARCH_LIBRARY PHOTOSEARCH_MODEL XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME || true
export LC_ALL=C.UTF-8 TZ=UTC
"$out/tests/torture/torture"
