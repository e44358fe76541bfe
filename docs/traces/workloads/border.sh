# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2038
#
# A shell that compiles, sorts and pipes: few pages, and many crossings of the
# border of user space, all of which are recorded.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
mkdir -p /tmp/s && cd /tmp/s || exit
for i in 1 2 3 4 5 6; do
	printf '#include <stdio.h>\nint run%s(int c) { return printf("%%d", c); }\n' $i >f$i.c
done
printf '%s\n' 'all: f1.o f2.o f3.o f4.o f5.o f6.o' '%.o: %.c' "	gcc -O2 -c \$< -o \$@" >Makefile
make -s -j2
ar rc libf.a f?.o
for i in $(seq 1 20); do
	head -c 200000 /dev/urandom | gzip -1 | wc -c >"s$i"
	tr 0-9 a-j <"s$i" | sort >/dev/null
done
find /usr/share/doc -maxdepth 1 | head -300 | xargs stat -c %s | sort -n | tail -1
