# SPDX-License-Identifier: GPL-2.0-only
"""What the trace says next of a page that the model had in another place."""

import numpy as np
import pytest
from logs import log_of
from tiny import allocs, drains, frees, refill

from xpfo_model.allocator.profiles import profile
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.later import gone, in_buddy, says_next
from xpfo_model.fidelity.reading import read
from xpfo_model.fidelity.tally import Tally

FIRST = 6144


@pytest.mark.parametrize(
    ("follows", "is_gone", "is_in_buddy"),
    [
        (refill(FIRST), True, True),
        (frees(FIRST), True, False),
        ([], True, False),
        (allocs(FIRST), False, False),
        (drains(FIRST), False, False),
    ],
)
def test_only_what_the_lists_cannot_have_is_gone(follows, is_gone, is_in_buddy):
    events = log_of([*frees(FIRST), *follows]).events
    found = read(events, profile("v6.1"), "v6.1")
    last = np.full(1 << 13, NONE, np.int64)
    last[FIRST] = 0
    tally = Tally(**(dict.fromkeys(Tally._fields) | {"last": last}))
    assert gone(events, found, tally, FIRST) is is_gone
    assert in_buddy(events, found, tally, FIRST) is is_in_buddy
    # nothing was said of it yet
    assert says_next(events, found, tally, FIRST + 1) == NONE
