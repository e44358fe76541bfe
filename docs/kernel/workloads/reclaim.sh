# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Anonymous memory, page cache and inodes that do not fit together.
#
# Pages go out to swap and come back, reclaim hands frames from one kind of use to
# another, and compaction moves a user's pages about: each round asks for it, and
# asks for huge pages after it.  hog fails if a page comes back changed.
#
# record.sh: --memory 192M --disk 512M --swap 512M --guest hog --buffer 128M
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C
cd /mnt

inodes() { # DIRECTORY
	local i
	mkdir "$1"
	for i in $(seq 1000); do echo "$i" >"$1/$i"; done
}

dd if=/dev/urandom of=big bs=1M count=40 status=none
sum=$(md5sum <big)
for round in 1 2; do
	/tmp/guest/hog 120 1 &
	hog=$!
	inodes "small.$round" &
	writer=$!
	cp big copy
	echo 1 >/proc/sys/vm/compact_memory
	[ "$(md5sum <copy)" = "$sum" ]
	wait $writer
	echo 1 >/proc/sys/vm/compact_memory
	wait $hog
	rm -r "small.$round" copy
done
[ "$(md5sum <big)" = "$sum" ]
