# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2086,SC2038,SC2164
#
# Fork/exec storm, pipes, small files.  The commands are kept as they were when
# the trace was recorded.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
mkdir -p /tmp/f && cd /tmp/f
work(){ for i in $(seq 1 60); do head -c 200000 /dev/urandom | gzip -1 | wc -c >/dev/null; echo x$i > s$1.$i; cat s$1.$i | tr x y | sort >/dev/null; done; }
work a & work b & work c & work d & wait
seq 1 200000 | sort -R | head -1 >/dev/null
find /usr/share/doc -maxdepth 2 2>/dev/null | head -4000 | xargs stat -c %s 2>/dev/null | sort -n | tail -1
