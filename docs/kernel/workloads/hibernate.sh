# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Hibernation: all memory is copied, written to swap, read back, and gone on with.
#
# test_resume takes the way of a real resume without the power cycle.  hog holds
# memory that must be the same afterwards.
#
# record.sh: --memory 256M --swap 1G --guest hog --buffer 32M
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C

/tmp/guest/hog 32 400 &
hog=$!
sleep 1
echo test_resume >/sys/power/disk
echo xpfo-case hibernate >/sys/kernel/tracing/trace_marker
echo disk >/sys/power/state
echo xpfo-case end >/sys/kernel/tracing/trace_marker
wait $hog
