# SPDX-License-Identifier: GPL-2.0-only
import dataclasses

import pytest
from tiny_worlds import DEFAULT
from told import Told, waiting

from xpfo_model.checker.invariants import violated
from xpfo_model.checker.world import (
    BUDDY,
    IN_FLIGHT,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    TO_KUNMAPPED,
    USER_HAS,
    pack,
    unpack,
)
from xpfo_model.machine import (
    FREE,
    KERNEL,
    USER,
)


def test_allocations_take_free_frames_that_are_at_one_place():
    t = Told()
    assert t.do("CPU 1 allocates frames 0 and 1 for a user") == [
        ("alloc", 1, [0, 1], True, False)
    ]
    assert t.frames == [(USER_HAS, 1, 0, USER)] * 2 + [(BUDDY, 0, 0, FREE)]
    assert t.do("CPU 0 allocates frame 1 for a user") is None
    assert t.do("CPU 0 frees frame 1 to the MOVABLE list") == [("free", 0, [1], USER)]
    assert t.frames[1] == (MOVABLE_LIST, 1, 0, FREE)
    assert t.do("CPU 0 frees frame 0 to the UNMOVABLE list") == [("free", 0, [0], USER)]
    assert t.frames[0] == (OTHER_LIST, 1, 0, FREE)
    assert t.do("CPU 0 frees frame 0 to the UNMOVABLE list") is None
    assert t.do("CPU 0 allocates frames 0 and 1 for the kernel") is None
    atomic = t.do("CPU 0 allocates frame 0 for the kernel, interrupts off")
    assert atomic == [("alloc", 0, [0], False, False), "irqs off"]
    assert t.frames[0] == (KERNEL_HAS, 0, 0, KERNEL)
    assert t.do("CPU 0 allocates frame 1 for the kernel") == [
        ("alloc", 0, [1], False, False)
    ]
    assert t.do("CPU 0 frees frame 1 to the MOVABLE list") == [("free", 0, [1], KERNEL)]
    assert t.frames[1] == (MOVABLE_LIST, 0, 0, FREE)


def test_a_zeroed_page_is_kmapped_when_the_user_has_it():
    t = Told()
    assert t.do("CPU 1 allocates frames 0 and 1 zeroed for a user") == [
        ("alloc", 1, [0, 1], True, True),
        *[("kmap", 1, 0, USER), ("kunmap", 1, 0)],
        *[("kmap", 1, 1, USER), ("kunmap", 1, 1)],
    ]
    assert t.frames[:2] == [(USER_HAS, 1, 0, USER)] * 2


@pytest.mark.parametrize("irqs_off", range(4))
def test_refills_take_from_the_buddy_and_drains_give_back(irqs_off):
    t = Told(irqs_off=irqs_off)
    off = ["irqs off"] if irqs_off & 1 else []
    assert t.do("CPU 0 drains frame 0 to the buddy allocator") is None
    assert t.do("CPU 1 refills the MOVABLE list with frames 0 and 2") == [
        ("refill", 1, [0, 2], 1),
        *off,
    ]
    assert t.do("CPU 1 refills the UNMOVABLE list with frame 1") == [
        ("refill", 1, [1], 0),
        *off,
    ]
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, OTHER_LIST, MOVABLE_LIST]
    assert t.do("CPU 0 refills the MOVABLE list with frame 1") is None
    for frame in range(3):
        assert t.do(f"CPU 1 drains frame {frame} to the buddy allocator") == [
            ("drain", 1, [frame])
        ]
        assert t.frames[frame][0] == BUDDY
    t.do("CPU 0 allocates frame 0 for the kernel")
    t.do("CPU 0 allocates frame 1 for a user")
    for frame in range(2):
        assert t.do(f"CPU 1 drains frame {frame} to the buddy allocator") is None
        assert t.do(f"CPU 1 refills the MOVABLE list with frame {frame}") is None
    assert t.do("CPU 1 refills the MOVABLE list with frames 1 and 2") is None


def test_a_page_moves_to_a_free_frame_and_leaves_its_own():
    t = Told()
    assert t.do("CPU 0 moves the page of frame 0 to frame 1") is None
    t.do("CPU 0 allocates frame 0 for a user")
    t.do("CPU 0 kmaps frame 0")
    assert t.do("CPU 1 moves the page of frame 0 to frame 1") is None
    t.do("CPU 0 kunmaps frame 0")
    assert t.do("CPU 1 moves the page of frame 0 to frame 1") == [
        ("isolate", 1, [1]),
        ("migrate", 1, 0, 1, USER),
        ("free", 1, [0], USER),
    ]
    assert t.frames[:2] == [(MOVABLE_LIST, 1, 0, FREE), (USER_HAS, 1, 0, USER)]
    assert t.do("CPU 1 moves the page of frame 1 to frame 0") is None
    t.do("CPU 0 allocates frame 0 for the kernel")
    t.do("CPU 0 moves the page of frame 0 to frame 2")
    assert t.frames[2] == (KERNEL_HAS, 0, 0, KERNEL)


@pytest.mark.parametrize("user", [True, False])
def test_a_page_that_moves_is_nobody_s_until_its_flush_is_answered(user):
    t = waiting("pcp_batch_closed")
    t.do(f"CPU 0 allocates frame 0 for {'a user' if user else 'the kernel'}")
    t.do("CPU 0 has its flush answered")
    t.do("CPU 0 moves the page of frame 0 to frame 1")
    if not user:
        assert t.frames[1] == (KERNEL_HAS, 0, 0, KERNEL)
        return
    assert t.world.waits[0] == TO_KUNMAPPED + 3 + 1
    assert [f[0] for f in t.frames] == [IN_FLIGHT, IN_FLIGHT, BUDDY]
    unpack(t.world, pack(t.world, 0))
    assert [f[3] for f in t.frames[:2]] == [USER, KERNEL]
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") is None
    t.do("CPU 0 has its flush answered")
    assert t.frames[:2] == [(MOVABLE_LIST, 1, 0, FREE), (USER_HAS, 1, 0, USER)]
    assert violated(t.world, 0) == 0


def test_a_refill_in_an_interrupt_is_on_its_list_at_once():
    t = Told()
    refill = "refills the MOVABLE list with frame 1, interrupts off"
    assert t.do(f"CPU 0 {refill}") == [("refill", 0, [1], 1), "irqs off"]
    assert t.frames[1][0] == MOVABLE_LIST
    t = waiting("pcp_batch_closed")
    t.do("CPU 0 allocates frame 0 for a user")
    assert t.do(f"CPU 0 {refill}") is not None
    assert [f[0] for f in t.frames[:2]] == [IN_FLIGHT, MOVABLE_LIST]
    assert t.world.m.alias[1] & 1, "it is left mapped"


@pytest.mark.parametrize("irqs_off", range(4))
def test_blocks_change_and_cpus_switch_at_any_time(irqs_off):
    t = Told(irqs_off=irqs_off)
    off = ["irqs off"] if irqs_off & 2 else []
    assert t.do("CPU 1 makes block 1 MOVABLE") == [("change", 1, 1, 1), *off]
    assert t.do("CPU 0 makes block 0 UNMOVABLE") == [("change", 0, 0, 0), *off]
    assert t.do("CPU 1 switches context") == [("switch", 1)]


def test_a_frame_is_kmapped_as_often_as_the_nesting_allows():
    t = Told(dataclasses.replace(DEFAULT, nesting=2))
    bounce = "CPU 1 kmaps and kunmaps frame 0 in an interrupt"
    for what in ("kmaps frame 0", "kunmaps frame 0", bounce.removeprefix("CPU 1 ")):
        assert t.do(f"CPU 1 {what}") is None
    t.do("CPU 0 allocates frame 0 for a user")
    assert t.do("CPU 0 kunmaps frame 0") is None
    for depth in (1, 2):
        assert t.do("CPU 1 kmaps frame 0") == [("kmap", 1, 0, USER)]
        assert t.world.held[0] == depth
    assert t.do("CPU 1 kmaps frame 0") is None
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") is None
    assert t.do(bounce) == [("kmap", 1, 0, USER), "irqs off", ("kunmap", 1, 0)]
    assert t.do("CPU 0 kunmaps frame 0") == [("kunmap", 0, 0)]
    assert t.world.held[0] == 1
    t.do("CPU 0 kunmaps frame 0")
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") == [("free", 1, [0], USER)]
    t.do("CPU 0 allocates frame 1 for the kernel")
    assert t.do("CPU 1 kmaps frame 1") == [("kmap", 1, 1, KERNEL)]
