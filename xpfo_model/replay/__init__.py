# SPDX-License-Identifier: GPL-2.0-only
"""Replay: the events of a trace as calls of hooks, strategies run over them, tables."""

from xpfo_model.replay.held import Held
from xpfo_model.replay.outcome import Outcome, replay, replay_starts
from xpfo_model.replay.run import Counts, Run

__all__ = ["Counts", "Held", "Outcome", "Run", "replay", "replay_starts"]
