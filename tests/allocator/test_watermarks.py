# SPDX-License-Identifier: GPL-2.0-only
import pytest
from zones import BLOCK, FIRST, ZONE, H, M, put, the_zone, zones

from xpfo_model.allocator.rmqueue import HIGHATOMIC, NON_BLOCK
from xpfo_model.allocator.state import WMARK_HIGH, ZONE_NORMAL
from xpfo_model.allocator.watermarks import (
    above_high,
    leave_below_high,
    zone_watermark_ok,
)


def roomy(kernel="v6.18", free=1000, reserve=0, boost=0, reserved=0):
    s = zones(kernel)
    the_zone(s).free_pages = free
    the_zone(s).lowmem_reserve[ZONE_NORMAL] = reserve
    the_zone(s).watermark_boost = boost
    the_zone(s).nr_reserved_highatomic = reserved
    return s


CASES = [
    # free, reserve, boost, reserved, flags
    (501, 0, 0, 0, 0, True),
    (500, 0, 0, 0, 0, False),  # more than the mark
    (601, 100, 0, 0, 0, True),
    (600, 100, 0, 0, 0, False),
    (1012, 0, 512, 0, 0, False),
    (1013, 0, 512, 0, 0, True),
    (1012, 0, 0, 512, 0, False),
    (1013, 0, 0, 512, 0, True),
    (501, 0, 0, 512, HIGHATOMIC, True),
    (501, 0, 0, 512, NON_BLOCK, True),
]


@pytest.mark.parametrize(
    ("free", "reserve", "boost", "reserved", "flags", "enough"), CASES
)
def test_what_must_be_left(free, reserve, boost, reserved, flags, enough):
    s = roomy("v6.1", free, reserve, boost, reserved)
    assert zone_watermark_ok(s, the_zone(s), 0, 500, ZONE_NORMAL, flags) == enough


def test_the_reserve_is_by_the_highest_zone_of_the_request():
    s = roomy(free=600, reserve=100)
    assert zone_watermark_ok(s, the_zone(s), 0, 500, ZONE, 0)
    assert not zone_watermark_ok(s, the_zone(s), 0, 500, ZONE_NORMAL, 0)


def test_a_larger_page_must_be_there():
    s = roomy()
    put(s, FIRST, 2, M)
    put(s, FIRST + BLOCK, 5, H)
    orders = [
        [zone_watermark_ok(s, the_zone(s), o, 500, ZONE, flags) for o in range(7)]
        for flags in (0, NON_BLOCK, HIGHATOMIC)
    ]
    assert orders == [[True] * 3 + [False] * 4] * 2 + [[True] * 6 + [False]]


def test_a_larger_page_is_not_left():
    s = roomy(free=507)
    put(s, FIRST, 3, M)
    the_zone(s).free_pages = 508
    assert zone_watermark_ok(s, the_zone(s), 3, 500, ZONE, 0)
    the_zone(s).free_pages = 507
    assert not zone_watermark_ok(s, the_zone(s), 3, 500, ZONE, 0)


def test_below_high_is_noted_until_a_free_finds_it_above():
    s = roomy()
    the_zone(s).watermark[WMARK_HIGH] = 999
    assert above_high(s, the_zone(s), 0, ZONE, 0)
    assert not the_zone(s).below_high
    the_zone(s).watermark[WMARK_HIGH] = 1000
    assert not above_high(s, the_zone(s), 0, ZONE, 0)
    assert the_zone(s).below_high
    leave_below_high(s, the_zone(s))
    assert the_zone(s).below_high
    the_zone(s).watermark[WMARK_HIGH] = 999
    assert not above_high(s, the_zone(s), 0, ZONE, 0)  # only a free looks again
    leave_below_high(s, the_zone(s))
    assert not the_zone(s).below_high
