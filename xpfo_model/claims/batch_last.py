# SPDX-License-Identifier: GPL-2.0-only
"""The claim that says which comes first: the test of a user's page, or the batch."""

from typing import Final

from xpfo_model.claims.access import BUILDS
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.claims.recordings import rows
from xpfo_model.claims.thread import SCARCE
from xpfo_model.figures.forms import Dumbbells
from xpfo_model.history import mails
from xpfo_model.machine import UNMAPPED
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import PER, Design, Part, halves
from xpfo_model.studies.stock_bills import part_of, stock_bills

POSTED_TEST: Final = "per_frame_local", "pcp_batch_local"
"""One flush for a page, and one for a batch, by the posted test."""
WIDER_TEST: Final = "per_frame_closed", RECOMMENDED
HEADS: Final = ("posted test", "and a batch", "wider test", "and a batch")
LITTLE: Final = 1.0
"""Flushes for `PER` user pages that are not worth a batch. Free choice."""
MUCH: Final = 10.0
"""That are. Free choice."""


def flushes(part: Part) -> float:
    """Flushes of all CPUs ahead of users, for `PER` user allocations."""
    return PER * sum(part.flushes.values()) / (part.users or 1)


def late(evidence: Inputs) -> dict[str, dict[str, float]]:
    """Flushes in the second half of each trace and recorded build, by strategy."""
    names = (*POSTED_TEST, *WIDER_TEST)
    found = {
        trace: {
            name: flushes(halves(evidence, trace, Design(name, UNMAPPED)).warm)
            for name in names
        }
        for trace in evidence.names
    }
    for row in rows(evidence, stock_bills):
        if row["start"] == UNMAPPED and row["strategy"] in names:
            of = found.setdefault(_again(row["recording"]), {})
            of[row["strategy"]] = flushes(part_of(row))
    return found


def _again(recording: str) -> str:
    """The name of a recording whose trace is not kept."""
    trace, _, number = recording.rpartition("-")
    return f"{trace} (again, {number})"


def _two_digits(number: float) -> float:
    rounded = float(f"{number:.2g}")
    return int(rounded) if rounded.is_integer() else rounded


@claim(
    "batch-comes-last",
    must="in every recorded build, on memory that started unmapped, a batch saves "
    f"fewer than {LITTLE:g} of the flushes for {PER:,} user pages late in the build, "
    f"and more than {MUCH:g} where memory is short",
    instead="the posted test, by which pages that are read ahead are the kernel's",
    change={"test": POSTED_TEST},
    downside="Builds on small emulated machines; the batch is one of up to 63 pages, "
    "as the kernel chooses it.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_11_09),
    basis=Basis.RECORDINGS,
    needs=("user_allocations", "refills_movable"),
)
def batch_last(evidence: Inputs, test: tuple[str, str] = WIDER_TEST) -> Finding:
    """With the wider test a build has next to nothing left to batch."""
    evidence.use(SCARCE)
    found = late(evidence)
    builds = [name for name in found if name.startswith(BUILDS)]
    each, batched = test
    saved = {name: of[each] - of[batched] for name, of in found.items()}
    wider = {name: of[POSTED_TEST[0]] - of[WIDER_TEST[0]] for name, of in found.items()}
    in_builds = [saved[name] for name in builds]
    shown = (POSTED_TEST[0], *WIDER_TEST)
    by_test = "the wider test" if test == WIDER_TEST else "the posted test"
    return Finding(
        holds=max(in_builds) < LITTLE and saved[SCARCE] > MUCH,
        sentence=f"On memory that started unmapped and with {by_test}, a batch saves "
        f"{spread(in_builds, two_digits)} of the flushes for {PER:,} user pages in the "
        f"second half of {count(len(builds), 'build')}, and {saved[SCARCE]:,.0f} on "
        f"{SCARCE}"
        + (
            f"; the wider test itself saves {spread([wider[n] for n in builds], '.0f')}"
            f" and {wider[SCARCE]:,.0f}."
            if test == WIDER_TEST
            else "."
        ),
        values={
            "builds": len(builds),
            "most": max(in_builds),
            "scarce": saved[SCARCE],
            "test.least": min(wider[name] for name in builds),
            "test.most": max(wider[name] for name in builds),
            "test.scarce": wider[SCARCE],
            "scarce.posted": found[SCARCE][POSTED_TEST[0]],
            "scarce.wider": found[SCARCE][WIDER_TEST[0]],
            "scarce.batch": found[SCARCE][WIDER_TEST[1]],
        },
        table=Table(
            ("trace", *HEADS),
            tuple(
                (name, *(two_digits(of[s]) for s in (*POSTED_TEST, *WIDER_TEST)))
                for name, of in found.items()
            ),
        ),
        chart=Dumbbells.by_trace(
            "In a build the test of a user's page saves what a batch would",
            [
                (name, *(_two_digits(found[name][s]) for s in shown))
                for name in evidence.names
            ],
            ("page by page, posted test", "… wider test", "… and a batch"),
            f"flushes for {PER:,} user pages in the second half, log scale",
            log=True,
        ),
    )
