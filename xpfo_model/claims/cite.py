# SPDX-License-Identifier: GPL-2.0-only
"""Text that leaves the site: for a cover letter, a bibliography, a spreadsheet.

A cover letter is plain ASCII of at most 72 columns, says *model* in its first
line, names the machines, and ends with a link.
"""

import csv
import io
import textwrap
from typing import Final

from xpfo_model import __version__
from xpfo_model.claims.claim import Table, Verdict
from xpfo_model.replay.table import WIDTH, columns

FIRST_LINE: Final = "XPFO flushes, counted by a model over recorded kernel traces."
WITHOUT_TRACE: Final = "XPFO, computed by a model from {basis}."
UNPUBLISHED: Final = "(unpublished build)"


def _cell(value: str | float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if isinstance(value, float) else value


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent)


def link(identity: str, site: str) -> str:
    """The permanent address of a claim on the site at `site`."""
    return f"{site.rstrip('/')}/claims.html#{identity}" if site else UNPUBLISHED


def cover_letter(verdict: Verdict, *, commit: str = "", site: str = "") -> str:
    """A claim for a cover letter: sentence, machines, table, downside, link."""
    claim, finding = verdict.claim, verdict.finding
    rows = [[_cell(value) for value in row] for row in finding.table.rows]
    machines = sorted({item.machine for item in verdict.inputs})
    kernels = sorted({item.kernel.split()[0] for item in verdict.inputs})
    cpus = sorted({item.cpus for item in verdict.inputs})
    if verdict.inputs:
        hardware = (
            f"traces of {', '.join(kernels)} on {', '.join(machines)}, "
            f"{'/'.join(map(str, cpus))} CPUs; one recording each, no dispersion."
        )
    else:
        hardware = f"no trace; {claim.basis}, see the claim's page."
    made_by = f"xpfo-model {__version__}" + (
        f", commit {commit[:12]}" if commit else ""
    )
    inputs = ", ".join(f"{i.short} {i.sha256[:12]}" for i in verdict.inputs)
    parts = [
        _wrap(
            FIRST_LINE if verdict.inputs else WITHOUT_TRACE.format(basis=claim.basis)
        ),
        _wrap(finding.sentence),
        _wrap(f"Hardware: {hardware}"),
        "\n".join(columns(finding.table.columns, rows)),
        "\n".join(
            (
                _wrap(f"Holds: {claim.must}.", "  "),
                _wrap(f"Fails, as it must, with {claim.instead}.", "  "),
                _wrap(f"Downside: {claim.downside}", "  "),
                _wrap(f"Made by {made_by}" + (f"; {inputs}" if inputs else ""), "  "),
            )
        ),
    ]
    text = "\n\n".join(parts) + f"\nLink: {link(claim.id, site)}\n"
    return text.encode("ascii", "replace").decode()


def bibtex(verdict: Verdict, *, commit: str = "", site: str = "") -> str:
    """A BibTeX entry for a claim."""
    fields = {
        "title": f"{{{verdict.finding.sentence}}}",
        "author": "{{The XPFO executable design document authors}}",
        "howpublished": f"{{\\url{{{link(verdict.claim.id, site)}}}}}",
        "note": f"{{xpfo-model {__version__}"
        + (f", commit {commit[:12]}" if commit else "")
        + "}",
    }
    body = ",\n".join(
        f"  {key} = {value.replace('%', chr(92) + '%').replace('_', chr(92) + '_')}"
        if key == "title"
        else f"  {key} = {value}"
        for key, value in fields.items()
    )
    return f"@misc{{xpfo-model:{verdict.claim.id},\n{body}\n}}\n"


def as_csv(table: Table) -> str:
    """The data behind a figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()
