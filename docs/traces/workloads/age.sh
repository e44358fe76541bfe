# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A machine grows old before its trace begins: builds, forks and pipes, files read
# through the page cache, inodes, and memory that grows and shrinks, round after
# round, each as long idle as it was busy.  What a round takes differs from round to
# round, and some of it stays for a few rounds, so that lists and pageblocks mix.
#
# For: record-qemu.sh --age workloads/age.sh --settle SECONDS
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
seconds=${1:?seconds}
mkdir -p /tmp/age && cd /tmp/age || exit

build() { # ROUND
	for i in 1 2 3 4; do
		printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int n)\n' "$i"
		printf '{ printf("%%d", n + %d); return abs(n); }\n' "$1"
	done >unit.c
	sed -i "s/f\([1-4]\)(/f\1_$1(/" unit.c
	gcc -O1 -c unit.c -o "kept.$1.o"
}

pipes() {
	for _ in $(seq 1 15); do
		head -c 100000 /dev/urandom | gzip -1 | sort | wc -c >/dev/null
	done
}

page_cache() { # another part of the same tree in each round
	find /usr/include /usr/share/perl -type f 2>/dev/null | sort |
		awk -v round="$1" 'NR % 7 == round % 7' | head -n 400 |
		xargs cat 2>/dev/null | wc -c >/dev/null
}

memory() { # MEBIBYTES: grow, give back the middle, grow again, go
	python3 - "$1" <<-'END'
	import mmap, sys
	length = int(sys.argv[1]) << 20
	with mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as area:
	    for page in range(0, length, mmap.PAGESIZE):
	        area[page] = 1
	    area.madvise(mmap.MADV_DONTNEED, length // 4, length // 2)
	    for page in range(0, length, mmap.PAGESIZE):
	        area[page] = 1
	END
}

round=0
while [ "$SECONDS" -lt "$seconds" ]; do
	round=$((round + 1))
	began=$SECONDS
	build $round &
	pipes &
	page_cache $round &
	memory $((20 + round * 37 % 140)) &
	wait
	head -c $((round * 613 % 4096 * 1024)) /dev/zero >"kept.$round.data"
	rm -f "kept.$((round - 5)).o" "kept.$((round - 3)).data"
	left=$((seconds - SECONDS))
	nap=$((SECONDS - began + 1))
	sleep $((nap < left ? nap : left > 0 ? left : 0))
done
cd /tmp && rm -rf age
echo "$round rounds"
