# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the confrontation share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # simulated.py
