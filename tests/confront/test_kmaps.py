# SPDX-License-Identifier: GPL-2.0-only
"""Who reaches users' pages, and how often a page is reached."""

import pytest
from runs import confronted
from simulated import Kernel

from xpfo_model.confront import report


@pytest.fixture
def accesses(tmp_path):
    kernel = Kernel("pcp_batch_local")
    page = kernel.allocate(0, 1, user=True, zeroed=True)
    other = kernel.allocate(0, 1, user=True, zeroed=False)
    kernel.allocate(0, 0, user=False, zeroed=True)
    for pfn, caller in ((page, "wp_page_copy"), (page, "memcmp"), (other, "memcmp")):
        kernel.begin_access(pfn, caller)
        kernel.end_access(pfn, caller)
    kernel.begin_access(page, "strange", way="direct")
    kernel.end_access(page, "strange", way="direct")
    kernel.fault(page)
    kernel.fault(other)
    kernel.fault(900)
    kernel.free(page)
    kernel.allocate(0, 1, user=True, zeroed=False)
    return confronted(kernel.text(), tmp_path).accesses


def test_accesses_are_counted_by_caller(accesses):
    expected = {"memcmp": 2, "kernel_init_pages": 1, "strange": 1, "wp_page_copy": 1}
    assert accesses.kmaps == expected
    assert accesses.kunmaps == expected
    assert accesses.ways == {"local": 4, "direct": 1}


def test_accesses_are_held_against_pages(accesses):
    assert accesses.user_allocations == 3
    assert accesses.user_zeroed == 1
    assert accesses.per_user_allocation == 5 / 3
    assert accesses.pages == {"zeroed": {"4": 1}, "other": {"0": 1, "1": 1}}
    told = accesses.as_json()
    assert told["kmaps_per_page"] == {"zeroed": 4.0, "other": 0.5}


def test_who_reaches_around_is_named(accesses):
    assert accesses.faults == {"careless_code": {"user": 2, "free": 1}}


def test_the_table_has_all_of_it(accesses):
    text = report.kmaps(accesses)
    assert max(map(len, text.splitlines())) <= 72
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert rows["memcmp"] == ["2", "2", "0.667"]
    assert rows["all"] == ["5", "5", "1.667"]
    assert rows["careless_code"] == ["3", "user", "2,", "free", "1"]
    assert rows["other"] == ["pages", "1", "1", "0", "0", "0", "0.500"]


def test_a_kernel_without_users_has_an_empty_table(tmp_path):
    found = confronted(Kernel("none").text(), tmp_path)
    assert found.accesses.per_user_allocation == 0
    assert "no faults" in report.kmaps(found.accesses)
