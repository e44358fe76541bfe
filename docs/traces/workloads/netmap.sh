# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Network buffers over loopback beside anonymous memory that grows and shrinks.
#
# What a C build has little of: socket buffers of order 2 and 3, which one CPU
# takes and another gives back, and huge pages (order 9, Linux's default from
# 512 MiB of memory; the posted XPFO test takes them for the kernel's, for want
# of __GFP_KSWAPD_RECLAIM), beside mappings that take and return page by page.
# Each task works in long runs of one kind, and memory never runs short: hardly
# an alternation, hardly a fallback.
#
# Recorded with: --cpus 3 --memory 768M --buffer 16M --sched
#                --kernel-package linux-image-6.12-amd64
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
ip link set lo up
cat >/tmp/netmap.py <<'END'
import mmap, os, socket

MIB = 1 << 20


def on(cpu):
    """Stay on one CPU, so that who allocates and who frees is no accident."""
    os.sched_setaffinity(0, {cpu % os.cpu_count()})


def stream(family, address, mebibytes, piece, sender, receiver):
    """Send through connected sockets, from a task on one CPU to one on another."""
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    buffer = bytearray(piece)
    if os.fork() == 0:
        on(sender)
        with socket.socket(family) as client:
            client.connect(server.getsockname())
            for _ in range(mebibytes * MIB // piece):
                client.sendall(buffer)
        os._exit(0)
    on(receiver)
    peer, _ = server.accept()
    while peer.recv_into(buffer):
        pass
    os.wait()


def datagrams(rounds, size, cpu):
    """Queue datagrams in a socket until some are dropped, then read the rest."""
    on(cpu)
    buffer = bytearray(size)
    with socket.socket(type=socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        here.setblocking(False)
        for _ in range(rounds):
            for _ in range(16):
                here.sendto(buffer, here.getsockname())
            try:
                while True:
                    here.recv_into(buffer)
            except BlockingIOError:
                pass


def anonymous(mebibytes, advice, rounds, cpu):
    """Map, touch, give back the middle third, touch again, unmap."""
    on(cpu)
    length = mebibytes * MIB
    third = length // 3 & -mmap.PAGESIZE
    for _ in range(rounds):
        with mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as area:
            area.madvise(advice)
            for _ in range(2):
                for page in range(0, length, mmap.PAGESIZE):
                    area[page] = 1
                area.madvise(mmap.MADV_DONTNEED, third, third)


tasks = [
    (stream, socket.AF_INET, ("127.0.0.1", 0), 384, 65536, 0, 1),
    (stream, socket.AF_UNIX, "/tmp/netmap.socket", 192, 16384, 1, 2),
    (datagrams, 1000, 30000, 0),
    (anonymous, 6, mmap.MADV_NOHUGEPAGE, 8, 0),
    (anonymous, 6, mmap.MADV_NOHUGEPAGE, 8, 1),
    (anonymous, 6, mmap.MADV_NOHUGEPAGE, 8, 2),
    (anonymous, 60, mmap.MADV_HUGEPAGE, 8, 2),
]
for task, *arguments in tasks:
    if os.fork() == 0:
        task(*arguments)
        os._exit(0)
for _ in tasks:
    if os.wait()[1]:
        raise SystemExit("a task of the workload failed")
END
/usr/bin/python3 /tmp/netmap.py
