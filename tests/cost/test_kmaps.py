# SPDX-License-Identifier: GPL-2.0-only
"""Counts of kernel accesses, and the loads that they stand for."""

from xpfo_model.cost import kmaps
from xpfo_model.cost.kmaps import Kmaps


def test_accesses_of_all_callers_are_set_against_the_user_allocations():
    one = Kmaps("a", "mix", 4, 100, {kmaps.ZEROING: 50, "wp_page_copy": 30})
    assert (one.total, one.per_allocation) == (80, 0.8)


def test_a_mix_and_a_compilation_stand_for_a_build_and_others_for_themselves():
    loads = ("cc", "mix", "reclaim")
    some = [Kmaps(name, name, 1, 1, {}) for name in loads]
    assert [one.load for one in kmaps.like("build", some)] == ["cc", "mix"]
    assert [one.load for one in kmaps.like("reclaim", some)] == ["reclaim"]
