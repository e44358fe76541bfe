#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build-site.sh OUTDIR [KEPT]
#
# Build the site of this tree at OUTDIR/ and of every tag vX.Y.Z at OUTDIR/TAG/.
#
# A tag's site is unpacked from KEPT/site-TAG.tar.gz if that is there. Otherwise
# the tag is checked out and built with its own lock file, and its archive is
# left in KEPT/new/. The same tag gives the same archive, byte for byte.
#
# XPFO_SITE_URL is the address of the published site, without a slash at the end.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: build-site.sh OUTDIR [KEPT]" >&2
    exit 2
fi
out=$(realpath -m "$1")
kept=$(realpath -m "${2:-$1.kept}")
root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
url=${XPFO_SITE_URL-}

work=$(mktemp -d)
trap 'rm -rf "$work"; git -C "$root" worktree prune' EXIT

build() { # build FOLDER URL: from nothing, so that no page of old stays
    XPFO_SITE_URL=$2 make -C "$1" cleandocs htmldocs
}

archive() { # archive TAG FOLDER
    mkdir -p "$kept/new"
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$(git -C "$root" log -1 --format=%ct "$1")" --directory "$2" . |
        gzip -9n > "$kept/new/site-$1.tar.gz"
}

if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "$out is not empty" >&2
    exit 1
fi
mkdir -p "$out"
build "$root" "$url"
cp -r "$root/_build/html/." "$out"

for tag in $(git -C "$root" tag --list 'v[0-9]*'); do
    mkdir "$out/$tag"
    if [ -e "$kept/site-$tag.tar.gz" ]; then
        echo "$tag: kept"
        tar --extract --gzip --file "$kept/site-$tag.tar.gz" --directory "$out/$tag"
        continue
    fi
    echo "$tag: to build"
    git -C "$root" worktree add --quiet --detach "$work/$tag" "refs/tags/$tag"
    build "$work/$tag" "${url:+$url/$tag}"
    archive "$tag" "$work/$tag/_build/html"
    cp -r "$work/$tag/_build/html/." "$out/$tag"
    rm -rf "${work:?}/$tag"
done
