# SPDX-License-Identifier: GPL-2.0-only
"""Pipes: a writer fills buffers, a reader empties them.

fs/pipe.c: pipe_write() takes a page a buffer, `alloc_page(GFP_HIGHUSER |
__GFP_ACCOUNT)`, v6.1: a user's page by the posted test, from the UNMOVABLE lists.
pipe_read() gives it back through anon_pipe_buf_release(), one by one.

Numbers are of trace forkpipe-4cpu between its marks, 22,299 buffers.
"""

from typing import Final

import numpy as np

from xpfo_model.workloads.activity import Activity, Pages, number_within, repeated
from xpfo_model.workloads.host import Host

BUFFER: Final = "GFP_HIGHUSER|__GFP_ACCOUNT"
BUFFERS: Final = 16
"""Buffers of a pipe. include/linux/pipe_fs_i.h: PIPE_DEF_BUFFERS, v6.1."""
FULL: Final = 0.5
"""Share of turns that fill the pipe, the others end before, anywhere: runs of
buffers on a CPU have a mean of 11, which are 12 here."""
ELSEWHERE: Final = 0.35
"""Share of buffers that another CPU frees."""
DELAY: Final = 17
"""Allocations per CPU from a writer's turn to the reader's, mean: buffers live for
33 allocations of the machine, median, and 223 at the 90th percentile, on 4 CPUs."""


def pipes(host: Host, *, elsewhere: float = ELSEWHERE) -> Activity:
    """Turns of writers on random CPUs, each followed by its reader's.

    `elsewhere` is the share of readers that run on another CPU than the writer.
    """
    rng = host.rng
    delay = DELAY * host.cpus
    mean = FULL * BUFFERS + (1 - FULL) * (1 + BUFFERS) / 2
    host.at_once(BUFFERS, 1)
    count = host.running(mean, 0)
    filled = np.where(
        rng.random(count) < FULL, BUFFERS, rng.integers(1, BUFFERS + 1, count)
    )
    write = host.starts(count, 0)
    writer = host.random_cpus(count)
    turn = repeated(np.arange(count), filled)
    place = number_within(filled)
    return Activity(
        np.concatenate([write, write + rng.exponential(delay, count)]),
        np.concatenate([writer, host.elsewhere(writer, elsewhere)]),
        [Pages(host.kind(BUFFER), turn, place, turn + count, place)],
    )
