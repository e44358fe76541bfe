# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # logs.py and reference.py

# the machines that run this are shared and noisy: no deadlines
settings.register_profile("project", deadline=None, max_examples=60)
settings.load_profile("project")


@pytest.fixture(scope="session")
def evidence():
    """The project's traces, loaded once; a process a CPU explores for all tests."""
    from xpfo_model.evidence import Evidence
    from xpfo_model.sphinxext.drawing import processes

    with processes() as executor:
        yield Evidence(ROOT / "docs" / "traces", executor)


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
