# SPDX-License-Identifier: GPL-2.0-only
"""How faithful the allocator is: its choices beside a real kernel's.

The model gets a trace's demand, and none of the kernel's choices; see `compare`.
After each operation the model is put where the kernel is, and that is counted.
"""

from xpfo_model.fidelity.beside import zoneinfo_beside
from xpfo_model.fidelity.compare import compare
from xpfo_model.fidelity.machine import FidelityError
from xpfo_model.fidelity.report import tell
from xpfo_model.fidelity.result import Fidelity, Level

__all__ = [
    "Fidelity",
    "FidelityError",
    "Level",
    "compare",
    "tell",
    "zoneinfo_beside",
]
