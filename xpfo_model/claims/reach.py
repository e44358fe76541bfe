# SPDX-License-Identifier: GPL-2.0-only
"""Claims about what can be reached in kernels that run the strategies."""

from collections.abc import Mapping, Sequence
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, listing
from xpfo_model.claims.recordings import PERCENT, STOCK, rows
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dots, Matrix
from xpfo_model.studies.kernel_runs import kernel_callers, kernel_probes, kernel_runs

CALLERS: Final = "callers"
"""The workload that reaches users' pages in every way that runs there."""
HIBERNATION: Final = "hibernate"
CRYPTO: Final = ("xts_", "crypto_", "aes_", "skcipher_", "xor_")
"""How the names of functions of the crypto layer begin, which takes page_address()."""
COLUMNS: Final = ("none", "v6", "pcp_batch_local", "pcp_batch_closed")
"""Strategies of the figure; a table has all."""
ARROW: Final = "<-"
"""Stands in the kernel's event between a function and who called it."""
MOST: Final = 8
"""Functions of the figure; the table has all."""
FREED: Final = ("freed", "migrated-from")
"""Probes of frames that no user has any more: data that is left, not a user's page."""


@claim(
    "no-cpu-reads-at-hand-out",
    must="where the model says that a user's new page is out of reach, no CPU can "
    "read one of those that were tried as they were handed out",
    instead="v6, which clears no PTE at the allocation",
    change={"safe": False},
    downside="Every eighth page is tried, by an ordinary read and not by speculation; "
    "a TLB entry that nobody asks for is not seen.",
    basis=Basis.KERNEL,
)
def no_cpu_reads(evidence: Inputs, *, safe: bool = True) -> Finding:
    """All CPUs try to read a page as it is handed out to a user."""
    found = [row for row in rows(evidence) if row["verify_reads"]]
    tried = [row for row in found if (row["strategy"] != "v6") == safe]
    tried = [row for row in tried if row["strategy"] != STOCK]
    if not tried:
        raise CannotJudgeError("no recording in which CPUs tried to read", [])
    reads = sum(row["verify_reads"] for row in tried)
    readable = sum(row["verify_readable"] for row in tried)
    return Finding(
        holds=readable == 0,
        sentence=f"Of {reads:,} reads of pages that were being handed out, on all CPUs "
        f"and under {listing([row['strategy'] for row in tried])}, {readable:,} "
        f"succeeded.",
        values={"reads": reads, "readable": readable},
        table=Table(
            ("strategy", "CPUs", "reads tried", "succeeded"),
            tuple(
                (r["strategy"], r["cpus"], r["verify_reads"], r["verify_readable"])
                for r in found
            ),
        ),
        chart=Dots.of(
            "No CPU reads a page that a safe strategy hands out",
            [
                (
                    row["strategy"],
                    PERCENT * row["verify_readable"] / row["verify_reads"],
                    row["verify_reads"],
                )
                for row in found
            ],
            "percent of the reads that succeeded",
            text="{1:.0f}% of {2:,}",
            most=PERCENT,
        ),
    )


def _tried(share: float | None) -> str:
    """Whether a kind of page could be read, in a word."""
    if share is None:
        return "not tried"
    return "readable" if share else "no"


def _readable_kinds(
    cases: Sequence[str], strategy: str, readable: Mapping[tuple[str, str], float]
) -> int:
    """Of how many kinds of page one could be read under a strategy."""
    return sum(readable.get((case, strategy), 0) > 0 for case in cases)


def _probed(
    cases: Sequence[str],
    strategies: Sequence[str],
    readable: Mapping[tuple[str, str], float],
) -> Table:
    """Kinds of pages, and under each strategy whether they could be read."""
    return Table(
        ("page", *strategies),
        tuple(
            (case, *(_tried(readable.get((case, name))) for name in strategies))
            for case in cases
        ),
    )


@claim(
    "closed-strategy-leaves-no-page",
    must="under pcp_batch_closed none of the pages that a user has can be read through "
    "the direct map, whatever kind of page it is",
    instead="pcp_batch_local, with the test of the posted versions and no hook at "
    "migration",
    change={"strategy": "pcp_batch_local"},
    downside="The kinds of pages that a program could think of on a small machine, "
    "between two accesses of the kernel; during an access the page is mapped.",
    basis=Basis.KERNEL,
)
def closed_leaves_none(evidence: Inputs, strategy: str = "pcp_batch_closed") -> Finding:
    """ret2dir, tried: which pages can be read through their alias."""
    found = rows(evidence, kernel_probes)
    strategies = list(dict.fromkeys(row["strategy"] for row in found))
    if strategy not in strategies:
        raise CannotJudgeError(f"no probe under {strategy}", [])
    cases = list(dict.fromkeys(row["case"] for row in found))
    readable = {
        (row["case"], row["strategy"]): row["readable"] / row["pages"] for row in found
    }
    own = [case for case in cases if case not in FREED]
    columns = [name for name in COLUMNS if name in strategies]
    left = [case for case in own if readable.get((case, strategy), 0)]
    kinds = {name: _readable_kinds(own, name, readable) for name in strategies}
    return Finding(
        holds=not left,
        sentence=f"Under {strategy}, {len(left)} of {len(own)} kinds of users' pages "
        f"can be read through the direct map"
        + (f": {listing(left)}." if left else "."),
        values={
            "kinds": len(own),
            "left": len(left),
            **{f"left_{name}": number for name, number in kinds.items()},
        },
        table=_probed(cases, columns, readable),
        more={"probes": _probed(cases, strategies, readable)},
        chart=Matrix(
            "The closed strategy leaves no kind of page in reach",
            columns,
            [
                (
                    case,
                    [
                        "yes" if readable.get((case, name), 0) else ""
                        for name in columns
                    ],
                )
                for case in own
            ],
            good="fault",
            bad="readable",
        ),
    )


@claim(
    "few-reach-around",
    must="in the workload that reaches users' pages in every way that runs there, only "
    "the crypto layer touches one through the direct map without kmap",
    instead="a hibernation, which copies all memory to an image",
    change={"workload": HIBERNATION},
    downside="Code that did not run is not seen: NFS, RDMA, KVM and most drivers among "
    "it.",
    basis=Basis.KERNEL,
)
def few_reach_around(evidence: Inputs, workload: str = CALLERS) -> Finding:
    """Who touches a user's page without kmap: the accesses that fault."""
    of = {
        row["recording"]: row
        for row in rows(evidence, kernel_runs)
        if row["strategy"] != STOCK
    }
    faults: dict[tuple[str, str], int] = {}
    for one in rows(evidence, kernel_callers):
        run = of.get(one["recording"])
        if run is not None and one["faults_user"]:
            key = (run["workload"], one["caller"])
            faults[key] = faults.get(key, 0) + one["faults_user"]
    ran = [row for row in of.values() if row["workload"] == workload]
    if not ran:
        raise CannotJudgeError(f"no recording of {workload}", [])
    here = {caller: n for (load, caller), n in faults.items() if load == workload}
    other = [caller for caller in here if not caller.startswith(CRYPTO)]
    kmaps = sum(row["kmap_local"] + row["kmap_direct"] for row in ran)
    around = sorted(faults.items(), key=lambda item: -item[1])
    return Finding(
        holds=not other,
        sentence=f"In {count(len(ran), 'recording')} of {workload}, {kmaps:,} accesses "
        f"to users' pages were announced with kmap, and {sum(here.values()):,} were not"
        + (f": in {listing([_function(caller) for caller in here])}." if here else "."),
        values={"kmaps": kmaps, "faults": sum(here.values()), "callers": len(here)},
        table=Table(
            ("workload", "function", "called by", "accesses without kmap"),
            tuple((load, *caller.split(ARROW, 1), n) for (load, caller), n in around),
        ),
        chart=Dots.of(
            "Few functions reach a user's page without kmap",
            [
                (f"{load}: {_function(caller)}", n)
                for (load, caller), n in around[:MOST]
            ],
            "accesses through an unmapped alias, log scale",
            log=True,
        ),
    )


def _function(caller: str) -> str:
    """A function that reached a page, and who called it, in words."""
    leaf, _, by = caller.partition(ARROW)
    return f"{leaf} of {by}" if by else leaf
