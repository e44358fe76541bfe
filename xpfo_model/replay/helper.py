# SPDX-License-Identifier: GPL-2.0-only
"""A second process that compiles strategies' loops while the first one reads.

numba compiles one function at a time, whatever the threads. The helper begins with
the strategy that is needed last; both keep what they compile in the cache, where the
other finds it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from xpfo_model.gfp import KERNELS
from xpfo_model.jit import PACKAGE
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Run

_CODE: Final = "import sys; from xpfo_model.replay import helper; helper.prepare({})"
_FEW: Final = 2
"""Loops for which a helper is worth its start."""


def prepare(names: Sequence[str]) -> None:
    """Compile the loops of strategies, and what a replay ends with."""
    for name in names:
        Run(name, cpus=1).prepare()
    Reconstruction(next(iter(KERNELS))).finish()


@contextmanager
def helped(runs: Sequence[Run]) -> Iterator[None]:
    """Have a helper while there are loops to compile."""
    cold = [run.strategy for run in reversed(runs) if run.is_cold]
    if len(cold) < _FEW or (os.cpu_count() or 1) < _FEW or not sys.executable:
        yield
        return
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]
    helper = subprocess.Popen(  # noqa: S603 - our own code, and names of strategies
        [sys.executable, "-P", "-c", _CODE.format(cold)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        helper.terminate()
        helper.wait()
