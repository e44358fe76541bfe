# SPDX-License-Identifier: GPL-2.0-only
"""Where a loop over a trace calls what strategies do at the border of user space."""

import numpy as np
import pytest
from logs import USER_MOVABLE, InPieces, alloc, cross, locked, log_of, switch

from xpfo_model import replay
from xpfo_model.events import PAGE_FAULT_USER, SYS_ENTER, SYS_EXIT
from xpfo_model.replay.calls import ALLOC, CONTEXT_SWITCH, KERNEL_ENTRY, RETURN_TO_USER
from xpfo_model.replay.reconstruct import Reconstruction, calls_of

FAULT, ENTER, EXIT = (cross(k) for k in (PAGE_FAULT_USER, SYS_ENTER, SYS_EXIT))
PAGE = alloc(0, USER_MOVABLE)


def steps(*rows):
    reconstruction = Reconstruction("v6.1", everything=True)
    found = calls_of(log_of(list(rows)).chunks(), reconstruction)
    return np.concatenate([some.op for some in found]).tolist()


def flushes(*rows):
    counts = replay.replay(log_of(list(rows)), ["return_to_user"])
    return counts.strategies["return_to_user"].flushes


def test_a_system_call_is_an_entry_and_a_return():
    first = [RETURN_TO_USER, KERNEL_ENTRY]
    assert steps(ENTER, PAGE, EXIT) == [*first, ALLOC, RETURN_TO_USER]
    assert steps(ENTER, EXIT, ENTER) == [*first, RETURN_TO_USER, KERNEL_ENTRY]


def test_who_enters_again_has_returned_from_the_fault_before():
    crossed = [RETURN_TO_USER, KERNEL_ENTRY]
    assert steps(FAULT, FAULT) == crossed * 2
    assert steps(FAULT, switch(), FAULT) == [*crossed, CONTEXT_SWITCH, *crossed]
    # signals are set up behind the event of a system call's return
    assert steps(EXIT, PAGE, ENTER) == [RETURN_TO_USER, ALLOC, *crossed]


def test_the_other_cpus_say_nothing_about_a_return():
    other = [cross(SYS_EXIT, cpu=1), cross(SYS_EXIT, cpu=1)]
    assert steps(EXIT, *other, ENTER) == [RETURN_TO_USER] * 3 + [KERNEL_ENTRY]
    assert steps(FAULT, *other, ENTER).count(RETURN_TO_USER) == 4


def test_a_trace_in_pieces_gives_the_same_returns():
    log = log_of([FAULT, PAGE, ENTER, EXIT, ENTER, PAGE, EXIT, FAULT])
    for length in (1, 2, 3):
        reconstruction = Reconstruction("v6.1", everything=True)
        pieces = InPieces(log, length)
        found = []
        pieces.stream(
            lambda events, r=reconstruction, f=found: f.extend(r.calls(events).op)
        )
        assert found == steps(FAULT, PAGE, ENTER, EXIT, ENTER, PAGE, EXIT, FAULT)


def test_one_flush_for_what_a_system_call_allocates_and_one_for_a_fault():
    pages = [alloc(pfn, USER_MOVABLE) for pfn in range(4)]
    assert flushes(ENTER, *pages, EXIT) == 1
    assert flushes(FAULT, pages[0], FAULT, pages[1], ENTER, EXIT) == 2
    assert flushes(FAULT, pages[0]) == 0, "nobody has seen its return"
    assert flushes(ENTER, pages[0], switch(), pages[1], EXIT) == 2


def test_a_cpu_that_enters_the_kernel_does_its_deferred_flush():
    page, elsewhere = alloc(0, USER_MOVABLE), cross(SYS_ENTER, cpu=1)
    log = log_of([page, elsewhere, elsewhere, cross(PAGE_FAULT_USER, cpu=2)])
    found = replay.replay(log, ["v9", "kernel_entry"]).strategies
    assert found["v9"].local_flushes == 1
    assert found["kernel_entry"].local_flushes == 3


@pytest.mark.parametrize("name", ["return_to_user", "kernel_entry"])
def test_a_reader_is_told_what_no_event_says(name):
    log = log_of([ENTER, locked(0, 1), PAGE, EXIT])
    assert any("no event" in note for note in replay.replay(log, [name]).notes)
    assert not replay.replay(log, ["v9"]).notes
