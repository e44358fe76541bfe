# SPDX-License-Identifier: GPL-2.0-only
"""The directives of the pages: claims, their tables, letters and counterexamples."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model import strategies
from xpfo_model.claims.verdict import Standing
from xpfo_model.sphinxext import boxes, verdicts
from xpfo_model.sphinxext.domain import claims_of
from xpfo_model.sphinxext.pictures import picture
from xpfo_model.sphinxext.tables import table_of


class _OfClaim(SphinxDirective):
    """A directive whose first argument is the id of a claim."""

    required_arguments = 1
    has_content = False

    def verdict(self) -> Standing:
        """The verdict on the claim. Raises for an id that is not in the registry."""
        found = verdicts.record_of(self.env.app).verdicts
        if self.arguments[0] not in found:
            raise self.error(f"no claim {self.arguments[0]!r} in the registry")
        return found[self.arguments[0]]


class ClaimDirective(_OfClaim):
    """``{claim} ID``: a claim with its figure, its proof and its files."""

    def run(self) -> list[nodes.Node]:
        """Build the claim's nodes, and note that this page shows it."""
        verdict = self.verdict()
        sentence = verdict.finding.sentence
        claims_of(self.env).place(verdict.claim.id, self.env.docname, sentence)
        return [boxes.box(self.env, verdict)]


class CoverLetterDirective(_OfClaim):
    """``{cover-letter} ID``: what a patch's cover letter can cite of a claim."""

    def run(self) -> list[nodes.Node]:
        """Build the text."""
        return [boxes.letter(self.env, self.verdict())]


class ClaimTableDirective(_OfClaim):
    """``{claim-table} ID [NAME]``: a claim's table, or the one of its `more`."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        finding = self.verdict().finding
        identity, *names = self.arguments
        code = {*strategies.REGISTRY, *verdicts.record_of(self.env.app).outcomes}
        if not names:
            return [table_of(finding.table, code)]
        if names[0] not in finding.more:
            raise self.error(
                f"claim {identity!r} has no table {names[0]!r}, but "
                f"{', '.join(finding.more) or 'none'}"
            )
        return [table_of(finding.more[names[0]], code)]


class CounterexampleDirective(SphinxDirective):
    """``{counterexample} STRATEGY INVARIANT``: the shortest way, drawn and told."""

    required_arguments = 2
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the drawing and, for those who cannot see it, its text."""
        strategy, invariant = self.arguments
        reports = verdicts.record_of(self.env.app).reports
        found = reports[strategy].found if strategy in reports else {}
        if invariant not in found:
            raise self.error(f"{strategy} does not violate {invariant!r}")
        told = "; ".join(found[invariant].trace)
        alt = f"{strategy} violates {invariant}: {told}."
        return [picture(f"{strategy}-{invariant}", alt)]
