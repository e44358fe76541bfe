# SPDX-License-Identifier: GPL-2.0-only
"""Sizes by the kernel's rules, checked against machines that were looked at."""

from pathlib import Path

import pytest

from xpfo_model.allocator import zoneinfo
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.allocator.zones import (
    machine,
    min_pages,
    pageset,
    reserves,
    watermarks,
    zone_batchsize,
)

TRACES = Path(__file__).parents[2] / "docs" / "traces"


@pytest.mark.parametrize(
    ("managed", "old", "new"),
    [
        (3840, 1, 1),
        (12287, 1, 1),
        (12288, 3, 3),
        (131072, 31, 31),
        (175103, 31, 31),
        (176128, 31, 63),  # managed >> 10 is 172
        (1 << 20, 31, 63),
        (201326592, 31, 63),
    ],
)
def test_the_batch_of_a_zone(managed, old, new):
    assert zone_batchsize(profile("v4.14"), managed) == old
    for kernel in ("v6.1", "v6.12", "v6.18"):
        assert zone_batchsize(profile(kernel), managed) == new


WORKED = [
    # the only zone: frames, khugepaged asks for 3 zones; min, low, high; then high
    # of v6.1, which is high_min of v6.18, and high_max, for 2, 4 and 96 CPUs
    (131072, 724, (724, 905, 1086), (452, 226, 124), (8192, 4096, 170)),
    (131072, 6553, (6553, 8191, 9829), (4095, 2047, 124), (8192, 4096, 170)),
    (1048576, 2048, (2048, 3096, 4144), (1548, 774, 252), (65536, 32768, 1365)),
    (1048576, 16896, (16896, 21120, 25344), (10560, 5280, 252), (65536, 32768, 1365)),
    (4194304, 4096, (4096, 8290, 12484), (4145, 2072, 252), (262144, 131072, 5461)),
    (4194304, 16896, (16896, 21120, 25344), (10560, 5280, 252), (262144, 131072, 5461)),
    (
        201326592,
        28377,
        (28377, 229703, 431029),
        (114851, 57425, 2392),
        (12582912, 6291456, 262144),
    ),
]


@pytest.mark.parametrize(("managed", "least", "marks", "highs", "most"), WORKED)
def test_worked_numbers(managed, least, marks, highs, most):
    assert watermarks(least, managed, managed) == marks
    for cpus, high, high_max in zip((2, 4, 96), highs, most, strict=True):
        sizes = pageset(profile("v6.18"), managed, marks[1], cpus)
        assert (sizes.high, sizes.high_max) == (high, high_max)
        assert pageset(profile("v6.1"), managed, marks[1], cpus).high == high


@pytest.mark.parametrize(
    ("kernel", "managed", "thp", "pages"),
    [
        ("v6.1", (131072,), False, 724),
        ("v6.1", (1048576,), False, 2048),
        ("v6.1", (4194304,), False, 4096),
        ("v6.18", (201326592,), False, 28377),
        ("v4.14", (201326592,), False, 16384),  # the root is capped at 64 MiB
        ("v6.1", (4194304,), True, 5632),
        ("v6.1", (4096, 1044480, 3145728), True, 16896),
        ("v6.1", (131072,), True, 5632),
        ("v6.1", (4096, 126976, 0), True, 6553),  # a twentieth
        ("v6.1", (512,), False, 45),
        ("v6.1", (64,), False, 32),  # 128 KiB at least
    ],
)
def test_min_free_kbytes_in_pages(kernel, managed, thp, pages):
    assert min_pages(profile(kernel), managed, thp) == pages


@pytest.mark.parametrize(
    ("managed", "lowmem", "marks", "high_min", "high_max"),
    [
        # ZONE_NORMAL and ZONE_DMA32 of one machine whose memory grew as it ran
        (131072, 907829, (2439, 3048, 3657), 1524, 8192),
        (1474560, 2251317, (11066, 13832, 16598), 6916, 92160),
        (772917, 2251317, (5800, 7250, 8700), 3625, 48307),
        (1703936, 2480693, (11605, 14506, 17407), 7253, 106496),
    ],
)
def test_zones_that_were_observed(managed, lowmem, marks, high_min, high_max):
    assert watermarks(16896, managed, lowmem) == marks
    sizes = pageset(profile("v6.18"), managed, marks[1], 2)
    assert (sizes.high, sizes.high_max) == (high_min, high_max)


def test_lowmem_reserves():
    managed = (4000, 1000000, 3000000)
    assert reserves(managed, 0) == (0, 3906, 15625)
    assert reserves(managed, 1) == (0, 0, 11718)
    assert reserves(managed, 2) == (0, 0, 0)


def test_a_machine_that_was_observed():
    assert watermarks(16896, 131072, 907829) == (2439, 3048, 3657)
    sizes = pageset(profile("v6.18"), 131072, 3048, 2)
    assert (sizes.batch, sizes.high, sizes.high_max) == (31, 1524, 8192)


def test_v4_14_keeps_six_batches():
    sizes = pageset(profile("v4.14"), 1 << 20, 0, 2)
    assert (sizes.batch, sizes.high) == (31, 186)


def test_the_layout_of_a_recorded_machine():
    layout = zoneinfo.read((TRACES / "debian-6.1-cc-4cpu.zoneinfo.start").read_text())
    dma32 = layout.zones[1]
    assert layout.cpus == 4
    assert dma32.managed == 176893
    assert dma32.watermarks == (8663, 10828, 12993)
    assert (dma32.pageset.batch, dma32.pageset.high) == (31, 2707)
    assert layout.zones[0].reserve == (0, 681, 681)
    assert not layout.zones[2].managed


@pytest.mark.parametrize("kernel", PROFILES)
def test_memory_for_a_frame(kernel):
    from xpfo_model.allocator.model import boot

    layout = machine(profile(kernel), 1 << 20, 2)
    s = boot(kernel, layout, 0, 1 << 10)
    octets = s.pages.nbytes + s.pageblocks.nbytes
    assert octets / s.frames < 10.1
