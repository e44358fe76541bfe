# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Pipelines, many at a time, and short-lived processes.
#
# A pipe's pages are a user's by their mask and unmovable by their list: they
# come from where kernel stacks and page tables come from, and go back there.
#
# record.sh: --memory 512M
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C
mkdir /tmp/pipes
cd /tmp/pipes

storm() { # NAME
	local i
	for i in $(seq 12); do
		head -c 400000 /dev/urandom | gzip -1 | gzip -d | cat | wc -c >"$1"
		[ "$(cat "$1")" = 400000 ]
		echo "$i" >"$1.$i"
		tr 0-9 a-j <"$1.$i" | sort >/dev/null
	done
}

for name in one two three four; do
	storm $name &
	running+=($!)
done
for process in "${running[@]}"; do wait "$process"; done
seq 50000 | sort -R | tail -n 1 >/dev/null
