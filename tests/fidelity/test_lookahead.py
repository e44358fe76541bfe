# SPDX-License-Identifier: GPL-2.0-only
"""What the trace says next of a page that the model had in another place."""

import pytest
from tiny import allocs, beside, drains, frees, refill

from xpfo_model.fidelity.locks import NONE
from xpfo_model.fidelity.lookahead import gone, in_buddy, says_next

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
    f = beside([*frees(FIRST), *follows])
    f.tally.frames[FIRST].seen = 1
    assert gone(f, FIRST) is is_gone
    assert in_buddy(f, FIRST) is is_in_buddy
    # the trace has not named it yet
    assert says_next(f, FIRST + 1) == NONE
