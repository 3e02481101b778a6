#!/bin/sh
# Sets up what the build needs: Debian packages that are missing (as root or with sudo), then FAISS with its C library (faiss.sh).
# Says what it does, and is done in a moment when everything is there. `CC=clang make ...` and `make fuzz` also need clang.
set -eu
cd "$(dirname "$0")/.."

packages="gcc g++ libc6-dev make binutils dpkg-dev patch pkg-config ccache
libstb-dev libturbojpeg0-dev libjpeg62-turbo-dev libexif-dev libexpat1-dev libheif-dev libwebp-dev libsqlite3-dev libxxhash-dev libjansson-dev libutf8proc-dev zlib1g-dev libseccomp-dev check strace"
# Reading text in photos is left out of a build where this is not installed; OCR=1 installs it.
[ "${OCR:-}" != 1 ] || packages="$packages libtesseract-dev libleptonica-dev tesseract-ocr-eng"
# Pulling models is left out with PULL=0. Any flavour of libcurl that is installed will do; they exclude each other.
[ "${PULL:-1}" = 0 ] || pkg-config --exists libcurl 2>/dev/null || packages="$packages libcurl4-openssl-dev"
case ${CC:-gcc} in *clang*) packages="$packages clang libclang-rt-dev llvm" ;; esac

missing() {
    # One line for each installed package; the others are missing.
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null | sed -n 's/^installed //p')
    for package in $packages; do
        echo "$installed" | grep -qx "$package" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# What apt says goes to a file, and to the screen when it fails.
install_packages() {
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends $wanted >build/apt.log 2>&1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: this is not a Debian system; docs/dependencies.md lists what must be installed by hand" >&2
    exit 3
fi
wanted=$(missing | tr '\n' ' ')
if [ -n "$wanted" ]; then
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "deps: missing packages need root or sudo: apt-get install --no-install-recommends $wanted" >&2
        exit 3
    fi
    mkdir -p build
    echo "deps: installing $wanted"
    lists=$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' 2>/dev/null | head -n 1)
    if [ -z "$lists" ] || ! install_packages; then
        echo "deps: reading the package lists anew"
        as_root apt-get -q update >build/apt.log 2>&1 || { cat build/apt.log >&2; exit 3; }
        install_packages || { cat build/apt.log >&2; exit 3; }
    fi
fi
tools/faiss.sh
tools/gazetteer.sh
[ -n "$wanted" ] || echo "deps: everything is there"
