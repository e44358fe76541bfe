# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
from typing import ClassVar

import pytest
from tiny_worlds import BITS, DEFAULT, memory, table_of

from xpfo_model import strategies
from xpfo_model.checker.actions import describe
from xpfo_model.checker.invariants import violated
from xpfo_model.checker.transition import LISTED_FIRST, TAKES_BLOCKS, act
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
    create,
    pack,
    unpack,
)
from xpfo_model.jit import bound
from xpfo_model.machine import (
    FREE,
    KERNEL,
    USER,
)

CALLS = []


def saying_alloc(m, cpu, frames, user, zeroed):
    CALLS.append(("alloc", cpu, list(frames), bool(user), bool(zeroed)))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_free(m, cpu, frames):
    CALLS.append(("free", cpu, list(frames), m.owner[frames[0]]))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_kmap(m, cpu, frame):
    CALLS.append(("kmap", cpu, frame, m.owner[frame]))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_kunmap(m, cpu, frame):
    CALLS.append(("kunmap", cpu, frame))


def saying_refill(m, cpu, frames, migratetype):
    CALLS.append(("refill", cpu, list(frames), migratetype))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_drain(m, cpu, frames):
    CALLS.append(("drain", cpu, list(frames)))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_change(m, cpu, block, migratetype):
    CALLS.append(("change", cpu, block, migratetype))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_isolate(m, cpu, frames):
    CALLS.append(("isolate", cpu, list(frames)))


def saying_migrate(m, cpu, src, dst):
    CALLS.append(("migrate", cpu, src, dst, m.owner[src]))


def saying_switch(m, cpu):
    CALLS.append(("switch", cpu))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


class Told:
    """Actions by their text, on a world whose hooks say what they were called for."""

    SAYING: ClassVar = {
        "alloc": saying_alloc,
        "free": saying_free,
        "kmap": saying_kmap,
        "kunmap": saying_kunmap,
        "refill": saying_refill,
        "drain": saying_drain,
        "change_block": saying_change,
        "isolate": saying_isolate,
        "migrate": saying_migrate,
        "context_switch": saying_switch,
    }

    def __init__(self, scope=DEFAULT, irqs_off=0, hooks=SAYING):
        self.world = memory(create(scope, marks=True))
        unpack(self.world, pack(self.world, 0))
        self.scope, self.irqs_off = scope, irqs_off
        self.table = table_of(scope)
        self.step = bound(act, strategies.given(hooks))
        ops = range(len(self.table.op))
        self.by_text = {describe(self.table, i, self.table.cpu[i]): i for i in ops}

    def do(self, text):
        """The calls of an action; None if it is not possible."""
        CALLS.clear()
        world, i = self.world, self.by_text[text]
        nesting = self.scope.nesting
        done = self.step(world, self.table, i, nesting, self.irqs_off)
        assert done or not CALLS
        return list(CALLS) if done else None

    @property
    def frames(self):
        w = self.world
        return list(zip(w.place, w.was_user, w.held, w.m.owner, strict=False))


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


def waiting(name, how=0):
    """A machine with a strategy, whose actions wait for their flushes."""
    return Told(irqs_off=how, hooks=strategies.functions(name))


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
