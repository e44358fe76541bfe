# SPDX-License-Identifier: GPL-2.0-only
"""The same text gives the same events, compiled or not."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, sys
import numpy as np
from xpfo_model.allocator import demand
from xpfo_model.allocator.zones import machine
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import (profile)

kernel, length = sys.argv[1], 4000
rng = np.random.default_rng(7)
d = demand.empty(length)
d.cpu[:] = rng.integers(0, 3, length)
d.highest[:] = 2
held, count = [], 0
for i in range(length):
    if held and rng.random() < 0.5:
        d.op[i] = demand.FREE
        d.page[i], d.order[i] = held.pop(rng.integers(len(held)))
    else:
        d.op[i], d.page[i] = demand.ALLOC, count
        d.order[i] = rng.choice([0, 0, 0, 1, 2, 3, 4, 9, 10])
        d.migratetype[i] = rng.integers(3)
        held.append((count, d.order[i]))
        count += 1
model = Allocator(kernel, machine(profile(kernel), 1 << 15, 3), count)
assert model.run(d) == length
events = model.events(d)
print(len(events.kind), hashlib.sha256(b"".join(c.tobytes() for c in events)).hexdigest())
"""  # noqa: E501


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.12", "v6.18"])
def test_compiled_or_not_the_events_are_the_same(kernel):
    said = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM, kernel],
            env=os.environ | {"NUMBA_DISABLE_JIT": disabled},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for disabled in ("0", "1")
    }
    assert len(said) == 1
