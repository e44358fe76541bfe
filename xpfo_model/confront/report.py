# SPDX-License-Identifier: GPL-2.0-only
"""A confrontation as text of 72 columns."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from xpfo_model.confront.kmaps import Accesses
from xpfo_model.confront.result import Confrontation, First
from xpfo_model.replay.table import WIDTH, columns

_SHOWN: Final = 25
"""Callers that the table names."""
_TIMES: Final = ("0", "1", "2", "3", "more")


def report(found: Confrontation) -> str:
    """The verdict, the counts of both sides, and the first difference."""
    told = found.as_json()
    start = found.found.start
    lines = [
        f"trace {found.found.about.name}",
        f"  sha256 {found.found.about.sha256[:16]}",
        f"  strategy {start.strategy}, memory starts {start.start}, kmap {start.kmap}",
        f"  {start.cpus} CPUs, {start.end_pfn:,} frames, user's pages by the "
        f"{start.test} test",
        *(f"  warning: {note}" for note in found.found.about.notes()),
        f"  {_verdict(found)}",
    ]
    wrapped = [part for line in lines for part in _wrapped(line)]
    return "\n".join(
        [
            *wrapped,
            "",
            *columns(("", "kernel", "model"), _counts(told)),
            *_oddities(found),
            *([] if found.first is None else ["", *_first(found.first)]),
            "",
        ]
    )


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False)


def _verdict(found: Confrontation) -> str:
    flushes = found.as_json()["flushes"]["kernel"]
    if found.is_equal:
        return f"EQUAL: kernel and model agree in all {flushes:,} flushes"
    if found.first is None:
        return "DIFFERENT: the kernel contradicts itself, see below"
    return f"DIFFERENT, first at event {found.first.event:,}"


def _counts(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    def row(name: str, both: Mapping[str, int]) -> tuple[str, str, str]:
        return name, str(both["kernel"]), str(both["model"])

    for name, key, by_cause in (
        ("flushes", "flushes", "by_cause"),
        ("frames unmapped", "frames_unmapped", "unmapped_by_cause"),
        ("frames mapped", "frames_mapped", "mapped_by_cause"),
    ):
        yield row(name, told[key])
        yield from (row(f"  {cause}", both) for cause, both in told[by_cause].items())
    yield row("2M entries split", told["splits"])
    yield row("flushes that could not wait", told["unsafe"])


def _oddities(found: Confrontation) -> list[str]:
    """Sentences on counters and events of the kernel that contradict each other."""
    lines = []
    if found.counters_from is not None:
        state = "confirm" if not found.counters else "contradict"
        lines += ["", f"the counters of {found.counters_from} {state} the events"]
        lines += columns(
            ("  counter", "counted", "events"),
            ((f"  {c.name}", str(c.counter), str(c.events)) for c in found.counters),
        )[: None if found.counters else 0]
    for name, number in found.odd.items():
        if number:
            lines += ["", *_wrapped(f"{number:,} flushes are {_ODD[name]}")]
    if found.waiting:
        lines += _wrapped(
            f"{found.waiting:,} frames are kmapped whose allocation the trace does not "
            "have"
        )
    return lines


_ODD: Final = {
    "full_not_by_span": "full and of few frames, or the reverse",
    "waits_not_by_context": "said to wait where nobody can, or the reverse",
}


def _first(first: First) -> list[str]:
    """The first difference."""

    def did(one: dict[str, Any] | None) -> str:
        if one is None:
            return "nothing"
        return " ".join(f"{key}={value}" for key, value in one.items())

    head = (
        f"The first difference: CPU {first.cpu}, event {first.event:,}, at "
        f"{first.time} ({first.what} number {first.number})"
    )
    return [
        *_wrapped(head),
        f"  kernel: {did(first.kernel)}",
        f"  model:  {did(first.model)}",
        *_wrapped(f"  likely: {first.reason}"),
        "events of this CPU around it",
        *(f"  {line}" for line in first.neighbours),
        "events of its frame until then",
        *(f"  {line}" for line in first.history),
    ]


def kmaps(found: Accesses) -> str:
    """Who reaches users' pages: a table by caller, per user allocation."""
    users = found.user_allocations
    total = sum(found.kmaps.values())
    callers = sorted(
        found.kmaps | found.kunmaps, key=lambda one: -found.kmaps.get(one, 0)
    )

    def per_page(number: int) -> str:
        return f"{number / users:.3f}" if users else "-"

    rows = [
        (
            caller,
            str(found.kmaps.get(caller, 0)),
            str(found.kunmaps.get(caller, 0)),
            per_page(found.kmaps.get(caller, 0)),
        )
        for caller in callers[:_SHOWN]
    ]
    rest = callers[_SHOWN:]
    if rest:
        more = sum(found.kmaps.get(one, 0) for one in rest)
        less = sum(found.kunmaps.get(one, 0) for one in rest)
        name = f"{len(rest)} other callers"
        rows.append((name, str(more), str(less), per_page(more)))
    rows.append(("all", str(total), str(sum(found.kunmaps.values())), per_page(total)))
    faults = [
        (caller, str(sum(owners.values())), _owners(owners))
        for caller, owners in found.faults.items()
    ]
    ways = ", ".join(f"{way} {number}" for way, number in found.ways.items()) or "none"
    return "\n".join(
        [
            f"{users:,} pages handed to users, {found.user_zeroed:,} of them zeroed;",
            f"their kmaps by way: {ways}",
            "",
            *columns(("caller", "kmap", "kunmap", "kmaps/page"), rows),
            "",
            *columns(("how often a page is kmapped", *_TIMES, "mean"), _pages(found)),
            "",
            *(
                columns(("reached without kmap", "faults", "owner"), faults)
                if faults
                else ["nobody reached an unmapped frame without kmap: no faults"]
            ),
            "",
        ]
    )


def _pages(found: Accesses) -> Iterator[tuple[str, ...]]:
    means = found.as_json()["kmaps_per_page"]
    for whose, pages in found.pages.items():
        often = [pages.get(times, 0) for times in _TIMES[:-1]]
        more = sum(pages.values()) - sum(often)
        yield (f"{whose} pages", *map(str, (*often, more)), f"{means[whose]:.3f}")


def _owners(owners: Mapping[str, int]) -> str:
    return ", ".join(f"{owner} {number}" for owner, number in owners.items())
