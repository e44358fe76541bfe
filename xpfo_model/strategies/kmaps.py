# SPDX-License-Identifier: GPL-2.0-only
"""Two ways to give the kernel a user's page for a while: kmap and kunmap.

Through the direct map, as v3 to v9 do, kmap undoes the protection and the last
kunmap flushes again. Through a mapping that only this CPU has (kmap_high's idea,
v9's TODO 4, the mermap of 2026) the direct map stays as it is.
"""

from xpfo_model.machine import KUNMAP, USER, Machine, flush, set_kpte


def physmap_kmap(m: Machine, cpu: int, frame: int) -> None:
    """Map the alias of an unmapped frame. Mirrors mm/xpfo.c: xpfo_kmap, v6."""
    m.mapcount[frame] += 1
    set_kpte(m, frame, mapped=True)


def physmap_kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap a user's frame at its last kunmap, and flush all CPUs.

    Mirrors mm/xpfo.c: xpfo_kunmap, v6.
    """
    m.mapcount[frame] -= 1
    if m.mapcount[frame] == 0 and m.owner[frame] == USER:
        set_kpte(m, frame, mapped=False)
        flush(m, KUNMAP)


def local_kmap(m: Machine, cpu: int, frame: int) -> None:
    """Map the frame elsewhere, for this CPU alone."""
    m.mapcount[frame] += 1


def local_kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap it there; only this CPU's TLB had it, one INVLPG without waiting."""
    m.mapcount[frame] -= 1
