# SPDX-License-Identifier: GPL-2.0-only

from tiny_worlds import BITS
from told import waiting

from xpfo_model.checker.invariants import violated
from xpfo_model.checker.transition import LISTED_FIRST, TAKES_BLOCKS
from xpfo_model.checker.world import (
    BUDDY,
    IN_FLIGHT,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    RUNS,
    TO_CLEARED,
    TO_KUNMAPPED,
    TO_MOVABLE,
    TO_NOBODY,
    TO_USER,
    TO_ZEROED,
    USER_HAS,
    pack,
    unpack,
)
from xpfo_model.machine import (
    FREE,
    KERNEL,
    USER,
)


def test_a_frame_whose_flush_is_not_answered_is_nobody_s():
    t = waiting("per_frame")
    assert t.do("CPU 0 has its flush answered") is None
    assert t.do("CPU 0 allocates frame 0 for a user") is not None
    assert t.world.waits[0] == TO_USER
    assert t.frames[0] == (IN_FLIGHT, 0, 0, FREE)
    assert t.world.m.stale[0, 0] == 0b11
    assert violated(t.world, 2) == 0
    for text in (
        "allocates frame 0 for the kernel",
        "frees frame 0 to the MOVABLE list",
        "kmaps frame 0",
        "drains frame 0 to the buddy allocator",
        "refills the MOVABLE list with frame 0",
    ):
        assert t.do(f"CPU 1 {text}") is None, text
    assert t.do("CPU 1 allocates frame 2 for the kernel") is not None
    assert t.do("CPU 0 has its flush answered") is not None
    assert t.world.waits[0] == RUNS
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert t.world.m.stale[0, 0] == 0
    assert violated(t.world, 2) == 0


def test_who_waits_does_only_what_interrupts_do_and_those_do_not_wait():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 2 for a user")
    t.do("CPU 0 has its flush answered")
    t.do("CPU 0 allocates frame 0 for a user")
    for text in (
        "allocates frame 1 for a user",
        "allocates frame 1 for the kernel",
        "refills the MOVABLE list with frame 1",
        "kmaps frame 2",
        "makes block 1 MOVABLE",
        "switches context",
    ):
        assert t.do(f"CPU 0 {text}") is None, text
    assert t.do("CPU 0 kmaps and kunmaps frame 2 in an interrupt") is not None
    assert t.world.m.stale[2, 0] == 0
    assert t.do("CPU 0 allocates frame 1 for the kernel, interrupts off") is not None
    assert t.frames[1] == (KERNEL_HAS, 0, 0, KERNEL)
    assert t.do("CPU 0 frees frame 2 to the MOVABLE list") is not None
    assert t.world.waits[0] == TO_USER
    assert t.frames[0][0] == IN_FLIGHT


def test_a_flush_of_another_cpu_does_not_cover_what_is_in_flight():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 0 for a user")
    t.do("CPU 1 allocates frame 1 for a user")
    assert list(t.world.waits) == [TO_USER, TO_USER]
    t.do("CPU 1 has its flush answered")
    assert t.frames[1][0] == USER_HAS
    assert [t.world.m.stale[frame, 0] for frame in (0, 1)] == [0b11, 0]
    assert t.world.m.counts.stale_frames == 1
    assert t.world.m.stale_frames[0] == 0
    t.do("CPU 0 has its flush answered")
    assert [t.world.m.stale[frame, 0] for frame in (0, 1)] == [0, 0]


def test_a_page_is_zeroed_before_its_user_has_it_and_waits_twice():
    t = waiting("per_frame")
    t.do("CPU 1 allocates frame 0 zeroed for a user")
    assert t.world.waits[1] == TO_ZEROED
    t.do("CPU 1 has its flush answered")
    assert t.world.waits[1] == TO_CLEARED
    assert t.frames[0] == (IN_FLIGHT + 1, 0, 0, USER)
    key = pack(t.world, 0)
    unpack(t.world, key)
    assert t.frames[0] == (IN_FLIGHT + 1, 0, 0, USER)
    t.do("CPU 1 has its flush answered")
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert violated(t.world, 2) == 0


def test_a_frame_is_kmapped_until_the_flush_of_its_kunmap_is_answered():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 0 for a user")
    t.do("CPU 0 has its flush answered")
    t.do("CPU 0 kmaps frame 0")
    t.do("CPU 0 kunmaps frame 0")
    assert t.world.waits[0] == TO_KUNMAPPED
    assert t.world.held[0] == 1
    assert t.world.m.stale[0, 0] == 0b11
    assert violated(t.world, 2) == 0
    assert t.do("CPU 1 kunmaps frame 0") is None
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") is None
    t.do("CPU 1 kmaps frame 0")
    assert t.world.held[0] == 2
    assert violated(t.world, 2) == BITS["kmap-keeps-it-private"]
    t.do("CPU 0 has its flush answered")
    assert t.world.held[0] == 1
    t.do("CPU 1 kunmaps frame 0")
    t.do("CPU 1 has its flush answered")
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert violated(t.world, 2) == 0


def test_a_refill_is_on_its_list_after_its_flush_or_before_it():
    t = waiting("pcp_batch_local")
    t.do("CPU 0 refills the MOVABLE list with frames 0 and 2")
    assert t.world.waits[0] == TO_MOVABLE
    assert [f[0] for f in t.frames] == [IN_FLIGHT, BUDDY, IN_FLIGHT]
    t.do("CPU 0 has its flush answered")
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, BUDDY, MOVABLE_LIST]
    t = waiting("pcp_batch_local", LISTED_FIRST)
    t.do("CPU 0 refills the MOVABLE list with frames 0 and 2")
    assert t.world.waits[0] == TO_NOBODY
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, BUDDY, MOVABLE_LIST]
    t.do("CPU 1 allocates frame 0 for a user")
    assert violated(t.world, 0) == BITS["no-stale-translation"]


def test_a_block_flips_while_others_have_its_frames_or_only_while_it_is_free():
    t = waiting("pageblock")
    t.do("CPU 0 makes block 0 MOVABLE")
    assert t.world.waits[0] == TO_NOBODY
    t.do("CPU 1 allocates frame 0 for a user")
    assert violated(t.world, 2) == BITS["no-stale-translation"]
    t = waiting("freetype", TAKES_BLOCKS)
    t.do("CPU 0 makes block 0 MOVABLE")
    assert [f[0] for f in t.frames] == [IN_FLIGHT, IN_FLIGHT, BUDDY]
    assert t.do("CPU 1 allocates frame 0 for a user") is None
    t.do("CPU 0 has its flush answered")
    assert [f[0] for f in t.frames] == [BUDDY] * 3
    t.do("CPU 1 refills the MOVABLE list with frame 0")
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, BUDDY, BUDDY]
    t.do("CPU 0 makes block 0 UNMOVABLE")
    assert t.world.m.block_state[0] == 1, "frame 0 is on a list"
    t.do("CPU 0 drains frame 0 to the buddy allocator")
    t.do("CPU 0 refills the UNMOVABLE list with frame 1")
    assert t.world.m.block_state[0] == 0
    assert [f[0] for f in t.frames] == [OTHER_LIST, OTHER_LIST, BUDDY]
    t.do("CPU 1 refills the MOVABLE list with frame 2")
    assert [f[0] for f in t.frames] == [OTHER_LIST, OTHER_LIST, IN_FLIGHT + 1]
