# SPDX-License-Identifier: GPL-2.0-only
"""bench/mutate.py, which is a script and no module of the package."""

import importlib.util
import sys
from pathlib import Path

PATH = Path(__file__).parents[1] / "bench" / "mutate.py"
_spec = importlib.util.spec_from_file_location("mutate", PATH)
mutate = importlib.util.module_from_spec(_spec)
sys.modules["mutate"] = mutate
_spec.loader.exec_module(mutate)
