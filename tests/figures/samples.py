# SPDX-License-Identifier: GPL-2.0-only
"""A chart of every form, each with what is hard to lay out."""

import numpy as np

from xpfo_model.checker.film import FrameState, Scene
from xpfo_model.figures.charts import (
    Bar,
    Curves,
    Grid,
    Range,
    Ranges,
    Shares,
    Spot,
)
from xpfo_model.figures.forms import (
    Course,
    DirectMap,
    Dot,
    Dots,
    Dumbbells,
    Film,
    Flow,
    Matrix,
    Place,
    Plane,
    Slopes,
    Streams,
    Tick,
)

TRACES = ("cc-1cpu", "cc-4cpu", "forkpipe-4cpu", "reclaim-2cpu", "netmap-3cpu")
TITLE = "A title that says what the figure shows, and that needs more than one line"
NAMES = ("v6", "per_frame", "pcp_batch", "pageblock", "pcp_batch_local")
STATES = (("kernel", "the kernel's"), ("free", "free"), ("user", "a user's"))
VIOLATED = "No CPU can translate a user's frame that is not kmapped."


def frame(place, mapped):
    return FrameState(place, mapped=mapped, kmapped=0)


def scenes():
    taken = (frame("in flight", False), frame("in flight", False), frame("buddy", True))
    out = (frame("user", False), frame("MOVABLE", False), frame("kernel", True))
    return (
        Scene(
            0,
            "refills the MOVABLE list with frames 0 and 1",
            taken,
            ((0, 1), (0, 1)),
            (True, False),
            1,
        ),
        Scene(
            1, "allocates frame 0 for a user", out, ((0, 1), ()), (True, False), 0, (0,)
        ),
    )


def course(end):
    return [(float(n), min(end, end * n / 150)) for n in range(0, 1000, 25)]


CHARTS = {
    "course": Course(
        TITLE,
        [
            (trace, [("v6", course(146_105.0)), ("pcp_batch", course(542.0))])
            for trace in TRACES
        ],
        "page allocations so far",
        "flushes so far",
    ),
    "curves": Curves(
        TITLE,
        [
            (name, [Spot(str(at), 9.0 / at, 8 / at, 10 / at) for at in (1, 3, 7, 15)])
            for name in NAMES
        ],
        ("1", "3", "7", "15"),
        "batch, frames",
        "flushes per 1,000 allocations",
    ),
    "direct-map": DirectMap(
        TITLE,
        [(name, np.eye(3)[np.arange(96).reshape(8, 12) % 3]) for name in NAMES],
        STATES,
        "time",
        "a row is a pageblock",
        ("start", "end"),
    ),
    "dots": Dots(
        TITLE,
        [
            (
                trace,
                [
                    Dot("v6", 146_105, "146,105 of 146,105"),
                    Dot("pcp_batch", 542, "542", 500, 600, (500, 542, 600)),
                    Dot("none", 0, "0"),
                ],
            )
            for trace in TRACES
        ],
        "flushes, log scale",
        log=True,
        line=1000,
        line_name="required: 1,000",
    ),
    "dots, long names": Dots(
        TITLE,
        [("", [Dot(f"v{n}: {TITLE}", n, f"{n} steps") for n in range(1, 4)])],
        "steps",
    ),
    "dumbbells": Dumbbells(
        TITLE,
        [
            (trace, [Dot(n, v, f"{v:,}") for n, v in zip(NAMES, values, strict=False)])
            for trace, values in zip(
                TRACES,
                (
                    (146_105, 13_000, 542),
                    (500, 500, 500),
                    (400, 5_000, 60_000),
                    (700, 8_000, 90),
                    (100, 20, 3_000),
                ),
                strict=True,
            )
        ],
        "flushes, log scale",
        log=True,
        gains=["much", "none", "none", "some", "1,234.5"],
    ),
    "film": Film(TITLE, scenes(), f"Violated: {VIOLATED}"),
    "flow": Flow(
        TITLE,
        [
            (trace, dict(zip(("nobody", "kernel", "user"), counts, strict=True)))
            for trace, counts in zip(
                TRACES,
                (
                    (12_801, 44, 121_950),
                    (0, 0, 0),
                    (1, 0, 0),
                    (0, 1, 999_999),
                    (333, 333, 333),
                ),
                strict=True,
            )
        ],
        "user allocations",
        {"nobody": "nobody", "kernel": "the kernel", "user": "a user"},
    ),
    "grid": Grid(
        TITLE,
        ("kmalloc", "kmalloc", "user page", "kmalloc", "30 user pages"),
        [(name, ("", "", "flush\nunmap 31", "", "flush x30")) for name in NAMES],
        loud="flush",
    ),
    "matrix": Matrix(
        TITLE,
        [f"an-invariant-with-a-long-name-{n}" for n in range(8)],
        [(name, ["12" if n == at else "" for n in range(8)]) for at, name in
         enumerate(NAMES)],
        good="holds",
        bad="violated",
        open={"v6": "more may follow: not all states were visited"},
    ),
    "plane": Plane(
        TITLE,
        [Place(n, 0.001 * at, 0.0) for at, n in enumerate(NAMES, 1)]
        + [
            Place("none", 0, 100),
            Place("v8", 0, 99),
            Place("v9", 0, 98, "", 0.001, 3.0),
        ],
        "flushes for each user allocation, log scale",
        "percent of users' frame-time, log scale",
        good="few flushes, nothing reachable",
    ),
    "plane with a key": Plane(
        TITLE,
        [Place(name, 10.0**at, 10.0**at, trace) for name in NAMES for at, trace in
         enumerate(TRACES)],
        "of the kernel",
        "of the model",
        diagonal="as many",
        crowded=True,
    ),
    "ranges": Ranges(
        TITLE,
        [
            Range("4-core strict", 9.0, 9.0, "9.0x, published"),
            Range("96-core pcp_batch_local, starts unmapped", 9.4, 14, "9.4x to 14x"),
        ],
        "times the base row, log scale",
        line=1.0,
        line_name="base",
        log=True,
    ),
    "shares": Shares(
        TITLE,
        [
            (t, [Bar("alloc", 1, "1"), Bar("refill", 0, "0"), Bar("kunmap", 9, "9")])
            for t in TRACES
        ],
        "percent of the flushes",
    ),
    "slopes": Slopes(
        TITLE,
        ["v4.14", "v6.1", "v6.18"],
        [(t, [("pcp_batch", [28, 50, 128]), ("pageblock", [28, 50, 128])]) for t in
         TRACES],
        "frames that a flush serves",
        line=60,
        line_name="measured: 60",
    ),
    "streams": Streams(
        TITLE,
        [
            (
                trace,
                {
                    "kernel": [Tick(float(n), "alloc") for n in range(500)],
                    "model": [Tick(float(n), "refill") for n in range(0, 500, 3)],
                },
            )
            for trace in TRACES[:2]
        ],
        "seconds",
        {"cc-4cpu": 31.25},
    ),
}  # fmt: skip
