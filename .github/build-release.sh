#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build-release.sh OUTDIR
#
# Build what a release holds beside its site: the wheel, the source of the tag, and the
# claims: their figures, data, texts and verdicts, as the site built them.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: build-release.sh OUTDIR" >&2
    exit 2
fi
out=$(realpath -m "$1")
root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
cd "$root"
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "$out is not empty" >&2
    exit 1
fi
mkdir -p "$out"
make htmldocs
version=$(.venv/bin/python -c 'import xpfo_model; print(xpfo_model.__version__)')
epoch=$(git log -1 --format=%ct)

SOURCE_DATE_EPOCH=$epoch .venv/bin/python -m pip --disable-pip-version-check wheel -q \
    --no-deps --no-build-isolation --wheel-dir "$out" .
git archive --format=tar --prefix="xpfo-model-$version/" HEAD |
    gzip -9n > "$out/xpfo-model-$version.tar.gz"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime="@$epoch" --directory _build/html claims claims.json |
    gzip -9n > "$out/claims-$version.tar.gz"
(cd "$out" && sha256sum -- * > SHA256SUMS)
