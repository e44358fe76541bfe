# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

import os
import signal
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

import xpfo_model

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # logs.py and reference.py

# make wheel-test: what is imported must be the wheel, not the sources beside the tests
if TESTED := os.environ.get("XPFO_TESTED"):
    assert Path(xpfo_model.__file__).is_relative_to(TESTED), xpfo_model.__file__

CLAIMS = "tests/claims/"
BROKEN = pytest.StashKey[bool]()

# the machines that run this are shared and noisy: no deadlines
settings.register_profile("project", deadline=None, max_examples=60)
# make fuzz: tests with the mark fuzz set no number of examples of their own
settings.register_profile("nightly", deadline=None, max_examples=300_000)
settings.load_profile("project")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """All tests of a file in one process, and all claims in one: they share much."""
    from xdist.scheduler import LoadFileScheduling

    class ByWhatIsShared(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return CLAIMS if file.startswith(CLAIMS) else file

    return ByWhatIsShared(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The contracts of the strategies go first."""
    items.sort(key=lambda item: item.get_closest_marker("contract") is None)


def pytest_runtest_setup(item):
    """Where a hook is wrong, a hundred other failures say no more than its own."""
    session = item.session
    if hasattr(item.config, "workerinput"):  # make test runs the contracts before
        return
    if session.testsfailed and item.get_closest_marker("contract") is None:
        broken = [c for c in session.items if c.stash.get(BROKEN, False)]
        if broken:
            session.shouldstop = f"{len(broken)} contracts are broken, see above"
            pytest.skip(session.shouldstop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember which contracts are broken."""
    report = yield
    if report.failed and item.get_closest_marker("contract") is not None:
        item.stash[BROKEN] = True
    return report


@pytest.fixture(scope="session")
def evidence():
    """The project's traces, loaded once; a process a CPU explores for all tests."""
    from xpfo_model.sphinxext.drawing import processes
    from xpfo_model.studies.evidence import Evidence

    with processes() as executor:
        yield Evidence(ROOT / "docs" / "traces", executor)


@pytest.fixture(scope="session")
def verdict_of(evidence):
    """The verdict on a claim of the registry, by its id; each is evaluated once."""
    from xpfo_model import claims

    return cache(lambda identity: claims.evaluate(claims.REGISTRY[identity], evidence))


@pytest.fixture
def dispositions():
    """Signals as a terminal gives them, though nohup or a shell's & ran the tests."""
    terminal = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, to) for number, to in terminal.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
