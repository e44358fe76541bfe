# SPDX-License-Identifier: GPL-2.0-only
"""Claims about kernels: one demand on the allocators of v4.14, v6.1 and v6.18."""

from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.whatif import RATE, Row, rows, served
from xpfo_model.figures.charts import short
from xpfo_model.figures.forms import Slopes
from xpfo_model.history import mails
from xpfo_model.studies import whatif
from xpfo_model.studies.whatif import BUILD, KERNELS, SITUATIONS

SHOWN: Final = ("v6", "per_frame", "pcp_batch", "pageblock")
"""Strategies that look at frames, and the baseline."""
FIFTH: Final = 0.2
FOUR_TIMES: Final = 4
TENFOLD: Final = 10
SHORT: Final = {BUILD: "build"}


def by_kernel(
    evidence: Inputs, workload: str, names: tuple[str, ...] = SHOWN
) -> dict[str, dict[str, Row]]:
    """Rows by strategy and kernel."""
    return {
        name: rows(evidence, whatif.versions, name, "kernel", workload=workload)
        for name in names
    }


def _table(evidence: Inputs) -> tuple[Table, dict[str, Any]]:
    table: list[tuple[Any, ...]] = []
    values: dict[str, Any] = {}
    for workload in SITUATIONS:
        found = by_kernel(evidence, workload)
        called = SHORT.get(workload, workload)
        for kernel in KERNELS:
            rates = [found[name][kernel]["flushes"] for name in SHOWN]
            refills = found["v6"][kernel]["refills"]
            table.append(
                (called, kernel, round(refills, 2), *(round(r, 2) for r in rates))
            )
            values |= {
                f"{called}.{kernel}.{name}": rate
                for name, rate in zip(SHOWN, rates, strict=True)
            }
            values[f"{called}.{kernel}.refills"] = refills
            values[f"{called}.{kernel}.user"] = found["v6"][kernel]["user"]
    return Table(("workload", "kernel", "refills", *SHOWN), tuple(table)), values


def _slopes(found: dict[str, dict[str, Row]], title: str, workload: str) -> Slopes:
    lines = [(n, [some[k]["flushes"] for k in KERNELS]) for n, some in found.items()]
    return Slopes(title, KERNELS, [(SHORT.get(workload, workload), lines)], RATE)


@claim(
    "newer-kernels-refill-less",
    must="for one demand of a build, v6.18 refills at most a fifth as often as v4.14, "
    "and one flush of pcp_batch serves at least four times as many frames",
    instead="pageblock in place of pcp_batch",
    change={"strategy": "pageblock"},
    downside="No recording of v4.14 or v6.18 was held against these two allocators.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def refill_less(evidence: Inputs, strategy: str = "pcp_batch") -> Finding:
    """Newer kernels keep longer lists, and a batch serves more."""
    found = by_kernel(evidence, BUILD, (strategy,))
    old, new = (found[strategy][kernel] for kernel in (KERNELS[0], KERNELS[-1]))
    table, values = _table(evidence)
    both = by_kernel(evidence, BUILD, ("pcp_batch", "pageblock"))
    serves = {
        name: {kernel: served(row) for kernel, row in some.items()}
        for name, some in both.items()
    }
    values |= {f"served.{kernel}": n for kernel, n in serves["pcp_batch"].items()}
    return Finding(
        holds=new["refills"] <= FIFTH * old["refills"]
        and served(new) >= FOUR_TIMES * served(old),
        sentence=f"For one demand of a build, {KERNELS[0]} refills "
        f"{old['refills']:.1f} times per 1,000 allocations and {KERNELS[-1]} "
        f"{new['refills']:.2f} times. One flush of {strategy} serves "
        f"{served(old):.0f} frames on {KERNELS[0]} and {served(new):.0f} on "
        f"{KERNELS[-1]}.",
        values=values,
        table=table,
        chart=Slopes(
            "The newer the kernel, the more frames a batch serves",
            KERNELS,
            [
                (
                    "build",
                    [(n, [some[k] for k in KERNELS]) for n, some in serves.items()],
                )
            ],
            "frames that no user had before, for each flush (model)",
        ),
    )


@claim(
    "readahead-left-the-users",
    must="for files from a disk, pcp_batch flushes at least ten times as often on v6.1 "
    "and on v6.18 as on v4.14",
    instead="page faults in place of files",
    change={"workload": "page-faults"},
    downside="Made-up demand, and no recording of v4.14 or v6.18; tmpfs has no "
    "readahead.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def readahead(evidence: Inputs, workload: str = "page-cache") -> Finding:
    """Readahead no longer passes the posted test, and shares its list with users."""
    found = by_kernel(evidence, workload, ("pcp_batch", "pageblock"))
    batch = {kernel: row["flushes"] for kernel, row in found["pcp_batch"].items()}
    user = {k: rows_["user"] for k, rows_ in found["pcp_batch"].items()}
    table, values = _table(evidence)
    first, *later = KERNELS
    return Finding(
        holds=all(batch[kernel] >= TENFOLD * batch[first] for kernel in later),
        sentence=f"Readahead in a NOFS scope has no __GFP_FS, so that it fails the "
        f"posted test: {user[first]:.0%} of the allocations of {workload} are users' "
        f"on {first}, {user[later[0]]:.0%} on {later[0]}. pcp_batch then flushes "
        f"{short(batch[later[0]])} times per 1,000 allocations, not "
        f"{short(batch[first])}.",
        values=values,
        table=table,
        chart=_slopes(
            found, "Files from a disk: readahead became the kernel's", workload
        ),
    )
