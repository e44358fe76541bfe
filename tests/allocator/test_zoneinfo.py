# SPDX-License-Identifier: GPL-2.0-only
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.allocator import zoneinfo
from xpfo_model.allocator.zones import Pageset
from xpfo_model.constants import MAX_PFN, NR_CPUS

REAL = sorted((Path(__file__).parents[2] / "docs" / "traces").glob("*.zoneinfo.*"))

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


def test_a_cpu_that_is_off_line_has_its_number():
    whole = text("DMA32", 4096).replace("cpu: 1", "cpu: 5")
    assert zoneinfo.read(whole).cpus == 6


def refused(content):
    with pytest.raises(zoneinfo.ZoneinfoError) as caught:
        zoneinfo.decode(content, "some.txt")
    assert caught.value.file == "some.txt"
    assert caught.value.remedy
    return caught.value


WHOLE = text("DMA", 1, 3840) + text("DMA32", 4096)


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("", None, "no zone of node 0"),
        ("hello\n", None, "no zone of node 0"),
        (text("DMA32", 1, node=1), None, "no zone of node 0"),
        (WHOLE.replace("        min ", "        x "), 1, "no 'min'"),
        (text("DMA32", 1).partition("pagesets")[0], 1, "no 'start_pfn'"),
        (WHOLE.replace("    cpu: ", "    c: "), 1, "no pageset of a CPU"),
        (WHOLE + text("DMA32", 200000), 53, "line 27 has it, too"),
        (text("DMA", 1) + text("DMA32", 4096), 27, "in the one below it"),
        (WHOLE.replace("batch: 31", "batch: 0"), 18, "no refill is of 0 pages"),
        (WHOLE.replace("batch: 31", "batch: 3841"), 18, "3841 pages"),
        (WHOLE.replace("managed  3840", "managed  3841"), 1, "do not lie in"),
        (WHOLE.replace("low      3048", "low      9" + "9" * 18), 7, "no number of"),
        (WHOLE.replace("low      3048", "low      " + "9" * 5000), 7, "5000 digits"),
        (WHOLE.replace("cpu: 1", f"cpu: {NR_CPUS}"), 20, f"a CPU {NR_CPUS}"),
        (WHOLE.replace("(0, 10, 20)", "(0, 10, 99999999999)"), 12, "protection"),
        (text("Normal", MAX_PFN - 1), 1, "do not lie in"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content, line, what):
    error = refused(content.encode())
    assert (error.line, what in error.what) == (line, True), error


def test_bytes_that_are_no_text_are_named_with_their_line():
    assert refused(b"Node 0\n\xffzone\n").line == 2


def test_every_zoneinfo_of_the_project_cut_anywhere_is_refused_or_whole():
    content = REAL[0].read_bytes()
    whole = zoneinfo.decode(content, "some.txt")
    for end in range(0, len(content), 97):
        try:
            found = zoneinfo.decode(content[:end], "some.txt")
        except zoneinfo.ZoneinfoError as error:
            assert error.remedy  # noqa: PT017 - either may happen
        else:
            assert found.zones[0] == whole.zones[0]


@st.composite
def damaged(draw):
    content = bytearray(draw(st.sampled_from([path.read_bytes() for path in REAL])))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        end = draw(st.integers(place, min(len(content), place + 40)))
        content[place:end] = draw(
            st.one_of(
                st.binary(max_size=8),
                st.integers().map(lambda number: b"%d" % number),
                st.sampled_from([b"\n", b"0", b"9" * 20, b"Node 0, zone      DMA\n"]),
            )
        )
    return bytes(content)


@pytest.mark.fuzz
@given(st.one_of(damaged(), st.binary(max_size=200)))
def test_any_bytes_are_a_machine_or_refused(content):
    try:
        layout = zoneinfo.decode(content, "some.txt")
    except zoneinfo.ZoneinfoError as error:
        assert error.remedy and error.file == "some.txt"  # noqa: PT017, PT018
        return
    assert 0 < layout.cpus <= NR_CPUS
    last = 0
    for zone in layout.zones:
        assert last <= zone.start <= zone.end <= MAX_PFN
        assert 0 <= zone.free <= zone.managed <= zone.end - zone.start
        assert not zone.managed or 0 < zone.pageset.batch <= zone.managed
        last = zone.end
