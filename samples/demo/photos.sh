#!/bin/sh
# Brings the photographs of photos.tsv to build/demo/photos: downloads the Debian packages they are in (about 137 MB, checked by apt),
# takes out only the listed files and installs nothing. Quick when they are there.
set -eu
cd "$(dirname "$0")/../.."
list=samples/demo/photos.tsv
out=build/demo/photos
key=$(cksum <"$list")
if [ -f build/demo/photos.stamp ] && [ "$(cat build/demo/photos.stamp)" = "$key" ]; then exit 0; fi

work=build/demo/packages
rm -rf "$work" "$out"
mkdir -p "$work" "$out"
trap 'rm -rf "$work"' EXIT
packages=$(grep -v '^#' "$list" | cut -f 1 | sort -u)

download() { (cd "$work" && apt-get -q -o APT::Sandbox::User="$(id -un)" download $packages) >"$work/log" 2>&1; }

echo "demo: downloading the packages that hold the photographs:" $packages
if ! download; then
    echo "demo: reading the package lists anew"
    if [ "$(id -u)" = 0 ]; then apt-get -q update; else sudo apt-get -q update; fi >/dev/null
    download || { cat "$work/log" >&2; echo "demo: the packages could not be downloaded" >&2; exit 3; }
fi
for package in $packages; do
    mkdir -p "$out/$package"
    grep "^$package	" "$list" | cut -f 2 | sed 's|^|./|' >"$work/wanted"
    dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar -x -C "$work" -T "$work/wanted"
    # Short names; two of one package that would clash keep the name of their folder.
    while read -r path; do
        name=${path##*/}
        if [ -e "$out/$package/$name" ]; then
            folder=${path%/*}
            name=${folder##*/}-$name
        fi
        mv "$work/$path" "$out/$package/$name"
    done <"$work/wanted"
done
echo "$key" >build/demo/photos.stamp
echo "demo: $(find "$out" -type f | wc -l) photographs are in $out"
