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
from xpfo_model.events import SCHED_SWITCH, EventLog
from xpfo_model.fidelity.compare import LEVELS, compare_level
from xpfo_model.fidelity.machine import fit
from xpfo_model.fidelity.reading import read

FIRST = 6144


@st.composite
def rows(draw):
    """Events of a few pages near each other, most of them in order."""
    order = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 9, 10]))
    near = st.integers(FIRST, FIRST + 24) | st.integers(0, FRAMES - 1) | st.just(-1)
    pfn = draw(near)
    wild = draw(st.integers(0, 60)) == 0
    return {
        "kind": draw(st.integers(0, SCHED_SWITCH)),
        "cpu": draw(st.integers(0, 2 if wild else 1)),
        "pfn": pfn if wild or pfn < 0 else pfn & -(1 << order),
        "order": order,
        "migratetype": draw(st.integers(-1 if wild else 0, 4 if wild else 2)),
        "flags": draw(st.integers(0, 7)),
        "fallback_order": draw(st.integers(0, 11 if wild else 10)),
        "fallback_migratetype": draw(st.integers(0, 2)),
        "preempt": draw(st.sampled_from([0, 1, 2, 3, 4, 255])),
        "pid": draw(st.integers(0, 1)),
        "gfp": draw(st.integers(0, (1 << 28) - 1)),
    }


@pytest.mark.fuzz
@given(
    st.lists(rows(), max_size=60),
    st.sampled_from(list(PROFILES)),
    st.sampled_from(list(LEVELS)),
    st.integers(1, 40),
    st.booleans(),
)
def test_any_trace_is_followed_or_refused(events, kernel, level, batch, sizes_known):
    log = log_of(events)
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
