#!/bin/sh
# tools/install.sh install|uninstall, called by make with the folders and names in the environment. One list serves both, so that
# nothing can be left behind.
set -eu
cd "$(dirname "$0")/.."
action=$1

# mode, source, target
files() {
    echo "755 $O/photosearch $BINDIR/photosearch"
    echo "755 $DECODER $LIBEXECDIR/photosearch/photosearch-decoder"
    [ -z "$READER" ] || echo "755 $READER $LIBEXECDIR/photosearch/photosearch-reader"
    [ -z "$PULLER" ] || echo "755 $PULLER $LIBEXECDIR/photosearch/photosearch-pull"
    echo "644 api/photosearch.h $INCLUDEDIR/photosearch.h"
    echo "644 $O/libphotosearch.a $LIBDIR/libphotosearch.a"
    echo "755 $O/libphotosearch.so.$VERSION $LIBDIR/libphotosearch.so.$VERSION"
    echo "link libphotosearch.so.$VERSION $LIBDIR/$SONAME"
    echo "link $SONAME $LIBDIR/libphotosearch.so"
    echo "pc tools/photosearch.pc.in $LIBDIR/pkgconfig/photosearch.pc"
    echo "unit tools/photosearch.service.in $PREFIX/lib/systemd/user/photosearch.service"
    for model in models/*.safetensors; do
        [ ! -f "$model" ] || echo "644 $model $DATADIR/photosearch/${model##*/}"
    done
    echo "644 build/places.gazetteer $DATADIR/photosearch/places.gazetteer"
    echo "644 search/vocabulary.txt $DATADIR/photosearch/vocabulary.txt"
    echo "644 docs/man/photosearch.1 $MANDIR/man1/photosearch.1"
    echo "644 completions/photosearch.bash $DATADIR/bash-completion/completions/photosearch"
    echo "644 completions/_photosearch $DATADIR/zsh/site-functions/_photosearch"
    echo "644 completions/photosearch.fish $DATADIR/fish/vendor_completions.d/photosearch.fish"
}

files | while read -r mode source target; do
    case $action-$mode in
    uninstall-*) rm -f "$DESTDIR$target" ;;
    install-link)
        mkdir -p "$DESTDIR${target%/*}"
        ln -sf "$source" "$DESTDIR$target"
        ;;
    install-pc)
        mkdir -p "$DESTDIR${target%/*}"
        sed -e "s|@VERSION@|$VERSION|" -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$LIBDIR|" -e "s|@INCLUDEDIR@|$INCLUDEDIR|" \
            -e "s|@LIBS@|$LIBS|" "$source" >"$DESTDIR$target"
        chmod 644 "$DESTDIR$target"
        ;;
    install-unit)
        mkdir -p "$DESTDIR${target%/*}"
        sed -e "s|@BINDIR@|$BINDIR|" "$source" >"$DESTDIR$target"
        chmod 644 "$DESTDIR$target"
        ;;
    install-*)
        mkdir -p "$DESTDIR${target%/*}"
        # Beside the target first, then renamed: a program that is running keeps its file.
        install -m "$mode" "$source" "$DESTDIR$target.new"
        mv -f "$DESTDIR$target.new" "$DESTDIR$target"
        ;;
    esac
done
if [ "$action" = uninstall ]; then
    rmdir "$DESTDIR$DATADIR/photosearch" "$DESTDIR$LIBEXECDIR/photosearch" 2>/dev/null || true
    echo "photosearch is gone from $DESTDIR$BINDIR"
else
    echo "photosearch is installed: $DESTDIR$BINDIR/photosearch"
    if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig || true; fi
fi
