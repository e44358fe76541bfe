# SPDX-License-Identifier: GPL-2.0-only
"""The record of the patches: mails, published numbers, reported faults."""
