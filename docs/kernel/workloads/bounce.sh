# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Disks whose DMA is bounced: swiotlb copies from and to the pages of the user.
#
# As a machine does with a device that cannot reach all of memory, or may not.
#
# record.sh: --bounce --memory 512M --disk 256M --swap 256M --buffer 64M
# record.sh: --guest callers-files --guest callers-memory
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C

/tmp/guest/callers-files /mnt /tmp/out \
	ext4-buffered ext4-mmap o-direct aio-direct io-uring-direct io-uring-fixed
/tmp/guest/callers-memory swap core-file
