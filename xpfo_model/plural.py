# SPDX-License-Identifier: GPL-2.0-only
"""Numbers of things in words."""


def count(number: int, one: str, many: str = "") -> str:
    """A number of things in words: 1 event, 5,000 events, 2 changes of ownership.

    `many` is the plural, if it is not `one` with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
