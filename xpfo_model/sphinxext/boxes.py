# SPDX-License-Identifier: GPL-2.0-only
"""A claim on a page: its sentence, its figure, a line of proof, the rest folded."""

from typing import Final

from docutils import nodes
from sphinx.environment import BuildEnvironment

from xpfo_model.claims import cite
from xpfo_model.claims.verdict import Standing
from xpfo_model.sphinxext.details import details
from xpfo_model.sphinxext.pictures import picture
from xpfo_model.sphinxext.roles import mail_link

SUMMARY: Final = "Downside, sources, data, and how to cite it"
FILES: Final = {
    "csv": "data",
    "svg": "SVG",
    "png": "PNG",
    "txt": "cover letter",
    "bib": "BibTeX",
    "json": "JSON",
    "py.txt": "source",
}
"""The files of a claim, by suffix, and the texts of the links to them."""


def box(env: BuildEnvironment, verdict: Standing) -> nodes.Node:
    """A claim that stands, as nodes."""
    identity = verdict.claim.id
    up = "../" * env.docname.count("/")
    sentence = nodes.paragraph("", "", nodes.strong(text=verdict.finding.sentence))
    sentence["classes"] = ["sentence"]
    folded = details(
        SUMMARY,
        _proof(verdict),
        _files(verdict, up),
        letter(env, verdict),
        classes=["proof"],
    )
    return nodes.container(
        "",
        sentence,
        picture(identity, f"{verdict.finding.chart.title}."),
        _basis(verdict),
        folded,
        classes=["claim"],
        ids=[identity],
    )


def letter(env: BuildEnvironment, verdict: Standing) -> nodes.Node:
    """The text for a cover letter."""
    config = env.config
    text = cite.cover_letter(
        verdict, commit=config.xpfo_commit, site=config.xpfo_site_url
    )
    return nodes.literal_block(text, text, language="text", classes=["letter"])


def _basis(verdict: Standing) -> nodes.Node:
    """The line under the figure: the evidence, and the finding that would refute it."""
    claim = verdict.claim
    traces = ", ".join(facts.short for facts in verdict.inputs)
    evidence = f"{claim.basis.what}: {traces}" if traces else claim.basis.what
    return nodes.paragraph(
        "",
        "",
        nodes.strong(text="Rests on"),
        nodes.Text(f" {evidence}. "),
        nodes.strong(text="Refuted unless"),
        nodes.Text(f" {claim.must}."),
        classes=["basis"],
    )


def _proof(verdict: Standing) -> nodes.Node:
    claim = verdict.claim
    listing = nodes.bullet_list()
    for head, text in (
        ("Downside: ", claim.downside),
        (f"With {claim.instead} it fails, as it must: ", verdict.counter.sentence),
    ):
        line = nodes.paragraph("", "", nodes.strong(text=head), nodes.Text(text))
        listing += nodes.list_item("", line)
    if claim.mails:
        line = nodes.paragraph("", "", nodes.strong(text="Mails: "))
        for number, mail in enumerate(claim.mails):
            if number:
                line += nodes.Text("; ")
            line += mail_link(mail)
        listing += nodes.list_item("", line)
    return listing


def _files(verdict: Standing, up: str) -> nodes.Node:
    claim = verdict.claim
    line = nodes.paragraph(classes=["provenance"])
    line += nodes.literal(text=claim.id)
    line += nodes.Text(" is computed by ")
    line += nodes.literal(text=f"{claim.find.__module__}.{claim.find.__name__}")
    if verdict.inputs:
        digests = ", ".join(f"{i.short} {i.sha256[:12]}" for i in verdict.inputs)
        line += nodes.Text(f" from {digests}")
    for number, (suffix, text) in enumerate(FILES.items()):
        line += nodes.Text(" · " if number else ": ")
        target = f"{up}claims/{claim.id}.{suffix}"
        line += nodes.reference("", text, refuri=target)
    return line
