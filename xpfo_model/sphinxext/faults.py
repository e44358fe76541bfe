# SPDX-License-Identifier: GPL-2.0-only
"""The tables of faults, the drawing of each, and the invariants that they violate."""

import re
from typing import ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives as options
from sphinx.util.docutils import SphinxDirective

from xpfo_model.checker import INVARIANTS, Violation
from xpfo_model.history.faults import FAULTS, POSTED, READ, REMARKS, Fault
from xpfo_model.sphinxext import verdicts
from xpfo_model.sphinxext.details import details
from xpfo_model.sphinxext.pictures import picture
from xpfo_model.sphinxext.roles import mail_link

NOT_FOUND: Final = "not found in the stored list mail"
_TABLES: Final = {
    "posted": (POSTED, ("Version", "What is wrong", "First said by", "Steps")),
    "reading": (READ, ("Strategy", "What is wrong", "The sentence", "Steps")),
}


class FaultsDirective(SphinxDirective):
    """``{faults} posted`` or ``reading``: a row for each fault, its drawing folded.

    Steps are those of the checker in this build.
    """

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the table and the drawings."""
        which = options.choice(self.arguments[0], tuple(_TABLES))
        faults, head = _TABLES[which]
        rows = []
        drawings: list[nodes.Node] = []
        for fault in faults:
            violation = self._violation(fault)
            rows.append(_cells(fault, violation))
            drawings.append(_drawing(fault, violation))
        return [_table(head, (14, 42, 34, 8), rows), *drawings]

    def _violation(self, fault: Fault) -> Violation:
        reports = verdicts.record_of(self.env.app).reports
        found = reports[fault.strategy].found if fault.strategy in reports else {}
        if fault.invariant not in found:
            raise self.error(f"{fault.strategy} does not violate {fault.invariant!r}")
        return found[fault.invariant]


class FaultsOfDirective(SphinxDirective):
    """``{faults-of} STRATEGY``: what the tables say of one version, a line each."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        listing = nodes.bullet_list()
        for fault in FAULTS:
            if fault.strategy != self.arguments[0]:
                continue
            said: list[nodes.Node] = [nodes.Text(f": {NOT_FOUND}.")]
            if fault.first:
                said = [
                    nodes.Text(": first said by "),
                    mail_link(fault.first),
                    nodes.Text("."),
                ]
            if fault.why:
                said.append(nodes.Text(f" {sentence(fault.why)}"))
            listing += nodes.list_item(
                "", nodes.paragraph("", "", nodes.strong(text=fault.what), *said)
            )
        if not listing.children:
            raise self.error(f"no fault of {self.arguments[0]!r} is in the table")
        return [listing]


class RemarksDirective(SphinxDirective):
    """``{remarks}``: what was reported and is beyond the model."""

    has_content = False
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        head = ("Version", "What is wrong", "First said by", "Why the model has it not")
        rows: list[list[nodes.Node]] = [
            [
                nodes.Text(remark.version),
                nodes.Text(remark.what),
                mail_link(remark.first),
                nodes.Text(remark.why_not),
            ]
            for remark in REMARKS
        ]
        return [_table(head, (14, 34, 26, 26), rows)]


class InvariantsDirective(SphinxDirective):
    """``{invariants}``: the name of each, and what must never be."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        listing = nodes.definition_list()
        for name, text in INVARIANTS.items():
            term = nodes.term("", "", nodes.literal(text=name))
            meaning = nodes.definition("", nodes.paragraph(text=text))
            listing += nodes.definition_list_item("", term, meaning)
        return [listing]


def _cells(fault: Fault, violation: Violation) -> list[nodes.Node]:
    name = nodes.literal(text=fault.strategy)
    source: nodes.Node = nodes.Text(NOT_FOUND)
    if fault in READ:
        source = mail_link(fault.source)
    elif fault.first:
        source = mail_link(fault.first)
    return [
        nodes.reference("", "", name, refuri=f"#{_anchor(fault)}"),
        nodes.Text(fault.what),
        source,
        nodes.Text(str(violation.steps)),
    ]


def _drawing(fault: Fault, violation: Violation) -> nodes.Node:
    steps = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".")
    for line in violation.trace:
        steps += nodes.list_item("", nodes.paragraph(text=line))
    why = f" {sentence(fault.why)}" if fault.why else ""
    return details(
        f"{fault.strategy}: {fault.what}",
        picture(
            f"{fault.strategy}-{fault.invariant}",
            f"{fault.strategy} violates {fault.invariant}; the steps follow as text.",
        ),
        steps,
        nodes.paragraph(text=f"Violated: {INVARIANTS[fault.invariant]}{why}"),
        classes=["fault"],
        ids=[_anchor(fault)],
    )


def sentence(text: str) -> str:
    """A text with a full stop, and a capital unless a name of the kernel begins it."""
    first = text.split(maxsplit=1)[0]
    is_name = re.search(r"[_()\d]", first)
    return f"{text if is_name else text[0].upper() + text[1:]}."


def _anchor(fault: Fault) -> str:
    return f"fault-{fault.strategy}-{fault.invariant}"


def _table(
    head: tuple[str, ...], widths: tuple[int, ...], rows: list[list[nodes.Node]]
) -> nodes.table:
    table = nodes.table(classes=["faults"])
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row([nodes.Text(word) for word in head]))
    group += nodes.tbody("", *map(_row, rows))
    table += group
    return table


def _row(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", cell))
    return row
