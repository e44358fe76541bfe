# SPDX-License-Identifier: GPL-2.0-only
"""The project's Sphinx extension: claims, values and the ledger.

Claims are evaluated once per state of the model, before a page is read. If one
does not stand the build stops there and names it, so that not even a second run
of a cached build can pass.
"""

from typing import Any

from sphinx.application import Sphinx

from xpfo_model import __version__
from xpfo_model.sphinxext import (
    claims_index,
    diffs,
    directives,
    faults,
    figures,
    quotes,
    verdicts,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("xpfo_digest", "", "env", str)
    app.add_config_value("xpfo_traces", "traces", "env", str)
    app.add_config_value("xpfo_commit", "", "html", str)
    app.add_config_value("xpfo_site_url", "", "html", str)
    app.add_directive("claim", directives.ClaimDirective)
    app.add_directive("claim-table", directives.ClaimTableDirective)
    app.add_directive("cover-letter", directives.CoverLetterDirective)
    app.add_directive("counterexample", directives.CounterexampleDirective)
    app.add_directive("faults", faults.FaultsDirective)
    app.add_directive("faults-of", faults.FaultsOfDirective)
    app.add_directive("remarks", faults.RemarksDirective)
    app.add_directive("quote", quotes.QuoteDirective)
    app.add_directive("mails", quotes.MailsDirective)
    app.add_directive("invariants", faults.InvariantsDirective)
    app.add_directive("strategy-diffs", diffs.DiffsDirective)
    app.add_directive("claims-ledger", claims_index.LedgerDirective)
    app.add_role("value", directives.ValueRole())
    app.add_role("mail", directives.MailRole())
    app.add_node(claims_index.LedgerNode)
    app.connect("builder-inited", verdicts.hear)
    app.connect("builder-inited", figures.add_css)
    app.connect("env-purge-doc", claims_index.purge)
    app.connect("env-merge-info", claims_index.merge)
    app.connect("env-updated", claims_index.check)
    app.connect("doctree-resolved", claims_index.resolve)
    app.connect("build-finished", verdicts.settle)
    app.connect("build-finished", verdicts.publish)
    return {
        "version": __version__,
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
