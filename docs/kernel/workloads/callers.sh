# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Kernel code that touches a user's page, as much of it as runs here.
#
# Each case begins with `xpfo-case NAME` in the trace, so that an xpfo_kmap or an
# xpfo_fault tells which it is of.  A case that fails, fails the recording.
#
# Not exercised, because it needs hardware, a second machine, or what this kernel
# leaves out: NFS, CIFS, ceph and other network file systems but 9p; btrfs, xfs and
# the compressing file systems; fscrypt and fs-verity; overlayfs; RAID, dm-integrity
# and dm-verity; KVM and vfio; GPU drivers; AF_XDP and RDMA; TLS in the kernel;
# perf's AUX buffers; memory failure and hotplug; huge pages of hugetlbfs; DAX;
# zswap; BPF; kexec's jump (its load is exercised).  hibernate.sh is a workload of
# its own.
#
# record.sh: --memory 512M --disk 384M --swap 256M --buffer 128M
# record.sh: --guest callers-memory --guest callers-files
# record.sh: --guest callers-net --guest callers-block
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C

/tmp/guest/callers-files /mnt /tmp/out
/tmp/guest/callers-net /mnt
/tmp/guest/callers-block /mnt
/tmp/guest/callers-memory
