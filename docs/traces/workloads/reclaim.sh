# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Page cache against slab on a machine too small for both.
#
# A C build or a fork storm never runs short of memory: all but two of their
# fallbacks happen during boot.  Here page cache (movable), inodes and dentries
# (reclaimable), stacks and page tables (unmovable) grow at the same time in less
# memory than they need: reclaim gives back pages of one kind that another kind
# takes, and pageblocks change their migratetype again and again.
#
# Recorded with: --cpus 2 --memory 224M --buffer 16M --disk 512M --sched
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
cd /mnt || exit

page_cache() { # read the large file through
	cat big >/dev/null
}

inodes() { # an ext4 inode is about a KiB of slab
	mkdir "small.$1"
	for i in $(seq 1 5000); do echo "$i" >"small.$1/$i"; done
}

tasks() { # kernel stacks and page tables that stay while the others work
	sleeping=()
	for _ in $(seq 1 100); do
		sleep 1000 &
		sleeping+=($!)
	done
}

anonymous() { # memory that grows and goes at once
	dd if=/dev/zero of=/dev/null bs=24M count=1 status=none
}

dd if=/dev/zero of=big bs=1M count=64 status=none
for round in 1 2 3; do
	inodes $round & page_cache & working=$(jobs -p)
	tasks
	# shellcheck disable=SC2086
	wait $working
	kill "${sleeping[@]}"
	wait
	rm -r small.$round & anonymous & wait
done
