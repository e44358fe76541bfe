# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the recorders of this repository share: an initramfs that mounts this
# machine's root read-only over 9p, a boot of it, and the proof that no event of
# the trace was lost.  To be sourced.

die() { echo "${0##*/}: $*" >&2; exit 1; }

guest_pack() { # ROOT INITRAMFS: the folder as an initramfs
	(cd "$1" && find . | cpio -o -H newc --quiet) | gzip -1 >"$2"
}

guest_pid=''
guest_end() { [ -z "$guest_pid" ] || kill "$guest_pid" 2>/dev/null || true; }

# The guest must leave OUT/status, and its workload's status must be 0.
guest_boot() { # WORK CPUS MEMORY SECONDS KERNEL COMMAND-LINE [QEMU-OPTION]...
	local work=$1 cpus=$2 memory=$3 seconds=$4 kernel=$5 append=$6
	local share=security_model=none,multidevs=remap
	shift 6
	# In the background, so that a signal ends the script, and the script the guest.
	timeout "$seconds" qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu max -smp "$cpus" -m "$memory" \
		-nographic -no-reboot -nic none \
		-kernel "$kernel" -initrd "$work/initramfs.gz" -append "$append" \
		-virtfs "local,path=/,mount_tag=host,readonly=on,$share" \
		-virtfs "local,path=$work/out,mount_tag=out,$share" \
		"$@" </dev/null >"$work/console.log" 2>&1 &
	guest_pid=$!
	wait "$guest_pid" || true
	guest_pid=''
	sed -i 's/\r//g' "$work/console.log"

	[ -e "$work/out/status" ] || {
		tail -n 30 "$work/console.log" >&2
		die "the guest died or hung before the trace was out;" \
			"its last words are above"
	}
	[ "$(cat "$work/out/status")" = 0 ] || {
		tail -n 30 "$work/console.log" >&2
		die "the workload failed with status $(cat "$work/out/status")"
	}
}

written=0	# the events of OUT/trace
guest_lost_nothing() { # WORK REMEDY
	local kept lost
	read -r kept written < <(
		sed -nE '3s/.*: ([0-9]+)\/([0-9]+) .*/\1 \2/p' "$1/out/trace")
	[ -n "$written" ] || die "the trace has no header"
	lost=$(awk '/(overrun|dropped events): / { n += $NF } END { print n + 0 }' \
		"$1/out/stats")
	if [ "$kept" != "$written" ] || [ "$lost" != 0 ]; then
		grep -E 'overrun|dropped' "$1/out/stats" >&2
		die "of $written events $((written - kept)) were overwritten" \
			"($lost by the counters above): $2"
	fi
	[ "$(grep -c 'tracing_mark_write: xpfo-workload-' "$1/out/trace")" = 2 ] ||
		die "the trace has not both marks of the workload"
}

# page= is a hash of a pointer, different in every boot, of no use.
guest_normalise() { # TRACE
	sed -E 's/ page=[0-9a-f]{16} / page=00000000deadbeef /' "$1"
}
