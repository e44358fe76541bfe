# SPDX-License-Identifier: GPL-2.0-only
"""Any events at all: they are followed, or refused with a reason.

Compiled code checks no index but with NUMBA_BOUNDSCHECK=1, which make fuzz sets.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import log_of
from tiny import FRAMES, layout

from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.errors import XpfoModelError
from xpfo_model.events import EVENT_NAMES, FAILED, UNKNOWN, EventLog
from xpfo_model.fidelity.compare import LEVELS, compare_level
from xpfo_model.fidelity.extract import read
from xpfo_model.fidelity.machine import fit

FIRST = 6144


BYTES = 9
"""Of an event: drawing each field by itself takes longer than all the rest."""
ORDERS = (0, 0, 0, 0, 0, 1, 2, 3, 4, 9, 10)
DEPTHS = (0, 1, 2, 3, 4, UNKNOWN)


def row(drawn):
    """An event from its bytes: most are in order, of a few pages near each other."""
    kind, near, far, order, types, flags, depth, gfp, odd = drawn
    wild = odd == 1
    order = ORDERS[order % len(ORDERS)]
    pfn = FIRST + near % 24 if far < 200 else (near << 5 | far) % FRAMES
    migratetype = types % 3
    return {
        "kind": kind % len(EVENT_NAMES),
        "cpu": flags >> 3 & 1 if not wild else 2,
        "pfn": FAILED if odd == 2 else pfn if wild else pfn & -(1 << order),
        "order": order,
        "migratetype": 4 if odd == 3 else migratetype,
        "flags": flags & 7,
        "fallback_order": (types >> 2) % 11,
        "fallback_migratetype": (types >> 6) % 3,
        "preempt": DEPTHS[depth % len(DEPTHS)],
        "pid": flags >> 4 & 1,
        "gfp": gfp << 4,
    }


@pytest.mark.fuzz
@given(
    st.binary(max_size=BYTES * 60),
    st.sampled_from(list(PROFILES)),
    st.sampled_from(list(LEVELS)),
    st.integers(1, 40),
    st.booleans(),
)
def test_any_trace_is_followed_or_refused(drawn, kernel, level, batch, sizes_known):
    ends = range(BYTES, len(drawn) + 1, BYTES)
    log = log_of([row(drawn[end - BYTES : end]) for end in ends])
    machine = layout(batch=batch)
    try:
        fitted, packed = fit(log.events, machine, "t", "z")
    except XpfoModelError as error:
        assert error.remedy  # noqa: PT017 - either may happen
        return
    found = compare_level(
        EventLog(fitted, log.about),
        read(fitted, profile(kernel), log.kernel),
        packed.layout,
        kernel,
        LEVELS[level],
        sizes_known=sizes_known,
    )
    assert 0 <= found.pfn_exact <= found.allocations == len(found.dump)
    assert found.as_json()
