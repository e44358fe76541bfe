#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Boot the kernel of build.sh under one strategy, run one workload, and keep what
# the kernel did: its own events from the start of XPFO on, its counters at the
# same instant, and where all of it comes from.
#
#   record.sh --kernel _build/kernel/bzImage --strategy pcp_batch_local \
#             --cpus 2 --workload workloads/mix.sh --out mix-2cpu
#
# leaves NAME.trace.gz, the text of the kernel's trace file; NAME.counters{.start,}
# (debugfs, as the workload began, and at the trace's end), NAME.zoneinfo.*,
# NAME.vmstat.*, NAME.interrupts.* (of both), NAME.log (what the workload said) and
# NAME.toml, the provenance.
#
# Fails, and leaves nothing, if an event was lost, if the kernel warned, if the
# workload failed, or if the kernel ran another strategy than was asked for.
# NAME.console is left then: the guest's console and its kernel's log.
#
# A workload says how it wants to be recorded in lines `# record.sh: OPTIONS`;
# options of the command line come after those.  Needs no root, but Debian with:
# qemu-system-x86 busybox-static cpio gcc libc6-dev e2fsprogs.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docs/traces/qemu.sh
. "$here/../traces/qemu.sh"

usage() {
	cat <<-END
	usage: ${0##*/} --kernel BZIMAGE --strategy NAME --cpus N --workload SCRIPT
	           --out NAME [option]...

	  --kernel BZIMAGE      kernel of build.sh; provenance.toml is read beside it
	  --strategy NAME       xpfo=NAME
	  --cpus N              CPUs of the guest
	  --workload SCRIPT     bash script to run in the guest, with /tmp a tmpfs
	  --out NAME            files to write, without their suffixes
	  --start WHICH         xpfo_start=: mapped, or unmapped (mapped)
	  --kmap WHICH          xpfo_kmap=: direct or local (as the strategy has it)
	  --verify N            xpfo_verify=N: all CPUs try to read each N-th page (0)
	  --memory SIZE         memory of the guest beside its trace buffers (512M)
	  --buffer SIZE         trace buffer of each CPU (96M)
	  --events LIST         events to record (xpfo:* and six of kmem)
	  --disk SIZE           a scratch ext4 file system on /mnt
	  --swap SIZE           a disk to swap to
	  --local               run the workload in the initramfs, by busybox's sh, with
	                        no share mounted: 9p does not outlive hibernation
	  --bounce              have the disks' DMA go through swiotlb's buffers
	  --guest PROGRAM       compile guest/PROGRAM.c, as /tmp/guest/PROGRAM; may be
	                        given more than once
	  --append TEXT         more of the kernel's command line
	  --keep DIR            work in DIR and keep it
	  --timeout SECONDS     give up on a guest that hangs (900)
	END
}

mebibytes() { # SIZE: 512M or 1G as a number of MiB
	[[ $1 =~ ^[0-9]+[MG]$ ]] || die "$1 is not a size such as 512M or 1G"
	case $1 in
	*G) echo $((${1%G} * 1024)) ;;
	*M) echo "${1%M}" ;;
	esac
}

kernel='' strategy='' cpus='' workload='' out='' start=mapped kmap='' verify=0
memory=512M buffer=96M disk='' swap='' within='' bounce='' more='' keep='' timeout=900
guest=()
events=kmem:mm_page_alloc,kmem:mm_page_free,kmem:mm_page_free_batched
events+=,kmem:mm_page_alloc_zone_locked,kmem:mm_page_pcpu_drain
events+=,kmem:mm_page_alloc_extfrag,'xpfo:*'

arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		--local) within=1; shift; continue ;;
		--bounce) bounce=1; shift; continue ;;
		--*) [ $# -gt 1 ] || die "$1 needs a value" ;;
		esac
		case $1 in
		--kernel) kernel=$2 ;;
		--strategy) strategy=$2 ;;
		--cpus) cpus=$2 ;;
		--workload) workload=$2 ;;
		--out) out=$2 ;;
		--start) start=$2 ;;
		--kmap) kmap=$2 ;;
		--verify) verify=$2 ;;
		--memory) memory=$2 ;;
		--buffer) buffer=$2 ;;
		--events) events=$2 ;;
		--disk) disk=$2 ;;
		--swap) swap=$2 ;;
		--guest) guest+=("$2") ;;
		--append) more=$2 ;;
		--keep) keep=$2 ;;
		--timeout) timeout=$2 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift 2
	done
}

arguments "$@"
for needed in "$kernel" "$strategy" "$cpus" "$workload" "$out"; do
	[ -n "$needed" ] || { usage >&2; exit 2; }
done
[ -r "$workload" ] || die "cannot read $workload"
[ -r "$kernel" ] || die "no kernel $kernel: build.sh makes it"
read -ra wishes < <(sed -n 's/^# record.sh: //p' "$workload" | paste -sd ' '; echo)
guest=()
arguments "${wishes[@]}" "$@"
case $start in mapped | unmapped) ;; *) die "--start is mapped or unmapped" ;; esac
case $kmap in '' | direct | local) ;; *) die "--kmap is direct or local" ;; esac
case $cpus in 0 | *[!0-9]*) die "--cpus $cpus is not a number of CPUs" ;; esac
beside=$(mebibytes "$memory")
each=$(mebibytes "$buffer")
total=$((beside + cpus * each))

missing=()
needs() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || [ -x "/sbin/$1" ] || missing+=("$2")
}
needs qemu-system-x86_64 qemu-system-x86
needs busybox busybox-static
needs cpio cpio
needs flock util-linux
[ ${#guest[@]} = 0 ] || needs gcc 'gcc libc6-dev'
[ -z "$disk" ] || needs mkfs.ext4 e2fsprogs
[ ${#missing[@]} = 0 ] ||
	die "missing: apt-get install --no-install-recommends ${missing[*]}"

work=${keep:-$(mktemp -d)}
finish() {
	guest_end
	if [ -e "$work/console.log" ]; then
		cat "$work/console.log" "$work/out"/{dmesg,log} 2>/dev/null >"$out.console" || true
		echo "${0##*/}: nothing recorded; the guest's console: $out.console" >&2
	fi
	[ -n "$keep" ] || rm -rf "$work"
}
trap finish EXIT
rm -rf "$work"/{root,out,console.log,scratch.img,swap.img}
mkdir -p "$work/root"/{bin,guest,proc,sys,dev,host,out} "$work/out"
work=$(cd "$work" && pwd)

# --- The initramfs: busybox, the workload, the programs that it calls, /init. ---

cp "$(command -v busybox)" "$work/root/bin/busybox"
cp "$workload" "$work/root/workload.sh"
cp "$here/init" "$work/root/init"
[ -z "$within" ] || touch "$work/root/local"
for program in "${guest[@]}"; do
	gcc -O2 -Wall -Wextra -static -pthread -o "$work/root/guest/$program" \
		"$here/guest/$program.c" || die "cannot compile guest/$program.c"
done
guest_pack "$work/root" "$work/initramfs.gz"

# --- Boot, run, power off: one guest at a time, for two would share the CPUs. ---

# A counter for a clock: a global clock gives events of several CPUs one time, and
# then their order is lost, which decides who mapped a frame before whom.
# no_timer_check: where the host is busy, the timer of an emulated machine is late.
append="console=ttyS0 quiet panic=-1 nokaslr no_timer_check xpfo=$strategy"
[ "$start" = mapped ] || append+=" xpfo_start=$start"
[ -z "$kmap" ] || append+=" xpfo_kmap=$kmap"
[ "$verify" = 0 ] || append+=" xpfo_verify=$verify"
append+=" trace_event=$events trace_buf_size=$buffer trace_clock=counter${more:+ $more}"
platform=''	# virtio leaves the DMA API aside, if not told that it is needed
if [ -n "$bounce" ]; then
	append+=' swiotlb=force'
	platform=,iommu_platform=on,disable-legacy=on
fi
drives=()
drive() { # SERIAL SIZE
	truncate -s "$2" "$work/$1.img"
	drives+=(-drive "file=$work/$1.img,if=none,id=$1,format=raw,cache=unsafe"
		-device "virtio-blk-pci,drive=$1,serial=$1$platform")
}
if [ -n "$disk" ]; then
	drive scratch "$disk"
	PATH=$PATH:/sbin mkfs.ext4 -q "$work/scratch.img"
fi
[ -z "$swap" ] || drive swap "$swap"

mkdir -p "$(dirname "$out")"
lock=${XPFO_QEMU_LOCK:-${TMPDIR:-/tmp}/xpfo-qemu.$UID.lock}
exec {locked}>"$lock"
flock -n "$locked" || { echo "waiting for another guest, $lock"; flock "$locked"; }
echo "recording $strategy on $cpus CPUs, $memory: ${workload##*/}"
began=$SECONDS
guest_boot "$work" "$cpus" "${total}M" "$timeout" "$kernel" "$append" "${drives[@]}"
guest_lost_nothing "$work" "raise --buffer above $buffer"
took=$((SECONDS - began))
flock -u "$locked"

# --- Was the kernel content, and was it the one that was asked for? ---

counter() { awk -v name="$1" '$1 == name { print $2 }' "$work/out/counters"; }
complaint=$(grep -h -m 1 -E 'WARNING: |BUG: |Oops|kernel BUG|general protection fault' \
	"$work/console.log" "$work/out/dmesg" || true)
[ -z "$complaint" ] || die "the guest's kernel complained: $complaint"
tainted=$(cat "$work/out/tainted")
[ "$tainted" = 0 ] || die "the guest's kernel is tainted: $tainted"
if [ "$strategy" != off ]; then
	[ -e "$work/out/counters" ] || die "$kernel has no XPFO, or it did not start"
	[ "$(counter strategy)" = "$strategy" ] ||
		die "the kernel ran $(counter strategy), not $strategy"
	[ "$(counter start)" = "$start" ] ||
		die "memory started $(counter start), not $start"
	grep -q -m 1 ': xpfo_start:' "$work/out/trace" ||
		die "the trace has no event xpfo_start: what of it is in --events?"
fi

# --- Write. ---

{
	echo "# kernel: $(cut -d ' ' -f 3 "$work/out/version")"
	guest_normalise "$work/out/trace"
} >"$work/trace.normalised"
gzip -6nc "$work/trace.normalised" >"$out.trace.gz"
for file in "$work/out"/{counters,counters.start,log} \
	"$work/out"/{zoneinfo,vmstat,interrupts}.{start,end}; do
	[ ! -e "$file" ] || cp "$file" "$out.${file##*/}"
done

digest() { sha256sum | cut -d ' ' -f 1; }
seconds() { # of the workload, by the guest's clock
	cat "$work/out"/uptime.{start,end} |
		awk 'NR == 1 { began = $1 } END { printf "%.2f", $1 - began }'
}
provenance=$(dirname "$kernel")/provenance.toml
name=${workload##*/}
disks=${disk:+$disk of scratch, ext4 on /mnt}${disk:+${swap:+; }}${swap:+$swap of swap}
{
	cat <<-END
	# SPDX-License-Identifier: GPL-2.0-only
	short = "${out##*/}"
	title = "$(sed -n '/^#$/,$ { s/^# \(.*\)\.$/\1/p }' "$workload" | head -n 1)"
	cpus = $cpus
	memory = "$total MiB, $((cpus * each)) of them for the trace"
	kernel = "$(cut -d ' ' -f 3 "$work/out/version")"
	machine = "$(qemu-system-x86_64 --version | head -n 1), TCG, -cpu max"
	command_line = "$append"
	workload = "workloads/$name"
	workload_title = "boot, then ${name%.sh}"
	date = "$(date -u +%F)"
	sha256 = "$(digest <"$work/trace.normalised")"
	events = "$events"
	removed = "hashed page= pointers; no event"
	END
	[ -z "$disks" ] || echo "disk = \"$disks\""
	cat <<-END

	[kernel_run]
	strategy = "$strategy"
	start = "$start"
	kmap = "${kmap:-default}"
	verify = $verify
	events = $written
	workload_sha256 = "$(digest <"$workload")"
	image_sha256 = "$(digest <"$kernel")"
	workload_seconds = $(seconds)
	recording_seconds = $took
	END
	[ ${#guest[@]} = 0 ] ||
		echo "guest_sha256 = \"$(cd "$here/guest" && cat case.h "${guest[@]/%/.c}" | digest)\""
	if [ -e "$provenance" ]; then
		printf '\n[kernel_build]\n'
		cat "$provenance"
	fi
} >"$out.toml"
rm -f "$work/console.log" "$out.console"
echo "$out.trace.gz: $written events, none lost, in $took s"
