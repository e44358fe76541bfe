# SPDX-License-Identifier: GPL-2.0-only
"""Pages are moved by hand without a frame lost or on two lists."""

import numpy as np
import pytest
from tiny import layout

from xpfo_model.allocator.model import boot, free_range
from xpfo_model.allocator.pcp import order_to_pindex, pcp_list, pcp_of
from xpfo_model.allocator.state import BUDDY, COUNT, FREE_PAGES, ON_PCP, USED
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
from xpfo_model.fidelity.speed import columns
from xpfo_model.fidelity.tally import Tally

START = 1024


@pytest.fixture
def machine():
    s = columns(boot("v6.1", layout(), 1, 64))
    free_range(s, START, 2048, True)
    blank = dict.fromkeys(Tally._fields)
    blank |= {
        "home": memoryview(np.zeros(s.frames, np.int32)),
        "ghosts": memoryview(np.zeros(len(s.mem), np.int64)),
    }
    return s, Tally(**blank)


def test_a_carved_page_leaves_the_rest_free(machine):
    s, t = machine
    assert block_around(s, START + 5) == START
    assert carve(s, t, START + 5, 0) == 1
    assert s.mem[FREE_PAGES] == 1023
    assert s.tag[START + 5] == USED
    assert block_around(s, START + 5) == NOWHERE
    assert s.tag[START + 4] == BUDDY
    assert s.tag[START + 512] == BUDDY + 9


def test_what_is_put_back_merges_to_what_it_was(machine):
    s, t = machine
    carve(s, t, START + 5, 0)
    put_back(s, START + 5, 0, 1)
    assert s.tag[START] == BUDDY + 10
    assert s.mem[FREE_PAGES] == 1024


def test_a_page_knows_the_list_it_is_on(machine):
    s, t = machine
    pcp = pcp_of(1, 0)
    pindex = order_to_pindex(s, 1, 0)
    head = pcp_list(s, pcp, pindex)
    for frame in range(START, START + 3):
        carve(s, t, frame, 0)
        enter_pcp(s, t, pcp, pindex, frame, True)
    assert (length(s, head), s.mem[pcp + COUNT]) == (3, 3)
    assert depth_on(s, head, START + 2) == 2
    assert carve(s, t, START + 1, 0) == 1
    assert (length(s, head), s.mem[pcp + COUNT]) == (2, 2)
    drop_first(s, t, head, 1)
    assert s.tag[START] == USED
    assert s.tag[START + 2] == ON_PCP
