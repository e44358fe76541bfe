# SPDX-License-Identifier: GPL-2.0-only
"""The page allocator of Linux, by version: which frame is handed out next.

Takes demand (allocate, free, drain) and emits the events that a kernel's
tracepoints would, in the kernel's order. Mirrors mm/page_alloc.c as far as it
decides which page frame goes where; reclaim and compaction are not in it.
"""
