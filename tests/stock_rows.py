# SPDX-License-Identifier: GPL-2.0-only
"""Kept rows of recordings of stock kernels, made up."""

from xpfo_model.claims.stock import SHOWN
from xpfo_model.studies.stock_runs import BOOT, stock_flushes, stock_runs

USERS = 10_000


class Kept:
    """Kept rows in the place of a clone's."""

    names: tuple[str, ...] = ()
    """Of traces that are kept whole."""

    def __init__(self, *recordings):
        self.rows = {
            stock_runs.name: [run for run, _ in recordings],
            stock_flushes.name: [row for _, flushes in recordings for row in flushes],
        }

    def kept(self, study):
        rows = self.rows[study.name]
        return {name: [row[name] for row in rows] for name in rows[0]}


def recorded(number, *, workload="cc-1cpu", view=BOOT, uptime=0, **flushes):
    """A recording in which each strategy flushes less than the one before it."""
    of = {name: 1000 - 100 * place for place, name in enumerate(SHOWN)} | flushes
    name = f"{workload}-{number}"
    run = {
        "recording": name,
        "workload": workload,
        "uptime": uptime,
        "view": view,
        "user_allocations": USERS,
        "kernel_allocations": 100,
        "first_touch": 1000,
        "from_kernel": 100 * number,
        "from_user": 9000 - 100 * number,
        "refills_movable": 10,
        "refilled_movable": 310,
        "blocks": 1,
    }
    rows = [
        {"recording": name, "view": view, "strategy": key, "alloc": n, "refill": 1}
        for key, n in of.items()
    ]
    return run, rows
