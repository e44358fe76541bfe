# SPDX-License-Identifier: GPL-2.0-only
"""Frames numbered without the gaps between the zones of a machine.

Memory may begin at 8 TiB, as on arm64 servers, and a zone may begin far behind the
one below it. The model's arrays have a place a frame, so that its frames are
numbered by zone: each zone follows the one below it at the next largest page. No
rule of the allocator looks at more of a pfn than its place in a largest page.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.zones import Layout, LayoutError, Zone
from xpfo_model.constants import MAX_PAGE_ORDER

LARGEST: Final = 1 << MAX_PAGE_ORDER
"""Frames of the largest page."""
MOST_FRAMES: Final = 1 << 30
"""Frames that the 32-bit links of a list can tell apart, with room for the heads of
the lists: 4 TiB."""

Pfns = npt.NDArray[np.int64]


def round_up(frames: int) -> int:
    """Frames up to the end of the last largest page."""
    return -(-frames // LARGEST) * LARGEST


@dataclass(frozen=True)
class Packing:
    """A machine's layout in packed frames, and the way there and back."""

    layout: Layout
    """The machine, each of its zones in packed frames."""
    starts: Pfns
    """First frame of each zone that has memory."""
    ends: Pfns
    """First frame behind it."""
    shifts: Pfns
    """Frames by which each zone is moved down."""

    @property
    def frames(self) -> int:
        """Packed frames, a multiple of the largest page."""
        return round_up(self.layout.frames)

    def holds(self, pfns: Pfns) -> npt.NDArray[np.bool_]:
        """Whether each frame lies in a zone that has memory."""
        zone = np.searchsorted(self.ends, pfns, side="right")
        found = zone < len(self.ends)
        starts: Pfns = self.starts[np.minimum(zone, len(self.ends) - 1)]
        return found & (pfns >= starts)

    def pack(self, pfns: Pfns) -> Pfns:
        """Packed frames of frames that `holds` is true for; negative ones stay."""
        zone = np.searchsorted(self.ends, pfns, side="right")
        shifts = self.shifts[np.minimum(zone, len(self.shifts) - 1)]
        return np.where(pfns < 0, pfns, pfns - shifts)

    def unpack(self, pfns: Pfns) -> Pfns:
        """The frames of packed frames; negative ones stay."""
        zone = np.searchsorted(self.ends - self.shifts, pfns, side="right")
        shifts = self.shifts[np.minimum(zone, len(self.shifts) - 1)]
        return np.where(pfns < 0, pfns, pfns + shifts)


def packing(layout: Layout) -> Packing:
    """A layout packed. Raises `LayoutError` if its zones span `MOST_FRAMES`."""
    zones = []
    shifts = []
    end = 0
    for zone in layout.zones:
        if not zone.managed:
            zones.append(Zone.none(end))
            continue
        shift = zone.start // LARGEST * LARGEST - round_up(end)
        shifts.append(shift)
        zones.append(replace(zone, start=zone.start - shift, end=zone.end - shift))
        end = zone.end - shift
    if not shifts:
        raise LayoutError("a machine without memory", remedy="give a zone some pages")
    if round_up(end) > MOST_FRAMES:
        raise LayoutError(
            f"zones of {end:,} frames: the model's machines have at most "
            f"{MOST_FRAMES:,}",
            remedy="take a smaller machine, or one of its nodes",
        )
    populated = [zone for zone in layout.zones if zone.managed]
    return Packing(
        Layout(tuple(zones), layout.cpus),
        np.array([zone.start for zone in populated], np.int64),
        np.array([zone.end for zone in populated], np.int64),
        np.array(shifts, np.int64),
    )
