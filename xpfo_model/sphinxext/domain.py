# SPDX-License-Identifier: GPL-2.0-only
"""Claims as objects that the search finds and that other documents can refer to."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


class ClaimsDomain(Domain):
    """Every claim by its id, with the pages that show it."""

    name = "xpfo"
    label = "XPFO"
    object_types: ClassVar[dict[str, ObjType]] = {"claim": ObjType("claim")}
    initial_data: ClassVar[dict[str, Any]] = {"pages": {}, "ledger": ""}
    data_version = 1

    @property
    def pages(self) -> dict[str, dict[str, str]]:
        """The sentences of the claims that a page shows, by page and by id."""
        found: dict[str, dict[str, str]] = self.data["pages"]
        return found

    @property
    def homes(self) -> dict[str, str]:
        """The page of each claim by id; the front page only where no other shows it."""
        front = self.env.config.root_doc
        order = sorted(self.pages, key=lambda page: (page != front, page))
        return {identity: page for page in order for identity in self.pages[page]}

    def place(self, identity: str, docname: str, sentence: str) -> None:
        """Note that a page shows a claim."""
        self.pages.setdefault(docname, {})[identity] = sentence

    def clear_doc(self, docname: str) -> None:
        """Forget a page that is read again."""
        self.pages.pop(docname, None)

    def merge_domaindata(
        self, docnames: AbstractSet[str], otherdata: dict[str, Any]
    ) -> None:
        """Take over what a parallel reader noted."""
        for docname in docnames & otherdata["pages"].keys():
            self.pages[docname] = otherdata["pages"][docname]

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        """Every claim, for the search and for objects.inv."""
        for identity, page in sorted(self.homes.items()):
            sentence = self.pages[page][identity]
            yield identity, sentence, "claim", page, identity, 1


def keep_apart(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of a heading that has the anchor of a claim on its page."""
    shown = claims_of(app.env).pages.get(app.env.docname, {})
    for section in doctree.findall(nodes.section):
        for anchor in {*section["ids"], section.get("slug")} & shown.keys():
            logger.warning(
                "the heading has the anchor of the claim %s: word it otherwise",
                anchor,
                location=section,
            )


def claims_of(env: BuildEnvironment) -> ClaimsDomain:
    """The domain in an environment."""
    domain = env.get_domain(ClaimsDomain.name)
    assert isinstance(domain, ClaimsDomain)
    return domain
