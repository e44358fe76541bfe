# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.allocator import zoneinfo
from xpfo_model.allocator.layout import Pageset

ZONE = """Node {node}, zone {name}
  per-node stats
      nr_inactive_anon 5
  pages free     1000
        boost    0
        min      2439
        low      3048
        high     3657
        spanned  {spanned}
        present  131072
        managed  {managed}
        protection: (0, 10, 20)
      nr_free_pages 990
  pagesets
    cpu: 0
              count: 10
{sizes}
  vm stats threshold: 12
    cpu: 1
              count: 7
{sizes}
  vm stats threshold: 12
  node_unreclaimable:  0
  start_pfn:           {start}
"""
OLD = "              high:  186\n              batch: 31"
NEW = "              high:  9\n              batch: 31\n              high_min: 1524\n              high_max: 8192"  # noqa: E501


def text(name, start, managed=131072, sizes=OLD, node=0):
    name = f"{name:>8}"
    spanned = managed or 0
    return ZONE.format(
        node=node, name=name, start=start, managed=managed, spanned=spanned, sizes=sizes
    )


def test_a_zone_of_v6_1():
    layout = zoneinfo.read(text("DMA32", 4096))
    dma32 = layout.zones[1]
    assert layout.cpus == 2
    assert (dma32.start, dma32.end, dma32.managed) == (4096, 135168, 131072)
    assert dma32.watermarks == (2439, 3048, 3657)
    assert dma32.reserve == (0, 10, 20)
    assert dma32.pageset == Pageset(31, 186, 186)
    assert dma32.free == 990


def test_a_zone_of_v6_18_has_two_bounds_of_high():
    layout = zoneinfo.read(text("Normal", 4096, sizes=NEW))
    assert layout.zones[2].pageset == Pageset(31, 1524, 8192)


def test_zones_without_memory_and_of_other_nodes_are_left_out():
    layout = zoneinfo.read(
        text("DMA", 0, 4000)
        + text("DMA32", 4096)
        + text("Normal", 200000, 0)
        + text("Movable", 300000, 7)
        + text("Normal", 400000, node=1)
    )
    assert [zone.managed for zone in layout.zones] == [4000, 131072, 0]
    assert layout.frames == 135168
    assert layout.zones[2].start == layout.zones[2].end == 135168


@pytest.mark.parametrize(
    "wrong", ["", "hello\n", text("DMA32", 1).replace("min ", "x ")]
)
def test_a_text_that_is_no_zoneinfo(wrong):
    with pytest.raises(zoneinfo.ZoneinfoError):
        zoneinfo.read(wrong)
