# SPDX-License-Identifier: GPL-2.0-only
"""Figures: charts as data, and matplotlib that draws them."""
