# SPDX-License-Identifier: GPL-2.0-only
"""The strategies and their hooks as tables of a page."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model import strategies
from xpfo_model.claims.claim import Table
from xpfo_model.sphinxext.tables import table_of


class StrategiesDirective(SphinxDirective):
    """``{strategies}``: every strategy of the registry in a line."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        rows = tuple((name, entry.what) for name, entry in strategies.REGISTRY.items())
        table = Table(("strategy", "in a line"), rows)
        return [table_of(table, strategies.REGISTRY)]


class HooksDirective(SphinxDirective):
    """``{hooks}``: the functions of a strategy and the kernel's places for them."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        rows = tuple(strategies.HOOKS.items())
        return [table_of(Table(("hook", "called from"), rows), strategies.HOOKS)]
