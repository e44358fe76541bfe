# SPDX-License-Identifier: GPL-2.0-only
"""Replay: the events of a trace as calls of hooks, strategies run over them, tables."""

from xpfo_model.replay.run import Counts, Outcome, Run, replay

__all__ = ["Counts", "Outcome", "Run", "replay"]
