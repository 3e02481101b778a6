#!/bin/sh
# Builds FAISS and its C library from Debian's own source package into build/deps: static libraries and headers, without GPU, Python,
# BLAS or OpenMP (tools/faiss/ stands in for the last two; docs/why-not.md says why). About two minutes on two cores, once.
#
# apt checks the source package's signature chain. It is found through a list of sources made for this one call, so that the
# system's own configuration is neither needed nor changed.
set -eu
cd "$(dirname "$0")/.."
version=1.7.3-2
out=$PWD/build/deps
jobs=${JOBS:-$(nproc)}

# The newest level of the processor; the code is built for it, which makes search several times faster than a generic build.
level() {
    [ "$(uname -m)" = x86_64 ] || return 0
    supported=$(/lib64/ld-linux-x86-64.so.2 --help 2>/dev/null | sed -n 's/^ *\(x86-64-v[34]\) (supported.*/\1/p' | sort | tail -n 1)
    echo "${supported:-x86-64}"
}

# One build at a time; a second one waits and finds the work done.
mkdir -p "$out"
exec 9>"$out/lock"
flock 9

march=${FAISS_MARCH:-$(level)}
key="faiss $version $march $(cat tools/faiss.sh tools/faiss/* | cksum)"
if [ -f "$out/faiss.stamp" ] && [ "$(cat "$out/faiss.stamp")" = "$key" ]; then exit 0; fi

work=$out/work
rm -rf "$work" "$out/faiss.stamp"
mkdir -p "$work/apt/lists/partial" "$work/apt/parts" "$work/apt/cache/archives/partial" "$work/o" "$out/lib" "$out/include"
trap 'rm -rf "$work"' EXIT
start=$(date +%s)

fetch() {
    mirror=$(apt-get indextargets --format '$(COMPONENT) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "main" && $2 == "bookworm" { print $3; exit }')
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    signed=
    [ ! -f $keyring ] || signed="[signed-by=$keyring] "
    [ -n "$mirror" ] || { echo "faiss: apt has no source for bookworm main; add one and run apt-get update" >&2; exit 1; }
    echo "deb-src $signed$mirror bookworm main" >"$work/apt/sources.list"
    user=_apt
    [ "$(id -u)" != 0 ] || user=root
    apt="apt-get -q -o Dir::Etc::sourcelist=$work/apt/sources.list -o Dir::Etc::sourceparts=$work/apt/parts
         -o Dir::State::lists=$work/apt/lists -o Dir::Cache=$work/apt/cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
         -o APT::Sandbox::User=$user"
    $apt update
    (cd "$work" && $apt source --only-source "faiss=$version")
}

compile() {
    # Debian's g++, or the caller's, through ccache when it is there.
    cxx="$(command -v ccache || true) ${CXX:-g++}"
    flags="-std=c++11 -O3 -DNDEBUG -DFINTEGER=int -fPIC -fno-gnu-unique -ffunction-sections -fdata-sections -w"
    [ -z "$march" ] || flags="$flags -march=$march"
    (
        cd "$work/src"
        ls faiss/*.cpp faiss/impl/*.cpp faiss/invlists/*.cpp faiss/utils/*.cpp c_api/*.cpp c_api/impl/*.cpp c_api/utils/*.cpp
        echo "$OLDPWD/tools/faiss/blas.cpp"
    ) >"$work/sources"
    echo "deps: compiling $(wc -l <"$work/sources") files of FAISS for $march with $jobs jobs"
    # shellcheck disable=SC2016
    (cd "$work/src" && xargs -P "$jobs" -n 1 sh -c '
        object=$1/o/$(echo "$2" | sed "s|.*/src/||; s|^/||" | tr / _).o
        exec $0 -I'"$OLDPWD"'/tools/faiss -I. -Ic_api -c -o "$object" "$2"' "$cxx $flags" "$work" <"$work/sources")
}

collect() {
    rm -rf "$out/lib" "$out/include"
    mkdir -p "$out/lib" "$out/include/faiss"
    ar rcsD "$out/lib/libfaiss_c.a" "$work"/o/c_api_*.o
    rm "$work"/o/c_api_*.o
    ar rcsD "$out/lib/libfaiss.a" "$work"/o/*.o
    (cd "$work/src" && find c_api -name '*.h' ! -path '*/gpu/*' -exec cp --parents {} "$out/include/faiss/" \;)
    cp "$work/src/LICENSE" "$out/FAISS-LICENSE"
}

echo "deps: building FAISS $version from Debian's source package"
fetch >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "deps: the source package of FAISS could not be fetched" >&2; exit 3; }
mv "$work"/faiss-*/ "$work/src"
compile
collect
echo "$key" >"$out/faiss.stamp"
echo "deps: FAISS is built in build/deps ($(($(date +%s) - start)) s)"
