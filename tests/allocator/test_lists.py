# SPDX-License-Identifier: GPL-2.0-only
"""Lists as include/linux/list.h has them, held against a deque."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from zones import M, entries, the_zone, zones

from xpfo_model.allocator.lists import (
    list_add,
    list_add_tail,
    list_del,
    list_empty,
    list_last,
)
from xpfo_model.allocator.state import free_list


@given(st.lists(st.tuples(st.sampled_from("htd"), st.integers(0, 9))))
def test_a_list_is_a_deque(steps):
    s = zones("v6.1")
    head = free_list(the_zone(s), 0, M)
    known = deque()
    for step, entry in steps:
        if entry in known:
            list_del(s, entry)
            known.remove(entry)
        elif step == "h":
            list_add(s, entry, head)
            known.appendleft(entry)
        elif step == "t":
            list_add_tail(s, entry, head)
            known.append(entry)
        assert entries(s, head) == list(known)
        assert list_empty(s, head) == (not known)


def test_a_list_leads_back_the_same_way():
    s = zones("v6.1")
    head = free_list(the_zone(s), 0, M)
    for entry in (5, 3, 8):
        list_add(s, entry, head)
    back = []
    entry = list_last(s, head)
    while entry != head:
        back.append(entry)
        entry = list_last(s, entry)
    assert back == entries(s, head)[::-1] == [5, 3, 8]
