# SPDX-License-Identifier: GPL-2.0-only
"""The recorder of this machine's page allocator: tracefs, signals, one text file."""
