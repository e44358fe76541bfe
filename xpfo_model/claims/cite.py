# SPDX-License-Identifier: GPL-2.0-only
"""Text that leaves the site: for a cover letter, a bibliography, a spreadsheet.

A cover letter is plain ASCII of at most 72 columns, says *model* in its first line,
names the machines, defines the strategies that it names, and ends with a link.
"""

import csv
import io
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from xpfo_model import clone, strategies
from xpfo_model.claims.claim import Basis, Table
from xpfo_model.claims.prose import counted, listing
from xpfo_model.claims.verdict import Standing
from xpfo_model.replay.table import WIDTH, columns

_BEGINS_MAIL: Final = re.compile("^From ", re.MULTILINE)
NO_LINK: Final = "No link: this build is not published."
_DIGITS: Final = 12
"""Of a trace's sha256."""


def _cell(value: str | float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if isinstance(value, float) else value


def wrap(text: str, indent: str = "") -> str:
    """Text in lines of at most 72 columns, all but the first behind `indent`.

    A line that would begin with *From* stands behind a space: a mailbox has the
    beginning of a mail there, and mailers write *>From*.
    """
    lines = textwrap.fill(text, WIDTH, subsequent_indent=indent)
    if _BEGINS_MAIL.search(lines):
        lines = textwrap.fill(text, WIDTH - 1, subsequent_indent=indent)
    return _BEGINS_MAIL.sub(" From ", lines)


def stacked(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned text of at most 72 columns, long heads in several lines.

    As wide as it must be where a word of a head or a cell is long.
    """
    lines = columns(heads, rows)
    for most in range(max(map(len, heads)) - 1, 0, -1):
        if max(map(len, lines)) <= WIDTH:
            break
        parts = [
            textwrap.wrap(head, most, break_long_words=False, break_on_hyphens=False)
            for head in heads
        ]
        deep = max(map(len, parts))
        first, *more = zip(*([""] * (deep - len(p)) + p for p in parts), strict=True)
        lines = columns(first, [*more, *rows])
    return lines


def link(identity: str, site: str) -> str:
    """The permanent address of a claim on the site at `site`."""
    return f"{site.rstrip('/')}/claims.html#{identity}"


def _named(verdict: Standing) -> Iterator[str]:
    """The strategies that the text names, in the order of the registry.

    *none* is a strategy only where it is a cell by itself.
    """
    claim, finding = verdict.claim, verdict.finding
    cells = [str(cell) for row in finding.table.rows for cell in row]
    prose = [finding.sentence, claim.must, claim.instead, claim.downside]
    words = set(re.findall(r"\w+", " ".join([*prose, *finding.table.columns, *cells])))
    for name in strategies.REGISTRY:
        if name in (words if name != "none" else cells):
            yield name


def definitions(names: Iterable[str]) -> Iterator[str]:
    """Strategies in a few words each, in lines of at most 72 columns."""
    for name in names:
        entry = strategies.REGISTRY[name]
        told = entry.safe or name == strategies.BASELINE or "not safe" in entry.what
        yield wrap(f"{name}: {entry.what}{'' if told else '; not safe'}", "  ")


COUNTS: Final = ("kernel-", "stock-")
"""How the names of studies begin that keep counts of several recordings."""


def _rests_on(verdict: Standing) -> str:
    """The machines of the traces, and other sources than traces."""
    basis, inputs = verdict.claim.basis, verdict.inputs
    parts = []
    if basis in {Basis.TABLES, Basis.TABLES_AND_TRACES}:
        authors = listing([f"{mail}" for mail in verdict.claim.mails])
        parts.append(f"Rests on: published tables, {authors}.")
    elif basis is not Basis.TRACES:
        parts.append(f"Rests on: {basis.what}.")
    if inputs:
        kernels = ", ".join(sorted({item.kernel.split()[0] for item in inputs}))
        machines = ", ".join(sorted({item.machine for item in inputs}))
        cpus = "/".join(map(str, sorted({item.cpus for item in inputs})))
        kept = [name for name in verdict.studies if name.startswith(COUNTS)]
        one = len(inputs) == 1
        others = listing([f"{name}.csv" for name in kept]) if kept else ""
        parts.append(
            f"Hardware: {'a trace' if one else 'traces'} of {kernels} on {machines}, "
            f"{counted(cpus, 'CPU')}; one recording{'' if one else ' each'}, "
            + (f"and the counts of others in {others}." if kept else "no dispersion.")
        )
    return "\n".join(wrap(part) for part in parts)


def cover_letter(verdict: Standing, *, commit: str = "", site: str = "") -> str:
    """A claim that stands, for a cover letter.

    Parameters
    ----------
    commit
        As `clone.commit` gives it.
    site
        Address of the site that shows this very build, if one does.
    """
    claim, finding = verdict.claim, verdict.finding
    rows = [[_cell(value) for value in row] for row in finding.table.rows]
    made_by = f"xpfo-model {clone.version(commit)}, claim {claim.id}"
    traces = [f"{i.short} sha256:{i.sha256[:_DIGITS]}" for i in verdict.inputs]
    parts = [
        wrap(f"XPFO, {claim.basis.how}."),
        wrap(finding.sentence),
        _rests_on(verdict),
        "\n".join(stacked(finding.table.columns, rows)),
        "\n".join(definitions(_named(verdict))),
        "\n".join(
            wrap(line, "  ")
            for line in (
                f"Holds: {claim.must}.",
                f"Fails, as it must, with {claim.instead}.",
                f"Downside: {claim.downside}",
                f"Made by {'; '.join([made_by, *traces])}",
            )
        )
        + f"\n{f'Link: {link(claim.id, site)}' if site else NO_LINK}\n",
    ]
    text = "\n\n".join(part for part in parts if part)
    return text.encode("ascii", "replace").decode()


def _tex(text: str) -> str:
    """Text with the characters escaped that mean something to TeX."""
    return re.sub(r"([#$%&_{}])", r"\\\1", text)


def bibtex(verdict: Standing, *, commit: str = "", site: str = "") -> str:
    """A BibTeX entry for a claim that stands; see `cover_letter`."""
    identity = verdict.claim.id
    fields = {
        "title": f"{{{{{_tex(verdict.finding.sentence)}}}}}",
        "author": "{{The XPFO executable design document authors}}",
        "note": f"{{xpfo-model {clone.version(commit)}, claim {identity}}}",
    }
    if site:
        fields["howpublished"] = f"{{\\url{{{link(identity, site)}}}}}"
    body = ",\n".join(f"  {key} = {value}" for key, value in fields.items())
    return f"@misc{{xpfo-model:{identity},\n{body}\n}}\n"


def as_csv(table: Table) -> str:
    """The data behind a figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()
