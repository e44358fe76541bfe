# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.allocator.packing import LARGEST, MOST_FRAMES, packing
from xpfo_model.allocator.zones import BOOT_PAGESET, Layout, LayoutError, Zone

ARM = 1 << 31
"""First frame behind 8 TiB."""


def zone(start, frames):
    if not frames:
        return Zone.none(start)
    return Zone(start, start + frames, frames, (1, 2, 3), (0, 0, 0), BOOT_PAGESET)


@st.composite
def layouts(draw):
    zones = []
    start = 0
    for _ in range(3):
        start += draw(st.integers(0, 5000) | st.sampled_from([ARM]))
        frames = draw(st.integers(0, 5000))
        zones.append(zone(start, frames))
        start += frames
    return Layout(tuple(zones), 1)


@given(layouts(), st.integers(0, 4999))
def test_frames_come_back_and_keep_their_place_in_a_largest_page(layout, nth):
    populated = [zone for zone in layout.zones if zone.managed]
    if not populated:
        with pytest.raises(LayoutError):
            packing(layout)
        return
    found = packing(layout)
    pfns = np.array([zone.start + nth % zone.managed for zone in populated])
    packed = found.pack(pfns)
    assert found.holds(pfns).all()
    assert (packed % LARGEST == pfns % LARGEST).all()
    assert (found.unpack(packed) == pfns).all()
    assert (packed >= 0).all()
    assert (packed < found.frames).all()
    for one, frame in zip(
        (zone for zone in found.layout.zones if zone.managed), packed, strict=True
    ):
        assert one.start <= frame < one.end


@given(layouts())
def test_packed_zones_need_no_more_than_they_span(layout):
    if any(zone.managed for zone in layout.zones):
        spanned = sum(zone.end - zone.start for zone in layout.zones)
        assert packing(layout).frames <= spanned + 6 * LARGEST


def test_a_zone_at_8_tib_begins_where_the_one_below_it_ends():
    found = packing(Layout((zone(1, 4095), zone(4096, 4096), zone(ARM, 4096)), 1))
    assert [zone.start for zone in found.layout.zones] == [1, 4096, 8192]
    assert found.pack(np.array([ARM + 5, -1, 7])).tolist() == [8197, -1, 7]


def test_what_is_between_zones_is_held_by_none():
    found = packing(Layout((zone(1, 4095), zone(8192, 4096), zone(ARM, 4096)), 1))
    pfns = np.array([0, 1, 4095, 4096, 8191, 8192, ARM - 1, ARM, ARM + 4096])
    held = [False, True, True, False, False, True, False, True, False]
    assert found.holds(pfns).tolist() == held


def test_a_machine_that_links_cannot_number_is_refused():
    with pytest.raises(LayoutError, match="at most"):
        packing(Layout((zone(0, MOST_FRAMES + 1), zone(ARM, 0), zone(ARM, 0)), 1))
