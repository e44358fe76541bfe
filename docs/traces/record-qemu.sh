#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Record the page allocator of a stock Debian kernel, from boot to the end of a
# workload, and fail if a single event was lost.  With --age the trace begins on a
# machine that has run for a while instead.
#
#   record-qemu.sh --workload workloads/cc.sh --cpus 4 --memory 768M \
#                  --out debian-6.1-cc-4cpu --sched
#
# leaves NAME.trace.gz, the text of the kernel's trace file, and beside it
# NAME.zoneinfo.{start,end}, NAME.pagetypeinfo.{start,end} and NAME.vmstat.end
# (and NAME.vmstat.start with --age), and NAME.toml, the provenance.
# What it prints at the end is the provenance too, with how long it took.
#
# The guest is an initramfs of busybox and a few modules.  It mounts this
# machine's root file system read-only over 9p and runs the workload in there,
# so the workload may use every program of this machine.  Needs no root, but
# Debian with: qemu-system-x86 busybox-static cpio (and e2fsprogs for --disk).
set -euo pipefail
export LC_ALL=C	# the output of apt-cache is read below

usage() {
	cat <<-END
	usage: ${0##*/} --workload SCRIPT --cpus N --memory SIZE --out NAME [option]...

	  --workload SCRIPT     bash script to run in the guest, with /tmp a tmpfs
	  --cpus N              CPUs of the guest
	  --memory SIZE         memory of the guest, such as 768M
	  --out NAME            files to write, without their suffixes
	  --sched               record sched:sched_switch too
	  --border              record where user space is left and entered, too
	  --buffer SIZE         trace buffer of each CPU (48M); comes out of --memory
	  --disk SIZE           give the workload a scratch ext4 file system on /mnt
	  --cache MODE          of the root file system's 9p share (loose); none reads no
	                        file ahead
	  --kernel-package P    Debian package of the kernel (linux-image-amd64)
	  --keep DIR            work in DIR and keep it: the next run finds the kernel
	  --age SCRIPT          run SCRIPT before the trace begins, with SECONDS as its
	                        argument; nothing is traced until it has ended
	  --settle SECONDS      for how long (600); comes on top of --timeout
	  --timeout SECONDS     give up on a guest that hangs (900)
	END
}

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docs/traces/qemu.sh
. "$here/qemu.sh"

workload='' cpus='' memory='' out='' sched='' buffer=48M disk='' keep=''
package=linux-image-amd64 timeout=900 border='' age='' settle=600 cache=loose
crossings=,raw_syscalls:sys_enter,raw_syscalls:sys_exit,exceptions:page_fault_user
while [ $# -gt 0 ]; do
	case $1 in
	--sched) sched=,sched:sched_switch; shift; continue ;;
	--border) border=$crossings; shift; continue ;;
	-h | --help) usage; exit 0 ;;
	--*) [ $# -gt 1 ] || die "$1 needs a value" ;;
	esac
	case $1 in
	--workload) workload=$2 ;;
	--cpus) cpus=$2 ;;
	--memory) memory=$2 ;;
	--out) out=$2 ;;
	--buffer) buffer=$2 ;;
	--disk) disk=$2 ;;
	--cache) cache=$2 ;;
	--kernel-package) package=$2 ;;
	--keep) keep=$2 ;;
	--age) age=$2 ;;
	--settle) settle=$2 ;;
	--timeout) timeout=$2 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift 2
done
for needed in "$workload" "$cpus" "$memory" "$out"; do
	[ -n "$needed" ] || { usage >&2; exit 2; }
done
for script in "$workload" ${age:+"$age"}; do
	[ -r "$script" ] || die "cannot read $script"
done
[[ $settle =~ ^[0-9]+$ ]] || die "--settle $settle is not a number of seconds"
for tool in qemu-system-x86_64 busybox cpio apt-get dpkg-deb; do
	command -v $tool >/dev/null ||
		die "$tool is missing: apt-get install qemu-system-x86 busybox-static cpio"
done

work=${keep:-$(mktemp -d)}
finish() {
	guest_end
	[ -n "$keep" ] || rm -rf "$work"
}
trap finish EXIT
rm -rf "$work/root" "$work/out" "$work/scratch.img"
mkdir -p "$work/root"/{bin,modules,proc,sys,dev,host,out} "$work/out"
work=$(cd "$work" && pwd)

# --- The kernel: the package that the meta package depends on, unpacked. ---

depends=$(apt-cache depends "$package") ||
	die "no package $package: try apt-get update, or another --kernel-package"
image=$(awk '/ Depends: linux-image-/ { print $2; exit }' <<<"$depends")
image=${image:-$package}
if [ ! -e "$work/$image/boot" ]; then
	(cd "$work" && apt-get download "$image") ||
		die "cannot download $image: try apt-get update"
	dpkg-deb -x "$work/$image"_*.deb "$work/$image"
fi
version=$(dpkg-deb -f "$work/$image"_*.deb Version)

# --- The initramfs: busybox, modules in load order, and /init. ---

cp "$(command -v busybox)" "$work/root/bin/busybox"
cp "$workload" "$work/root/workload.sh"
[ -z "$age" ] || { cp "$age" "$work/root/age.sh"; echo "$settle" >"$work/root/settle"; }

# A kernel has some of these built in, and fscache became a part of netfs: a
# module that is absent is not an error, a mount that fails below is.
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
	netfs fscache 9pnet 9p 9pnet_virtio"
[ -z "$disk" ] || modules+=" virtio_blk crc16 crc32c_generic mbcache jbd2 ext4"
number=100
for module in $modules; do
	file=$(find "$work/$image" -name "$module.ko*")
	[ -n "$file" ] || continue
	number=$((number + 1))
	case $file in
	*.xz) xz -dc "$file" >"$work/root/modules/$number-$module.ko" ;;
	*) cp "$file" "$work/root/modules/$number-$module.ko" ;;
	esac
done

events=kmem:mm_page_alloc,kmem:mm_page_free,kmem:mm_page_free_batched
events+=,kmem:mm_page_alloc_zone_locked,kmem:mm_page_pcpu_drain
events+=,kmem:mm_page_alloc_extfrag$sched$border
echo "$events" | tr , '\n' >"$work/root/events"
echo "$cache" >"$work/root/cache"

cat >"$work/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tracefs tracefs /sys/kernel/tracing
for module in /modules/*.ko; do insmod "$module"; done

share=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $share out /out || poweroff -f
mount -t 9p -o $share,ro,cache=$(cat /cache) host /host || poweroff -f
mount -t tmpfs tmpfs /host/tmp
mount -t proc proc /host/proc
mount -t sysfs sysfs /host/sys
mount -t devtmpfs dev /host/dev
if [ -b /dev/vda ]; then mount -t ext4 /dev/vda /host/mnt || poweroff -f; fi
cp /workload.sh /host/tmp/workload.sh
cp /proc/version /out/version

cd /sys/kernel/tracing
if [ -e /age.sh ]; then
	# The first event asked for allocates the buffers.  That is done now: it must
	# not be the last thing that the machine does before the trace.
	echo 0 >tracing_on
	cat /events >set_event
	echo >set_event
	cp /age.sh /host/tmp/age.sh
	chroot /host /bin/bash /tmp/age.sh "$(cat /settle)" || poweroff -f
	cat /events >set_event
	cut -d ' ' -f 1 /proc/uptime >/out/settled
	cp /proc/vmstat /out/vmstat.start
	echo >trace
	echo 1 >tracing_on
fi
cat /proc/zoneinfo >/out/zoneinfo.start
cat /proc/pagetypeinfo >/out/pagetypeinfo.start
echo xpfo-workload-start >trace_marker
chroot /host /bin/bash /tmp/workload.sh
status=$?
echo xpfo-workload-end >trace_marker
echo 0 >tracing_on
cat /proc/zoneinfo >/out/zoneinfo.end
cat /proc/pagetypeinfo >/out/pagetypeinfo.end
cat /proc/vmstat >/out/vmstat.end

for cpu in per_cpu/cpu*; do sed "s/^/${cpu##*/} /" $cpu/stats; done >/out/stats
dd if=trace of=/out/trace bs=256k
cut -d ' ' -f 1 /proc/uptime >/out/uptime
echo $status >/out/status	# last: a guest that died leaves none
poweroff -f
END
chmod +x "$work/root/init"
guest_pack "$work/root" "$work/initramfs.gz"

# --- Boot, run, power off. ---

# One clock for all CPUs: what the trace orders by time, happened in that order.
# nokaslr: the frames of the kernel's image are the same in every recording.
# no_timer_check: where the host is busy, the timer of an emulated machine is late.
append="console=ttyS0 quiet panic=-1 nokaslr no_timer_check"
[ -n "$age" ] || append+=" trace_event=$events"
append+=" trace_buf_size=$buffer trace_clock=global"
drive=()
if [ -n "$disk" ]; then
	truncate -s "$disk" "$work/scratch.img"
	/sbin/mkfs.ext4 -q "$work/scratch.img"
	drive=(-drive "file=$work/scratch.img,if=virtio,format=raw,cache=unsafe")
fi

echo "recording $image $version on $cpus CPUs, $memory: $workload"
began=$SECONDS
[ -z "$age" ] || timeout=$((timeout + settle))
guest_boot "$work" "$cpus" "$memory" "$timeout" "$work/$image"/boot/vmlinuz-* \
	"$append" "${drive[@]}"
took=$((SECONDS - began))

# --- Nothing lost? ---

guest_lost_nothing "$work" "raise --buffer above $buffer, and --memory with it"

# --- Write. ---

guest_normalise "$work/out/trace" >"$work/trace.normalised"
gzip -9nc "$work/trace.normalised" >"$out.trace.gz"
[ -z "$age" ] || cp "$work/out/vmstat.start" "$out.vmstat.start"
for file in zoneinfo.start zoneinfo.end pagetypeinfo.start pagetypeinfo.end vmstat.end; do
	cp "$work/out/$file" "$out.$file"
done

script=${workload##*/}
digest=$(sha256sum <"$work/trace.normalised" | cut -d ' ' -f 1)
{
	cat <<-END
	# SPDX-License-Identifier: GPL-2.0-only
	short = "${out##*/}"
	title = "$(sed -n '/^#$/,$ s/^# \([^.]*\)\..*/\1/p' "$workload" | head -n 1)"
	cpus = $cpus
	memory = "${memory/%M/ MiB}"
	kernel = "$(cut -d ' ' -f 3 "$work/out/version") ($image $version)"
	machine = "$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/QEMU \1 TCG/p'), root over 9p, cache=$cache"
	command_line = "$append"
	workload = "workloads/$script"
	workload_title = "${age:+${age##*/}, then }${script%.sh}"
	date = "$(date -u +%F)"
	events = "$events"
	removed = "hashed page= pointers; no event"
	sha256 = "$digest"
	END
	[ -z "$disk" ] || echo "disk = \"$disk of scratch, ext4 on /mnt\""
	[ -z "$age" ] || printf '\n[aged]\nscript = "workloads/%s"\nseconds = %s\nuptime = %s\n' \
		"${age##*/}" "$settle" "$(cat "$work/out/settled")"
} >"$out.toml"

cat <<END
kernel:   $(cut -d ' ' -f 3 "$work/out/version") (package $image $version)
machine:  $(qemu-system-x86_64 --version | head -n 1), -accel tcg,thread=multi -cpu max -smp $cpus -m $memory
options:  $append
workload: ${workload##*/}${disk:+, scratch disk $disk}, root over 9p, cache=$cache
recorded: $(date -u +%F), $took s in all, guest up $(cat "$work/out/uptime") s
events:   $written, lost 0, $(grep -c ': sched_switch:' "$work/trace.normalised") of them sched_switch
${age:+aged by:  ${age##*/} for $settle s; the trace begins $(cat "$work/out/settled") s after boot
}sha256:   $digest (raw text, normalised)
END
