# SPDX-License-Identifier: GPL-2.0-only
"""The table of faults, the drawing of each, and the invariants that they violate."""

import html
from functools import cached_property
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model.checker import INVARIANTS, Violation
from xpfo_model.history.faults import FAULTS, Fault
from xpfo_model.sphinxext import figures, verdicts
from xpfo_model.sphinxext.directives import mail_link, show
from xpfo_model.studies import explorations

HEAD = ("Version", "What is wrong", "Reported by", "Days", "Steps", "States", "ms")
WIDTHS = (12, 34, 24, 6, 7, 9, 8)


class FaultsDirective(SphinxDirective):
    """``{faults}``: a row for each fault, and under it the drawings, folded.

    Days are from posting to report; steps and states are the checker's of this
    build, milliseconds those recorded for as many states.
    """

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the table and the drawings."""
        table = nodes.table(classes=["faults"])
        group = nodes.tgroup(cols=len(HEAD))
        group += [nodes.colspec(colwidth=width) for width in WIDTHS]
        group += nodes.thead("", _row([[nodes.Text(word)] for word in HEAD]))
        body = nodes.tbody()
        group += body
        table += group
        out: list[nodes.Node] = [table]
        for fault in FAULTS:
            violation = self._violation(fault)
            body += _row(self._cells(fault, violation))
            out += self._drawing(fault, violation)
        return out

    @cached_property
    def _recorded(self) -> explorations.Recorded:
        return explorations.read(Path(self.env.srcdir))

    def _violation(self, fault: Fault) -> Violation:
        reports = verdicts.record_of(self.env.app).reports
        found = reports[fault.strategy].found if fault.strategy in reports else {}
        if fault.invariant not in found:
            raise self.error(f"{fault.strategy} does not violate {fault.invariant!r}")
        return found[fault.invariant]

    def _cells(self, fault: Fault, violation: Violation) -> list[list[nodes.Node]]:
        timing = self._recorded.timing(fault.strategy, fault.invariant)
        now = (violation.steps, violation.visited)
        if timing is None or (timing.steps, timing.visited) != now:
            raise self.error(
                f"the time to {fault.strategy} {fault.invariant} was recorded of "
                f"another search: run `{explorations.COMMAND}`"
            )
        name = nodes.literal(text=fault.strategy)
        who: nodes.Node = nodes.Text("nobody")
        if fault.mail:
            who = mail_link(fault.mail, fault.who)
        return [
            [nodes.reference("", "", name, refuri=f"#{_anchor(fault)}")],
            [nodes.Text(fault.what)],
            [who],
            [nodes.Text("-" if fault.days is None else str(fault.days))],
            [nodes.Text(str(violation.steps))],
            [nodes.Text(show(violation.visited))],
            [nodes.Text(f"{timing.milliseconds:g}")],
        ]

    def _drawing(self, fault: Fault, violation: Violation) -> list[nodes.Node]:
        name = f"{fault.strategy}-{fault.invariant}"
        alt = f"{fault.strategy} violates {fault.invariant}"
        up = "../" * self.env.docname.count("/")
        steps = "".join(f"<li>{html.escape(line)}</li>" for line in violation.trace)
        told = (
            f"<p>Posted on {fault.posted}, not reported: {html.escape(fault.why)}.</p>"
        )
        if fault.mail:
            told = (
                f"<p>Posted on {fault.posted}, reported on {fault.reported} by "
                f'{html.escape(fault.who)}: <a class="mail reference external" '
                f'href="{html.escape(fault.mail.link)}">{fault.mail}</a>.</p>'
            )
        # a link to what is folded unfolds it, so the anchor is inside
        text = (
            f'<details class="fault"><summary><code>{fault.strategy}</code>: '
            f'{html.escape(fault.what)}</summary><span id="{_anchor(fault)}"></span>'
            f"{figures.figure(self.env.app, name, alt, up, folded=True)}<ol>{steps}</ol>"
            f"<p>Violated: {html.escape(INVARIANTS[fault.invariant])}</p>{told}"
            f"</details>"
        )
        return [nodes.raw("", text, format="html")]


class FaultsOfDirective(SphinxDirective):
    """``{faults-of} STRATEGY``: what the table says of one version, a line each."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        listing = nodes.bullet_list()
        for fault in FAULTS:
            if fault.strategy != self.arguments[0]:
                continue
            said: list[nodes.Node] = [nodes.Text(": nobody reported it")]
            if fault.mail:
                said = [
                    nodes.Text(f": after {_days(fault)}, "),
                    mail_link(fault.mail, fault.who),
                ]
            listing += nodes.list_item(
                "", nodes.paragraph("", "", nodes.strong(text=fault.what), *said)
            )
        if not listing.children:
            raise self.error(f"no fault of {self.arguments[0]!r} is in the table")
        return [listing]


def _days(fault: Fault) -> str:
    return "a day" if fault.days == 1 else f"{fault.days} days"


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


def _anchor(fault: Fault) -> str:
    return f"fault-{fault.strategy}-{fault.invariant}"


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", *cell))
    return row
