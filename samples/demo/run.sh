#!/bin/sh
# The demo: photographs from Debian packages, indexed and asked about. `make demo` sets up and builds first, then runs this.
set -eu
cd "$(dirname "$0")/../.."
demo=$PWD/build/demo
program=$PWD/build/photosearch

samples/demo/photos.sh
build/samples/demo/stamp samples/demo/album.tsv "$demo/photos"
unset PHOTOSEARCH_LIBRARY || true
# A model in the making changes without a new name for its space: what an earlier one saw is of no use then.
[ models/photosearch.safetensors -ot "$demo/library/library.db" ] || rm -rf "$demo/library"
echo
echo "photosearch --library build/demo/library index build/demo/photos"
"$program" --library "$demo/library" index "$demo/photos"
echo
build/samples/demo/contact_sheet "$demo/library" samples/demo/queries.txt "$demo/index.html"
echo
echo "The answers with their photos: file://$demo/index.html"
echo "Ask yourself:                  build/photosearch --library build/demo/library \"a red flower\""
