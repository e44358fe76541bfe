# SPDX-License-Identifier: GPL-2.0-only
"""Studies over traces and workloads, and the store that keeps their results."""
