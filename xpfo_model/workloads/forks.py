# SPDX-License-Identifier: GPL-2.0-only
"""Fork and exec: children that copy an address space, get their own and exit.

kernel/fork.c: dup_mm() takes a pgd of two pages (arch/x86/mm/pgtable.c: _pgd_alloc(),
with page-table isolation) and page tables on the parent's CPU; the child breaks
copy-on-write (mm/memory.c: wp_page_copy()), then fs/exec.c: bprm_mm_init() does the
same again for the new program. mm/mmap.c: exit_mmap() frees at exec and at exit,
where the child ran last. All v6.1. Stacks of v6.1 come from a cache of each CPU or
from alloc_pages_bulk(), which no event shows; task structs from slabs that are full.

Numbers are of trace forkpipe-4cpu between its marks, means per child: 2,916 pgds,
two a child, are 1,458 children.
"""

from typing import Any, Final

import numpy as np

from xpfo_model.workloads.activity import (
    Activity,
    Kind,
    Pages,
    number_within,
    repeated,
)
from xpfo_model.workloads.host import Host
from xpfo_model.workloads.page_faults import ANONYMOUS, GATHER, PAGE_TABLE

COPIED: Final = "GFP_HIGHUSER_MOVABLE|__GFP_COMP"
"""A page of copy-on-write. mm/memory.c: wp_page_copy(), v6.1."""
PGD_ORDER: Final = 1

TABLES_FORK: Final = 12
"""Page tables that fork() copies: frees of tables come in runs of 12."""
TABLES_EXEC: Final = 16
"""Page tables of the new program: the median child takes 17 with its pgd."""
COPIED_FORK: Final = 12
"""Pages that the child copies before exec(): a third of the 42 copied in all."""
COPIED_EXEC: Final = 30
"""Pages that the new program copies: the rest."""
ZEROED: Final = 33
"""Zeroed pages of the new program, mean; the median child has 15: exponential."""
SLICE: Final = 13
"""Allocations until the CPU turns to another task: the 90th percentile of trace
forkpipe-4cpu. Those below wait for a page or a pipe and come back."""
RUNNING: Final = 2.5
"""Children that live at one time, per CPU: a page of the new program lives for 480
allocations of the machine, median, about half of its child's life."""
MOVES: Final = 0.25
"""How often a child is on another CPU in its next slice, fitted: 57 % of all frees
are of pages from another CPU."""
CLUSTER: Final = 2
"""Page tables that are taken together: the median of their runs."""


def forks(host: Host) -> Activity:
    """Children that begin at random times on random CPUs, each in four phases."""
    rng = host.rng
    each = 2 + TABLES_FORK + TABLES_EXEC + COPIED_FORK + COPIED_EXEC + ZEROED
    lasting = each * host.at_once(each, RUNNING * host.cpus) / host.share
    count = host.running(each, lasting)
    copied = rng.poisson(COPIED_FORK, count)
    before = 1 + copied // SLICE
    zeroed = rng.exponential(ZEROED, count).astype(np.int64)
    read = rng.poisson(COPIED_EXEC, count)
    program = 1 + TABLES_EXEC + read + zeroed
    after = 1 + program // SLICE
    # bursts: fork by the parent, the child's slices before and after exec, exit
    bursts = 2 + before + after
    fork = np.cumsum(bursts) - bursts
    execs = fork + 1 + before
    exits = fork + bursts - 1
    progress = number_within(bursts) / np.repeat(bursts, bursts)
    time = np.repeat(host.starts(count, lasting), bursts) + lasting * progress
    cpu = host.wandering(bursts, MOVES)
    cpu[fork] = host.random_cpus(count)
    copied_page = host.kind(COPIED, listed=GATHER)
    tables = (np.full(count, TABLES_FORK), np.full(count, TABLES_EXEC))
    of_fork = number_within(tables[0])
    user = read + zeroed
    pages = [
        Pages(host.kind(PAGE_TABLE, PGD_ORDER), fork, 0, execs, copied + TABLES_FORK),
        Pages(
            host.kind(PAGE_TABLE),
            repeated(fork, tables[0]),
            1 + of_fork,
            repeated(execs, tables[0]),
            repeated(copied, tables[0]) + of_fork,
        ),
        _touched(host, copied_page, copied, (fork + 1, copied), (execs, 0)),
        Pages(host.kind(PAGE_TABLE, PGD_ORDER), execs, 0, exits, user + TABLES_EXEC),
        _touched(
            host,
            host.kind(PAGE_TABLE),
            tables[1],
            (execs, program),
            (exits, user),
            CLUSTER,
        ),
        _touched(host, copied_page, read, (execs, program), (exits, 0)),
        _touched(
            host,
            host.kind(ANONYMOUS, listed=GATHER),
            zeroed,
            (execs, program),
            (exits, read),
        ),
    ]
    return Activity(time, cpu, pages)


def _touched(
    host: Host,
    kind: Kind,
    counts: Any,
    born: tuple[Any, Any],
    died: tuple[Any, Any],
    cluster: int = 1,
) -> Pages:
    """So many pages a child, anywhere in a phase; freed one after the other.

    `born` is the phase's first burst and its allocations, `died` the burst that
    frees and the first place in it; `cluster` pages come in a row.
    """
    burst, among = born
    last, place = died
    whole = int(counts.sum())
    drawn = np.repeat(host.rng.random(-(-whole // cluster)), cluster)[:whole]
    at = (drawn * np.repeat(among, counts)).astype(np.int32)
    return Pages(
        kind,
        repeated(burst, counts) + at // SLICE,
        at % SLICE,
        repeated(last, counts),
        repeated(np.broadcast_to(place, counts.shape), counts) + number_within(counts),
    )
