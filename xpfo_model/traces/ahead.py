# SPDX-License-Identifier: GPL-2.0-only
"""Make the next part of a stream while the one before is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class _End:
    """Stands for no part, once none is left."""


def ahead(parts: Iterator[T]) -> Iterator[T]:
    """The same parts in their order; a thread makes one part more than is used.

    Compiled code runs beside other threads, so that scanning takes no time of those
    who use what was scanned. Where making a part waits, ending this early waits, too:
    it is for files, not for pipes. What making a part raises is raised in its place.
    """
    with ThreadPoolExecutor(1) as work:
        coming = work.submit(next, parts, _End)
        while (part := coming.result()) is not _End:
            coming = work.submit(next, parts, _End)
            yield part  # type: ignore[misc] # it is no _End
