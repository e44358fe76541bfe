# SPDX-License-Identifier: GPL-2.0-only
"""The processes beside the build: they compute ahead, and draw."""

import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from xpfo_model.figures.charts import Chart


def processes() -> Executor:
    """A process for each CPU, started as they are needed."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))


def draw(chart: Chart, stem: Path) -> list[str]:
    """Write a chart's files in all its forms; see `figures.save_all`."""
    from xpfo_model.figures import draw  # noqa: PLC0415 - a cached build draws nothing

    return draw.save_all(chart, stem)


class Drawings:
    """Figures that are drawn in an executor, into a folder.

    Parameters
    ----------
    folder : path
        Where the files go.
    executor
        Who draws; `close` shuts it down.
    """

    def __init__(self, folder: Path, executor: Executor) -> None:
        self.folder = folder
        self.executor = executor
        self._begun: dict[str, Future[list[str]]] = {}

    def begin(self, name: str, chart: Chart) -> None:
        """Have a chart drawn into NAME.svg and the others."""
        self._begun[name] = self.executor.submit(draw, chart, self.folder / name)

    def wait(self, name: str) -> None:
        """Wait for one. Raises what its drawing raised, `KeyError` for no such."""
        self._begun[name].result()

    def finish(self) -> list[str]:
        """Wait for all; texts in them that cannot be read.

        Raises what the drawing of one raised.
        """
        return [fault for one in self._begun.values() for fault in one.result()]

    def close(self) -> None:
        """Let the processes go; what has not begun is not drawn."""
        self.executor.shutdown(cancel_futures=True)
