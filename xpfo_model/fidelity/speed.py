# SPDX-License-Identifier: GPL-2.0-only
"""Whether a trace is followed by compiled code: only where it is long enough.

The same text runs both ways, and gives the same. Compiling takes as long as
plain Python needs for a few hundred thousand events.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from xpfo_model.engine import FAST, compiled

WORTH_COMPILING: Final = 1 << 19
"""Rows of a trace from which on the compiler is worth its time."""

F = TypeVar("F", bound=Callable[..., Any])


def is_long(rows: int) -> bool:
    """Whether a trace of so many rows is followed by compiled code."""
    return FAST and rows >= WORTH_COMPILING


def flat(array: Any, fast: bool = False) -> Any:  # noqa: FBT001, FBT002
    """An array as the engine that will read it reads it best."""
    return np.asarray(array) if fast else memoryview(array)


def columns(of: Any, fast: bool = False) -> Any:  # noqa: FBT001, FBT002
    """A NamedTuple whose arrays are as the engine reads them best."""
    arrays = (np.ndarray, memoryview)
    return type(of)(*(flat(c, fast) if isinstance(c, arrays) else c for c in of))


def at_speed(function: F, fast: bool) -> F:  # noqa: FBT001
    """A function compiled, or as it is."""
    return compiled(function) if fast else function
