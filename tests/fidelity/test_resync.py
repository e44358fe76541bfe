# SPDX-License-Identifier: GPL-2.0-only
"""Pages are moved by hand without a frame lost or on two lists."""

import pytest
from tiny import beside

from xpfo_model.allocator.model import free_range
from xpfo_model.allocator.pcp import order_to_pindex, pcp_list, pcp_of
from xpfo_model.allocator.state import BUDDY, ON_PCP, USED
from xpfo_model.fidelity.resync import (
    NOWHERE,
    block_around,
    carve,
    depth_on,
    drop_first,
    enter_pcp,
    length,
    put_back,
)

START = 1024


@pytest.fixture
def machine():
    f = beside([])
    free_range(f.state, START, 2048, True)
    return f.state, f.tally


def test_a_carved_page_leaves_the_rest_free(machine):
    s, t = machine
    assert block_around(s, START + 5) == START
    assert carve(s, t, START + 5, 0) == 1
    assert s.zones[0].free_pages == 1023
    assert s.pages[START + 5].use == USED
    assert block_around(s, START + 5) == NOWHERE
    assert s.pages[START + 4].use == BUDDY
    assert s.pages[START + 512].use == BUDDY + 9


def test_what_is_put_back_merges_to_what_it_was(machine):
    s, t = machine
    carve(s, t, START + 5, 0)
    put_back(s, START + 5, 0, 1)
    assert s.pages[START].use == BUDDY + 10
    assert s.zones[0].free_pages == 1024


def test_a_page_knows_the_list_it_is_on(machine):
    s, t = machine
    pcp = pcp_of(s, 1, s.zones[0])
    pindex = order_to_pindex(s, 1, 0)
    head = pcp_list(pcp, pindex)
    for frame in range(START, START + 3):
        carve(s, t, frame, 0)
        enter_pcp(s, t, pcp, pindex, frame, True)
    assert (length(s, head), pcp.count) == (3, 3)
    assert depth_on(s, head, START + 2) == 2
    assert carve(s, t, START + 1, 0) == 1
    assert (length(s, head), pcp.count) == (2, 2)
    drop_first(s, t, head, 1)
    assert s.pages[START].use == USED
    assert s.pages[START + 2].use == ON_PCP
