# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the readers share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # texts.py


@pytest.fixture
def trace(tmp_path):
    """Write a trace of the given lines, read it."""
    from xpfo_model import traces

    def read(*lines, kernel=None, end="\n"):
        path = tmp_path / "trace.txt"
        text = end.join(lines) + end if lines else ""
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return traces.read(path, kernel=kernel)

    return read
