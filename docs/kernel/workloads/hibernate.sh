# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Hibernation: all memory that is in use is copied, compressed and written to swap.
#
# The image is not read back: test_resume opens the disk for itself alone, which in
# 6.1 fails as long as it is swapped to.  All before that is the way of any
# hibernation.  hog holds memory, and fails if it is another afterwards.
#
# record.sh: --local --memory 256M --swap 1G --guest hog --buffer 32M
set -eu

# All of 20,000 rounds over 8 MiB are not done when the image is made.
/guest/hog 8 20000 &
hog=$!
sleep 1
echo test_resume >/sys/power/disk
echo xpfo-case hibernate >/sys/kernel/tracing/trace_marker
if echo disk >/sys/power/state; then echo resumed; fi
echo xpfo-case end >/sys/kernel/tracing/trace_marker
kill -0 $hog
wait $hog
dmesg | grep 'PM: .*pages copied'
dmesg | grep 'PM: Image saving done'
