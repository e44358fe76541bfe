#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the kernel that runs XPFO: Debian's linux-source-6.1, the patches beside
# this script, the configuration fragment beside it.
#
#   build.sh --out _build/kernel
#
# leaves OUT/bzImage and OUT/provenance.toml.  Each step leaves a stamp named by
# the content of all that it rests on, so that a second run does what is left: a
# changed patch is applied to the files that it touches, and make compiles those.
#
# Needs no root, but Debian with: linux-source-6.1 make gcc patch flex bison bc
# libelf-dev xz-utils; 2 GB of disk; on two cores about ten minutes, once.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)

usage() {
	cat <<-END
	usage: ${0##*/} [option]...

	  --out DIR          build in DIR, and keep it (_build/kernel)
	  --source TARBALL   kernel to patch (/usr/src/linux-source-6.1.tar.xz)
	  --series DIR       the patches to apply (those beside this script)
	  --jobs N           compile N files at a time (all CPUs)
	  --until STEP       stop after unpack, patch, config or build
	END
}

die() { echo "${0##*/}: $*" >&2; exit 1; }

out=_build/kernel source=/usr/src/linux-source-6.1.tar.xz series=$here
jobs=$(nproc) until=build
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--*) [ $# -gt 1 ] || die "$1 needs a value" ;;
	esac
	case $1 in
	--out) out=$2 ;;
	--source) source=$2 ;;
	--series) series=$2 ;;
	--jobs) jobs=$2 ;;
	--until) until=$2 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift 2
done
case $until in
unpack | patch | config | build) ;;
*) die "--until $until: the steps are unpack, patch, config, build" ;;
esac

# --- All that is missing, at once. ---

missing=()
needs() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || missing+=("$2")
}
needs xz xz-utils
needs patch patch
case $until in
config | build)
	needs make make
	needs gcc gcc
	needs ld binutils
	needs flex flex
	needs bison bison
	needs bc bc
	needs perl perl
	for header in stdio.h:libc6-dev gelf.h:libelf-dev; do
		echo "#include <${header%:*}>" | gcc -E - >/dev/null 2>&1 ||
			missing+=("${header#*:}")
	done
	;;
esac
if [ ! -r "$source" ]; then
	name=${source##*/}
	missing+=("${name%.tar.*}")
fi
[ ${#missing[@]} = 0 ] ||
	die "missing: apt-get install --no-install-recommends ${missing[*]}"
shopt -s nullglob
patches=("$series"/*.patch)
shopt -u nullglob
[ ${#patches[@]} != 0 ] || die "no patches in $series"

mkdir -p "$out/stamps"
out=$(cd "$out" && pwd)
tree=$out/linux

digest() { sha256sum "$@" | cut -d ' ' -f 1; }
done_for() { [ "$(cat "$out/stamps/$1" 2>/dev/null)" = "$2" ]; } # STEP DIGEST
stamp() { echo "$2" >"$out/stamps/$1"; [ "$until" != "$1" ] || exit 0; }

# --- unpack ---

source_sha256=$(digest "$source")
if ! done_for unpack "$source_sha256"; then
	echo "unpacking $source"
	rm -rf "$out"/{linux,unpacking,pristine,stamps} && mkdir -p "$out"/{unpacking,stamps}
	tar -xf "$source" -C "$out/unpacking" --strip-components 1 ||
		die "cannot unpack $source: install its package again"
	mv "$out/unpacking" "$tree"
fi
stamp unpack "$source_sha256"

version=$(sed -nE 's/^(VERSION|PATCHLEVEL|SUBLEVEL) = //p' "$tree/Makefile" | paste -sd .)

# --- patch: on copies of the files that the series touches, then all or none. ---

series_sha256=$(cat "${patches[@]}" | digest)
patched=$(echo "$source_sha256 $series_sha256" | digest)
if ! done_for patch "$patched"; then
	echo "applying ${#patches[@]} patches to $version"
	rm -rf "$out/trial" && mkdir -p "$out/trial" "$out/pristine"
	touched=$(sed -nE 's,^(---|\+\+\+) [ab]/([^[:space:]]+).*,\2,p' "${patches[@]}" |
		sort -u)
	[ -n "$touched" ] || die "the patches in $series change no file"
	while read -r file; do
		mkdir -p "$(dirname "$out/trial/$file")"
		if [ -e "$out/pristine/$file" ]; then
			cp -p "$out/pristine/$file" "$out/trial/$file"
		elif ! grep -qxF "$file" "$out/pristine/.added" 2>/dev/null &&
			[ -e "$tree/$file" ]; then
			mkdir -p "$(dirname "$out/pristine/$file")"
			cp -p "$tree/$file" "$out/pristine/$file"
			cp -p "$tree/$file" "$out/trial/$file"
		fi
	done <<<"$touched"
	for patch in "${patches[@]}"; do
		patch -d "$out/trial" -p1 -s -f -F0 --no-backup-if-mismatch -r - <"$patch" ||
			die "${patch##*/} does not apply to $version of $source:" \
				"rebase the series, or name another kernel with --source"
	done

	# What an earlier series touched and this does not, as it came.
	rm -f "$out/stamps"/{patch,config,build}
	if [ -e "$out/pristine/.added" ]; then
		while read -r file; do
			[ -e "$out/trial/$file" ] || rm -f "$tree/$file"
		done <"$out/pristine/.added"
	fi
	(cd "$out/pristine" && find . -type f ! -name .added) | while read -r file; do
		[ -e "$out/trial/$file" ] || cp "$out/pristine/$file" "$tree/$file"
	done
	: >"$out/pristine/.added"
	(cd "$out/trial" && find . -type f -printf '%P\n') | while read -r file; do
		[ -e "$out/pristine/$file" ] || echo "$file" >>"$out/pristine/.added"
		cmp -s "$out/trial/$file" "$tree/$file" && continue
		mkdir -p "$(dirname "$tree/$file")"
		cp "$out/trial/$file" "$tree/$file"
	done
	rm -rf "$out/trial"
fi
stamp patch "$patched"

# --- config: every line of the fragment must have been taken. ---

config_sha256=$(digest "$here/config")
configured=$(echo "$patched $config_sha256 $(gcc --version | head -n 1)" | digest)
if ! done_for config "$configured"; then
	echo "configuring $version"
	rm -f "$out/stamps"/{config,build}
	log=$out/config.log
	{
		make -C "$tree" tinyconfig &&
		(cd "$tree" && scripts/kconfig/merge_config.sh -m .config "$here/config") &&
		make -C "$tree" olddefconfig
	} >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "cannot configure: see $log"; }
	refused=''
	while read -r line; do
		case $line in
		CONFIG_*) grep -qxF "$line" "$tree/.config" || refused+=" $line" ;;
		'# CONFIG_'*' is not set')
			name=${line#\# }
			! grep -q "^${name%% *}=" "$tree/.config" || refused+=" -${name%% *}" ;;
		esac
	done <"$here/config"
	[ -z "$refused" ] || die "$version has not, or not so:$refused"
fi
stamp config "$configured"

# --- build: the same bits from the same sources, whoever builds them. ---

image=$out/bzImage
if ! done_for build "$configured" || [ ! -e "$image" ]; then
	echo "building $version, $jobs files at a time; the log is $out/build.log"
	rm -f "$out/stamps/build" "$image"
	began=$SECONDS
	make -C "$tree" -j "$jobs" bzImage KBUILD_BUILD_USER=xpfo KBUILD_BUILD_HOST=xpfo \
		KBUILD_BUILD_VERSION=1 KBUILD_BUILD_TIMESTAMP=1970-01-01 \
		>"$out/build.log" 2>&1 || {
		grep -E -A 5 'error:|Error [0-9]' "$out/build.log" | tail -n 30 >&2
		die "cannot build: see $out/build.log"
	}
	cp "$tree/arch/x86/boot/bzImage" "$image"
	cp "$tree/System.map" "$tree/.config" "$out/"
	cat >"$out/provenance.toml" <<-END
	kernel = "$(cat "$tree/include/config/kernel.release")"
	source = "${source##*/}"
	source_sha256 = "$source_sha256"
	series_sha256 = "$series_sha256"
	config_sha256 = "$config_sha256"
	compiler = "$(gcc --version | head -n 1)"
	END
	echo "built in $((SECONDS - began)) s"
fi
stamp build "$configured"
echo "$image is the kernel: $(cat "$tree/include/config/kernel.release")"
