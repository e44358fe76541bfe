# SPDX-License-Identifier: GPL-2.0-only
"""Real kernels: a prefix of each trace at every run, the whole ones with -m slow."""

from pathlib import Path

import pytest

from xpfo_model import fidelity, traces
from xpfo_model.events import EventLog
from xpfo_model.studies.fidelity import profile_of

TRACES = Path(__file__).parents[2] / "docs" / "traces"
PREFIX = 40_000
"""Rows: from boot to the first shell."""
NAMES = sorted(path.stem for path in TRACES.glob("*.npz"))
RECLAIM = "debian-6.1-reclaim-2cpu"
BARS = {
    "debian-6.1-cc-1cpu": (0.999, 0.99),
    "debian-6.1-cc-4cpu": (0.99, 0.95),
    "debian-6.1-forkpipe-4cpu": (0.99, 0.95),
    "debian-6.12-netmap-3cpu": (0.99, 0.95),
    RECLAIM: (0.98, 0.5),
}
"""Least share of exact frames, by level: pcp, full."""


def found(name, rows=None, kernel=None):
    path = TRACES / f"{name}.npz"
    log = traces.read(path)
    log = EventLog(log.events.rows(slice(0, rows)), log.about)
    zoneinfo = fidelity.zoneinfo_beside(path)
    return fidelity.compare(log, zoneinfo, kernel or profile_of(name))


def near(both, share):
    return abs(both.kernel - both.model) <= max(share * both.kernel, 1)


@pytest.fixture(scope="module")
def start():
    return found(NAMES[0], PREFIX)


def test_the_first_seconds_of_a_boot_are_predicted(start):
    for level in start.levels.values():
        assert level.exact > 0.98
        assert near(level.numbers["refills"], 0.02)
        assert all(near(both, 0.01) for both in level.flushes.values())


def test_another_kernel_fits_worse(start):
    own = start.levels["full"]
    other = found(NAMES[0], PREFIX, "v4.14").levels["full"]
    assert other.pfn_exact < own.pfn_exact


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whole_traces_reach_their_bars(name):
    levels = found(name).levels
    for level, least in zip(("pcp", "full"), BARS[name], strict=True):
        assert levels[level].exact >= least
        if name != RECLAIM:
            assert near(levels[level].numbers["refills"], 0.005)
            assert near(levels[level].numbers["drains"], 0.005)
            for strategy, both in levels[level].flushes.items():
                assert near(both, 0.01), strategy


@pytest.mark.slow
def test_without_zoneinfo_the_sizes_are_learnt():
    name = "debian-6.1-cc-1cpu"
    log = traces.read(TRACES / f"{name}.npz")
    result = fidelity.compare(log)
    assert result.notes()
    assert result.levels["full"].exact > 0.99
    assert near(result.levels["full"].numbers["drains"], 0.01)
