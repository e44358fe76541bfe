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
    details,
    diffs,
    directives,
    explorer,
    faults,
    figures,
    hooks,
    pages,
    pictures,
    quotes,
    registry,
    roles,
    steady,
    stepper,
    verdicts,
)
from xpfo_model.sphinxext.domain import ClaimsDomain, keep_apart


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
    app.add_directive("kernel-hook", hooks.HookDirective)
    app.add_directive("faults", faults.FaultsDirective)
    app.add_directive("faults-of", faults.FaultsOfDirective)
    app.add_directive("invariants", faults.InvariantsDirective)
    app.add_directive("strategies", registry.StrategiesDirective)
    app.add_directive("hooks", registry.HooksDirective)
    app.add_directive("strategy-diffs", diffs.DiffsDirective)
    app.add_directive("explorer", explorer.ExplorerDirective)
    app.add_directive("stepper", stepper.StepperDirective)
    app.add_directive("claims-ledger", claims_index.LedgerDirective)
    app.add_directive("mails", quotes.MailsDirective)
    app.add_directive("quote", quotes.QuoteDirective)
    app.add_directive("remarks", faults.RemarksDirective)
    app.add_role("value", roles.ValueRole())
    app.add_role("mail", roles.MailRole())
    app.add_domain(ClaimsDomain)
    app.add_node(claims_index.LedgerNode)
    details.setup(app)
    pictures.setup(app)
    app.connect("builder-inited", verdicts.hear)
    app.connect("builder-inited", figures.add_css)
    app.connect("doctree-read", keep_apart)
    app.connect("env-updated", claims_index.check)
    app.connect("doctree-resolved", claims_index.resolve)
    app.connect("html-page-context", pages.complete, priority=900)
    app.connect("build-finished", verdicts.settle)
    app.connect("build-finished", verdicts.publish)
    app.connect("build-finished", diffs.publish)
    app.connect("build-finished", explorer.publish)
    app.connect("build-finished", stepper.publish)
    app.connect("build-finished", steady.settle)
    return {
        "version": __version__,
        "env_version": 2,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
