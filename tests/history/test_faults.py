# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model import strategies
from xpfo_model.checker import INVARIANTS
from xpfo_model.history.faults import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_a_fault_names_a_version_an_invariant_and_its_source(fault):
    assert fault.strategy in strategies.REGISTRY
    assert fault.invariant in INVARIANTS
    if fault.reported:
        assert fault.days is not None
        assert fault.days >= 0
        assert fault.who != "nobody"
    else:
        assert fault.days is None
        assert fault.why


def test_no_fault_is_listed_twice():
    assert len({(f.strategy, f.invariant) for f in FAULTS}) == len(FAULTS)
