# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that runs XPFO held against the model of its strategy, flush by flush."""

from xpfo_model.confront.result import Confrontation, confront

__all__ = ["Confrontation", "confront"]
