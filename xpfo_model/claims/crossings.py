# SPDX-License-Identifier: GPL-2.0-only
"""A claim about flushes where a CPU crosses the border of user space, counted there."""

from typing import Final

from xpfo_model.claims.access import copied, in_use
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.events import PAGE_FAULT_USER, SYS_ENTER
from xpfo_model.figures.forms import Dots
from xpfo_model.history import mails
from xpfo_model.machine import ALTERNATION, Machine, flush
from xpfo_model.replay.run import Counts
from xpfo_model.strategies.deferral import CLEAR, PENDING

QUESTION: Final = "border"
"""The traces that have the events."""
SHOWN: Final = ("per_frame", "pcp_batch", "v9", "kernel_entry")
"""Beside `return_to_user`."""
ENTRIES: Final = (SYS_ENTER, PAGE_FAULT_USER)
MOST_LEFT: Final = 0.75
TWICE: Final = 2
FEW: Final = 0.125
"""A part of the entries that leaves most of them without a flush."""
THOUSAND: Final = 1000


def counted_entry(m: Machine, cpu: int) -> None:
    """As kernel_entry has it, told apart by a cause that nothing else here has."""
    if m.cpu_state[cpu] == PENDING:
        m.cpu_state[cpu] = CLEAR
        flush(m, ALTERNATION)


Row = tuple[str, str, int, Counts, Counts]


@claim(
    "a-crossing-takes-few-pages",
    must="over each trace that has the crossings, return_to_user keeps "
    f"{MOST_LEFT:.0%} of the flushes of per_frame or more, {TWICE} times those of "
    "pcp_batch or more; and with kernel_entry, if the kernel maps what it maps in a "
    f"build, fewer than {FEW:.1%} of the entries flush",
    instead="list_at_once, which flushes when a list is consumed, in place of "
    "return_to_user",
    change={"strategy": "list_at_once"},
    downside="Two and four CPUs, one recording each; more entries flush on more CPUs.",
    mails=(
        mails.ANDERSEN_2017_09_20_1634,
        mails.HANSEN_2017_09_20_1621,
        mails.HANSEN_2019_01_10,
        mails.HANSEN_2019_04_05,
        mails.LUTOMIRSKI_2019_04_05,
    ),
    needs=("user_allocations", "refills_movable"),
)
def crossings(evidence: Inputs, strategy: str = "return_to_user") -> Finding:
    """Flushes at the return to user space and at the entry, beside those of a batch."""
    build = copied(evidence)
    rows: list[Row] = []
    kept, times, flushing = [], [], []
    entries = 0
    traces = evidence.asked(QUESTION)
    for trace in traces:
        users = evidence.totals(trace)["user_allocations"]
        found = {
            name: (
                evidence.counts(trace, name),
                in_use(evidence, trace, name, **build.how),
            )
            for name in (strategy, *SHOWN)
        }
        rows += [(trace, name, users, *both) for name, both in found.items()]
        flushes = {name: both[0].flushes for name, both in found.items()}
        nothing = "nothing to flush"
        ours = flushes[strategy]
        kept.append(ratio(ours, flushes["per_frame"], trace, nothing))
        times.append(ratio(ours, flushes["pcp_batch"], trace, nothing))
        kinds = evidence.steps(trace)[1].kinds
        entered = sum(int(kinds[kind]) for kind in ENTRIES)
        told = in_use(
            evidence, trace, "kernel_entry", kernel_entry=counted_entry, **build.how
        )
        flushing.append(ratio(told.flushes, entered, trace, "no entry"))
        entries += entered
    percent = [100 * part for part in flushing]
    return Finding(
        holds=min(kept) >= MOST_LEFT and min(times) >= TWICE and max(flushing) < FEW,
        sentence=f"Where the crossings are recorded, {strategy} keeps "
        f"{spread([100 * part for part in kept], two_digits)}% of the flushes of "
        f"per_frame, {spread(times, two_digits)} times as many as pcp_batch; with "
        f"kernel_entry {spread(percent, two_digits)}% of "
        f"{count(entries, 'entry', 'entries')} flush.",
        values={
            "kept": 100 * min(kept),
            "times": min(times),
            **{f"{t}.flushing": p for t, p in zip(traces, percent, strict=True)},
            "entries": entries,
            "copied": build.percent,
        },
        table=Table(
            (
                "trace",
                "strategy",
                "all CPUs",
                "its own CPU",
                "all CPUs, in use",
                "its own CPU, in use",
            ),
            tuple(
                (trace, name, *(_rate(n, users) for n in _flushes(alone, used)))
                for trace, name, users, alone, used in rows
            ),
        ),
        chart=Dots.of(
            "A return that flushes does it for one page, mostly",
            [
                (f"{row[1]}, {row[0]}", THOUSAND * row[3].flushes / row[2])
                for row in rows
                if row[3].flushes
            ],
            "flushes of all CPUs for 1000 user allocations, without accesses",
            text="{1:,.0f}",
        ),
    )


def _flushes(alone: Counts, used: Counts) -> tuple[int, ...]:
    return alone.flushes, alone.local_flushes, used.flushes, used.local_flushes


def _rate(flushes: int, users: int) -> str:
    return f"{THOUSAND * flushes / users:,.0f}"
