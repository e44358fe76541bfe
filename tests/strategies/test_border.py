# SPDX-License-Identifier: GPL-2.0-only
"""Strategies that flush at the border of the kernel and user space."""

from driven import EVERY_CPU, Driver

from xpfo_model.machine import ALLOC, CAUSES


def test_one_flush_before_the_return_covers_all_since_the_entry():
    d = Driver("return_to_user").alloc(0).alloc(1, 2)
    assert d.flushes == {}
    assert d.stale(0) == d.stale(2) == EVERY_CPU
    d.hooks.return_to_user(d.m, 1)
    assert d.flushes == {}, "another CPU"
    d.hooks.return_to_user(d.m, 0)
    assert d.flushes == {CAUSES[ALLOC]: 1}
    assert d.stale(0) == d.stale(2) == 0
    d.hooks.return_to_user(d.m, 0)
    assert d.alloc(3).switch(0).flushes == {"alloc": 2}


def test_a_cpu_that_enters_the_kernel_flushes_what_was_deferred():
    d = Driver("kernel_entry").alloc(0)
    assert d.flushes == {"local": 1}
    assert d.stale(0) == 0b110
    d.hooks.kernel_entry(d.m, 1)
    assert d.stale(0) == 0b100
    d.hooks.kernel_entry(d.m, 1)
    assert d.switch(2).flushes == {"local": 3}
    assert d.stale(0) == 0
