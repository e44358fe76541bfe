# SPDX-License-Identifier: GPL-2.0-only
"""The stepper: runs on the checker's tiny machine, one action at a time.

The runs are played by the checker's own functions as the site is built; the script of
the page only shows them. They are a file beside it, with the text of each hook.
"""

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xpfo_model import clone, strategies
from xpfo_model.checker import INVARIANTS
from xpfo_model.claims.runs import LETTERS
from xpfo_model.sphinxext import verdicts
from xpfo_model.sphinxext.pictures import picture

FOLDER: Final = "explorer"
SCRIPT: Final = "stepper.js"


def texts(names: Iterable[str], repository: str, commit: str) -> dict[str, Any]:
    """The functions of strategies: their text once, and which hook is which.

    Each has its file and line, and a link where the repository is known.
    """
    found: dict[str, dict[str, Any]] = {}
    hooks: dict[str, dict[str, str]] = {}
    for strategy in names:
        for hook, function in strategies.functions(strategy).items():
            key = f"{function.__module__}.{function.__qualname__}"
            hooks.setdefault(strategy, {})[hook] = key
            if key in found:
                continue
            lines, first = inspect.getsourcelines(function)
            path = f"{function.__module__.replace('.', '/')}.py"
            found[key] = {"text": "".join(lines), "at": f"{path}:{first}"}
            if repository and commit:
                where = f"blob/{commit}/{path}#L{first}"
                found[key]["link"] = f"{repository.rstrip('/')}/{where}"
    return {"functions": found, "hooks": hooks}


class StepperDirective(SphinxDirective):
    """``{stepper} STRATEGY INVARIANT``: the run that is shown first, and any other."""

    required_arguments = 2
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the place of the stepper, and a note for who has no script."""
        strategy = directives.choice(self.arguments[0], tuple(strategies.REGISTRY))
        name = self.arguments[1]
        reports = verdicts.record_of(self.env.app).reports
        found = reports[strategy].found if strategy in reports else {}
        if name not in found:
            raise self.error(f"{strategy} does not violate {name!r}")
        up = "../" * self.env.docname.count("/")
        place = (
            f'<div id="stepper-live" class="stepper" hidden data-strategy="{strategy}" '
            f'data-run="{name}"></div>'
            f'<script defer src="{up}{FOLDER}/steps.js"></script>'
            f'<script defer src="{up}_static/{SCRIPT}"></script>'
        )
        note = nodes.paragraph(classes=["without-script"])
        note += nodes.Text(
            f"Without scripting this page shows one run, how {strategy} violates "
            f"{name}, as a sequence:"
        )
        told = "; ".join(found[name].trace)
        alt = f"{strategy} violates {name}: {told}."
        first = nodes.container("", picture(f"{strategy}-{name}", alt))
        first["classes"] = ["stepper-first"]
        return [nodes.raw("", place, format="html"), note, first]


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Write ``explorer/steps.js``."""
    known = verdicts.record_of(app).runs if exception is None else []
    if app.builder.format != "html" or not known:
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    commit = app.config.xpfo_commit
    names = dict.fromkeys([one["strategy"] for one in known] + [strategies.RECOMMENDED])
    whole = {
        "runs": known,
        "invariants": INVARIANTS,
        "safe": strategies.RECOMMENDED,
        "places": {letter: place for place, letter in LETTERS.items()},
        "about": clone.version(commit),
        **texts(names, app.config.html_context.get("xpfo_repository", ""), commit),
    }
    text = json.dumps(whole, separators=(",", ":"))
    (folder / "steps.js").write_text(
        f"globalThis.xpfoSteps={text};\n", encoding="utf-8"
    )
