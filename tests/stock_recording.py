# SPDX-License-Identifier: GPL-2.0-only
"""A tiny recording as docs/traces/record-qemu.sh leaves one."""

import gzip

USER = "gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO"
KERNEL = "gfp_flags=GFP_KERNEL"
TOML = """
cpus = 1
memory = "512 MiB"
kernel = "6.1.0"
workload = "workloads/cc.sh"
"""


def line(seconds, what):
    return f"  sh-7 [000] .....  {seconds:.6f}: {what}\n"


def page(event, pfn, more):
    return f"{event}: page=00000000deadbeef pfn={pfn:#x} order=0 {more}"


def alloc(pfn, mask):
    movable = int(mask is USER)
    return page("mm_page_alloc", pfn, f"migratetype={movable} {mask}")


def mark(which):
    return f"tracing_mark_write: xpfo-workload-{which}"


LINES = (
    # boot: the kernel has page 1 and gives it back, a user has page 2 and does so
    line(0.1, alloc(1, KERNEL)),
    line(0.2, page("mm_page_free", 1, "").strip()),
    line(0.3, alloc(2, USER)),
    line(0.4, page("mm_page_free", 2, "").strip()),
    line(0.5, mark("start")),
    line(0.6, alloc(1, USER)),
    line(0.7, alloc(2, USER)),
    line(0.75, page("mm_page_free", 1, "").strip()),
    line(0.8, alloc(3, USER)),
    line(0.85, alloc(1, USER)),
    line(0.9, mark("end")),
    line(1.0, alloc(4, USER)),
)


def keep(at, lines=LINES, toml=TOML):
    path = at / "cc-1cpu-1.trace.gz"
    head = "# tracer: nop\n# kernel: 6.1.0\n"
    path.write_bytes(gzip.compress((head + "".join(lines)).encode()))
    path.with_name("cc-1cpu-1.toml").write_text(toml)
    return path
