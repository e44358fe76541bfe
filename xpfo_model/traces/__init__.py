# SPDX-License-Identifier: GPL-2.0-only
"""Readers of real traces: ftrace, trace-cmd and perf to one table of events."""

from xpfo_model.traces.reader import Trace, open_trace, read, whole
from xpfo_model.traces.save import save
from xpfo_model.traces.write import write_text

__all__ = ["Trace", "open_trace", "read", "save", "whole", "write_text"]
