# SPDX-License-Identifier: GPL-2.0-only
"""Sizes by the kernel's rules, checked against machines that were looked at."""

from pathlib import Path

import pytest

from xpfo_model.allocator import profiles, zoneinfo
from xpfo_model.allocator.layout import machine, pageset, watermarks, zone_batchsize
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.errors import UnknownKernelError

TRACES = Path(__file__).parents[2] / "docs" / "traces"


def test_batch_sizes_of_zones():
    new, old = profile("v6.18"), profile("v4.14")
    assert zone_batchsize(new, 3840) == 1
    assert zone_batchsize(new, 131072) == 31
    assert zone_batchsize(new, 1 << 20) == 63
    assert zone_batchsize(old, 1 << 20) == 31


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


def test_a_text_that_is_no_zoneinfo():
    with pytest.raises(zoneinfo.ZoneinfoError):
        zoneinfo.read("Node 0, zone  Normal\n  pages free 1\n")


def test_a_kernel_that_is_not_modelled():
    with pytest.raises(UnknownKernelError, match=r"v4\.14"):
        profile("v2.4")


@pytest.mark.parametrize("kernel", PROFILES)
def test_memory_for_a_frame(kernel):
    from xpfo_model.allocator.model import boot

    layout = machine(profile(kernel), 1 << 20, 2)
    s = boot(kernel, layout, 0, 1 << 10)
    octets = sum(memoryview(part).nbytes for part in (s.link, s.tag))
    assert octets / s.frames <= 12


def test_the_numbers_of_a_profile_are_where_the_code_looks():
    where = {name: getattr(profiles, name.upper()) for name in profiles.Profile._fields}
    start = profiles.PROFILE
    assert list(where.values()) == list(range(start, profiles.PROFILE_END))


def test_another_batch_moves_high_with_it():
    version = profile("v4.14")
    usual, other = (machine(version, 1 << 18, 2, batch=b) for b in (None, 63))
    assert usual.zones[1].pageset.batch == 31
    assert other.zones[1].pageset.batch == 63
    assert other.zones[1].pageset.high == 2 * usual.zones[1].pageset.high + 6


def test_512_mib_are_too_few_for_khugepaged():
    version = profile("v6.1")
    small, large = (machine(version, frames, 1) for frames in (1 << 17, 1 << 18))
    without = machine(version, 1 << 18, 1, thp=False)
    assert small.zones[1].pageset.high < 1000  # 815 on trace cc-1cpu's machine
    assert large.zones[1].pageset.high > 4 * without.zones[1].pageset.high
