# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Each kind of a user's page, read through the direct map.
#
# NAME.log of the recording has a line for each; guest/ret2dir.c says of what.
#
# record.sh: --memory 512M --disk 256M --swap 256M --guest ret2dir --buffer 64M
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C

# Compressed, so that hardly a word of it is zero; nothing has read it.
file=$(find /usr/src /usr/share -type f -size +256k -name '*.[gx]z' -print -quit)
[ -n "$file" ] || { echo "no file of 256 KiB in /usr/src or /usr/share"; exit 1; }
RET2DIR_FILLING=$(printf '%09000d' 7) /tmp/guest/ret2dir /mnt "$file"
