# SPDX-License-Identifier: GPL-2.0-only
"""Page cache: files that are read ahead, written, and deleted or truncated.

The mask of a mapping is GFP_HIGHUSER_MOVABLE, fs/inode.c: inode_init_always(). A write
takes it whole with __GFP_WRITE, mm/filemap.c: __filemap_get_folio(); readahead in a
NOFS scope without __GFP_FS, mm/readahead.c: page_cache_ra_unbounded(): user data that
the posted test takes for the kernel's. Beside the pages go buffer heads and xarray
nodes of slabs, and blocks of metadata. mm/truncate.c: truncate_inode_pages_range()
frees a pagevec at a time. All v6.1; v4.14 has no NOFS scope there.

Numbers are of trace reclaim-2cpu between its marks, 49,770 pages.
"""

from typing import Final

import numpy as np

from xpfo_model.workloads.activity import Activity, Pages, number_within, repeated
from xpfo_model.workloads.host import Host

WRITTEN: Final = "GFP_HIGHUSER_MOVABLE|__GFP_WRITE|__GFP_COMP"
READ: Final = (
    "GFP_NOFS|__GFP_HIGHMEM|__GFP_MOVABLE|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP"
    "|__GFP_HARDWALL"
)
READ_2017: Final = "GFP_HIGHUSER_MOVABLE|__GFP_COLD|__GFP_NOWARN|__GFP_NORETRY"
NODES: Final = "GFP_NOFS|__GFP_RECLAIMABLE|__GFP_NOWARN|__GFP_NORETRY"
METADATA: Final = "GFP_NOFS|__GFP_MOVABLE|__GFP_NOFAIL|__GFP_COMP|__GFP_HARDWALL"
"""sb_getblk() of ext4, include/linux/buffer_head.h: the mask of a block device is
GFP_USER. The kernel's, from the MOVABLE list."""

READS: Final = 0.37
"""Share of the pages that are read: 18,386 of 49,770."""
FILE: Final = 256
"""Pages of a file, mean, exponential: 1 MiB, between the small files and the 64 MiB
of the workload. Free choice."""
WINDOW: Final = 32
"""Pages of one readahead: 128 KiB. include/linux/mm.h: VM_READAHEAD_PAGES."""
BETWEEN_WRITES: Final = 39
"""Pages that are written in one go: the 90th percentile of the runs."""
PAGES_PER_NODE: Final = 93
"""Pages of a file for one page of buffer heads and nodes: 535 to 49,770."""
PAGES_PER_METADATA: Final = 133
"""Pages of a file for one page of metadata: 376 to 49,770."""
CACHED: Final = 16384
"""Pages that the cache holds, 64 MiB: pages of written files live for 16,159
allocations, median."""
CACHED_OF_RUN: Final = 1 / 8
"""Share of a run's pages that are cached at most: free choice, as in `slabs`."""
PAGEVEC: Final = 15
"""include/linux/pagevec.h: PAGEVEC_SIZE, v6.1."""


def page_cache(
    host: Host, *, cached: int = CACHED, reads: float = READS, disk: bool = True
) -> Activity:
    """Files one after the other on random CPUs; the oldest goes when a new one comes.

    `cached` is how many pages are held at most, `reads` the share of files that are
    read and not written; without a `disk` there are no buffer heads and no metadata,
    as in tmpfs.
    """
    rng = host.rng
    each = FILE * (1 + 1 / PAGES_PER_NODE + 1 / PAGES_PER_METADATA)
    held = min(cached, host.frames / 2, host.own * CACHED_OF_RUN)
    mean = min(FILE, held / 2)
    typical = mean * host.cpus / host.share
    count = host.running(each * mean / FILE, typical)
    pages = host.sizes(mean, count)
    read = rng.random(count) < reads
    # bursts: the windows of each file, then its end
    window = np.where(read, WINDOW, BETWEEN_WRITES)
    windows = -(-pages // window)
    bursts = windows + 1
    first = np.cumsum(bursts) - bursts
    last = first + windows
    begin = np.sort(host.starts(count, typical))
    # a file goes when those after it fill the cache
    before = np.cumsum(pages) - pages
    ousts = np.searchsorted(before, before + held)
    end = np.append(begin, host.allocations)[np.minimum(ousts, count)]
    lasting = pages * host.cpus / host.share
    time = np.repeat(begin, bursts)
    time += np.repeat(lasting / bursts, bursts) * number_within(bursts)
    time[last] = np.maximum(end, time[last])
    cpu = np.repeat(host.random_cpus(count), bursts)
    cpu[last] = host.random_cpus(count)
    of_page = repeated(np.arange(count), pages)
    place = number_within(pages)
    whole = Pages(
        host.kind(WRITTEN, listed=PAGEVEC),
        repeated(first, pages) + place // window[of_page],
        place % window[of_page],
        repeated(last, pages),
        place,
    )
    reading = READ_2017 if host.kernel == "v4.14" else READ
    is_read = read[of_page]
    beside = [
        whole.keep(place % every == every // 2)._replace(kind=host.kind(mask))
        for mask, every in ((NODES, PAGES_PER_NODE), (METADATA, PAGES_PER_METADATA))
    ]
    return Activity(
        time,
        cpu,
        [
            whole.keep(~is_read),
            whole.keep(is_read)._replace(kind=host.kind(reading, listed=PAGEVEC)),
            *(beside if disk else ()),
        ],
    )
