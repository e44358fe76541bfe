# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # logs.py and reference.py

# the machines that run this are shared and noisy: no deadlines
settings.register_profile("project", deadline=None, max_examples=60)
# make fuzz: tests with the mark fuzz set no number of examples of their own
settings.register_profile("nightly", deadline=None, max_examples=400_000)
settings.load_profile("project")


@pytest.fixture(scope="session")
def evidence():
    """The project's traces, loaded once; a process a CPU explores for all tests."""
    from xpfo_model.evidence import Evidence
    from xpfo_model.sphinxext.drawing import processes

    with processes() as executor:
        yield Evidence(ROOT / "docs" / "traces", executor)
