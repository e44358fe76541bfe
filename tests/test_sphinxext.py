# SPDX-License-Identifier: GPL-2.0-only
import html
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from docutils import nodes
from logs import USER_MOVABLE, alloc, log_of

from xpfo_model import strategies, traces
from xpfo_model.sphinxext import boxes, diffs, domain, pages, pictures

CONF = """
import sys
sys.path[:0] = {paths!r}
import made_up

extensions = ["myst_parser", "xpfo_model.sphinxext"]
xpfo_digest = {digest!r}
myst_heading_anchors = 3
"""
MADE_UP = """
from xpfo_model.claims import claim as c
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.history.mails import HANSEN_2019_02_14
c.REGISTRY.clear()

@c.claim("one-flush", must="so", instead="otherwise", change={{"wanted": {counter}}},
         downside="None.", mails=(HANSEN_2019_02_14,))
def find(evidence, wanted=None):
    "Doc."
    wanted = {wanted} if wanted is None else wanted
    flushes = evidence.counts("tiny", "v6").flushes
    return c.Finding(flushes == wanted, f"There are {{flushes}} flushes.",
        {{"flushes": flushes, "big": 1234567, "share": 12.34, "word": "so"}},
        c.Table(("flushes",), ((flushes,),)),
        Dots("one", [("tiny", [Dot("v6", flushes, str(flushes))])], "flushes"),
        {{"wide": c.Table(("of", "tiny"), (("v6", 1234), ("`v6`, twice", "0.5%")))}})
"""
PAGE = """# Page

{value}`one-flush:flushes` of {value}`one-flush:big`, {value}`one-flush:share`,
{value}`one-flush:share|.2f` and {value}`tiny:strategies.v6.flushes`; it is
{value}`one-flush:word`. {mail}`20170921013712.lznwkkmdmp64vaiq@docker`
{mail}`the mail <20170921013712.lznwkkmdmp64vaiq@docker>`

```{claim} one-flush
```

```{claims-ledger}
```

```{cover-letter} one-flush
```

```{claim-table} one-flush
```

```{claim-table} one-flush wide
```

```{faults-of} v6
```

```{invariants}
```

```{quote} HANSEN_2017_09_20_1621
Then remap the entire list at once
```

```{mails}
```

```{remarks}
```

```{strategy-diffs} v6 per_frame
```
"""


class Project:
    """A Sphinx project of one page, one claim and one trace of one event."""

    def __init__(self, root):
        self.root = root
        self.docs = root / "docs"
        (self.docs / "traces").mkdir(parents=True)
        log = log_of([alloc(0, USER_MOVABLE)], "tiny")
        traces.save(log, self.docs / "traces" / "tiny.npz")
        facts = {
            "short": "tiny",
            "title": "tiny",
            "memory": "4 KiB",
            "kernel": "6.1 (made up)",
            "machine": "none",
            "command_line": "",
            "workload": "",
            "workload_title": "",
            "date": "2026",
            "sha256": "0" * 64,
            "events": "one",
            "removed": "nothing",
        }
        text = "".join(f'{key} = "{value}"\n' for key, value in facts.items())
        (self.docs / "traces" / "tiny.toml").write_text(text + "cpus = 4\n")
        self.page(PAGE)
        self.conf()

    def page(self, text):
        (self.docs / "index.md").write_text(text)

    def conf(self, wanted=1, counter=2, digest="aaaa"):
        paths = [str(self.root), *(path for path in sys.path if path)]
        text = CONF.format(paths=paths, digest=digest)
        (self.root / "conf.py").write_text(text)
        text = MADE_UP.format(wanted=wanted, counter=counter)
        (self.root / "made_up.py").write_text(text)

    def build(self, builder="html"):
        out = self.root / "_build" / builder
        done = subprocess.run(
            [
                *(sys.executable, "-m", "sphinx", "-c", ".", "-W", "--keep-going"),
                *("-b", builder, "docs", str(out), "-d", "_build/doctrees"),
            ],
            cwd=self.root,
            env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, out


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_a_claim_that_stands_is_published_under_its_name(project):
    status, said, out = project.build()
    assert status == 0, said
    page = (out / "index.html").read_text()
    text = html.unescape(page)
    assert "There are 1 flushes." in text
    link = 'href="https://lore.kernel.org/r/20170921013712.lznwkkmdmp64vaiq@docker"'
    said = ">Tycho Andersen, 20 September 2017, 19:37</a>"
    for shown in ("1,234,567", "12.3", "12.34", link, said, ">the mail</a>"):
        assert shown in text
    for kind in ("wide", "narrow"):
        drawn = re.search(
            rf'<svg [^>]*width="\d+" height="\d+"[^>]* class="chart {kind}" '
            r'role="img" aria-label="one\."',
            page,
        )
        assert drawn, kind
    assert "figures.css" in page
    assert text.count("Holds: so.") == 2, "in the claim's box, and by itself"
    # the box, the ledger, the letter twice, and the counterfactual, which reads alike
    assert text.count("There are 1 flushes.") == 5
    assert '<details class="proof"><summary>Downside' in text.replace("\n", "")
    assert '<code class="docutils literal notranslate">' in page
    assert "handed-out-unmapped" in text
    assert "allocation clears no PTE</strong>: first said by <a" in page
    assert "Then remap the entire list at once" in text
    assert "Brendan Jackman, 26 July 2026</a>, its text not seen" in text
    assert 'class="claim-table docutils' in page
    assert '<td class="text-right"><p>0.5%</p></td>' in page
    for suffix in ("svg", "png", "csv", "txt", "bib", "json", "py.txt"):
        assert (out / "claims" / f"one-flush.{suffix}").stat().st_size > 0
    for kind in ("dark", "narrow", "narrow-dark"):
        assert (out / "claims" / f"one-flush-{kind}.svg").exists()
    assert "--c-v6:" in (out / "_static" / "figures.css").read_text()
    listed = json.loads((out / "claims.json").read_text())["claims"]
    assert [item["id"] for item in listed] == ["one-flush"]
    assert listed[0]["inputs"] == {"tiny": "0" * 64}
    status, said, _ = project.build()
    assert status == 0
    assert "claim one-flush" not in said, "an unchanged tree hears nothing again"


def test_a_claim_that_fails_stops_this_build_and_the_next(project):
    project.conf(wanted=7)
    for _ in range(2):
        status, said, _ = project.build()
        assert status == 1
        assert "claim one-flush does not hold" in said
        assert "Traceback" not in said
        assert "sphinx-doc" not in said, "Sphinx asks for no report"


def test_a_claim_that_cannot_be_computed_is_named(project):
    project.conf(wanted="1 / 0")
    status, said, _ = project.build()
    assert status != 0
    assert "claim one-flush cannot be computed: ZeroDivisionError" in said


def test_one_cause_that_stops_many_claims_is_said_once(project):
    (project.docs / "traces" / "tiny.toml").unlink()
    made_up = project.root / "made_up.py"
    again = """
@c.claim("two-flushes", must="so", instead="otherwise", change={"of": "v9"},
         downside="None.", mails=("a@b",))
def again(evidence, of="v6"):
    "Doc."
    return evidence.counts("tiny", of)
"""
    made_up.write_text(made_up.read_text() + again)
    status, said, _ = project.build()
    assert status != 0
    assert said.count("a trace without provenance") == 1
    assert "claims one-flush, two-flushes cannot be computed: TraceError" in said


def test_a_claim_that_says_nothing_stops_the_build(project):
    project.conf(counter=1)
    status, said, _ = project.build()
    assert status != 0
    assert "claim one-flush says nothing" in said
    assert "otherwise" in said


def test_a_claim_that_stood_is_heard_again_when_the_digest_changes(project):
    assert project.build()[0] == 0
    project.conf(wanted=7, digest="bbbb")
    status, said, _ = project.build()
    assert status != 0
    assert "one-flush does not hold" in said


WRONG = {
    "{value}`one-flush:nothing`": "no value 'one-flush:nothing'",
    "{mail}`x@y`": "no mail 'x@y'",
    "```{claim} two\n```": "no claim 'two' in the registry",
    "```{cover-letter} two\n```": "no claim 'two' in the registry",
    "```{claim-table} two\n```": "no claim 'two' in the registry",
    "```{claim-table} one-flush narrow\n```": "claim 'one-flush' has no table "
    "'narrow', but wide",
    "```{faults} posted\n```": "v3 does not violate 'no-stale-translation'",
    "```{counterexample} v5 x\n```": "v5 does not violate 'x'",
    "```{quote} X\nWords.\n```\n": "no mail 'X'",
    "```{quote} JACKMAN_2026_07_26\nWords.\n```\n": "Brendan Jackman, 26 July 2026 was "
    "not read, and cannot be quoted",
    "```{faults-of} none\n```": "no fault of 'none' is in the table",
}
"""Markup that asks for what is not there, and the complaint."""


def test_a_page_that_asks_for_what_is_not_there_stops_the_build(project):
    project.page("# Page\n")
    expected = {"": "claim one-flush is on no page"}
    for number, (markup, complaint) in enumerate(WRONG.items()):
        page = f"---\norphan: true\n---\n\n# Page\n\n{markup}\n"
        (project.docs / f"wrong{number}.md").write_text(page)
        expected[f"wrong{number}.md"] = complaint
    status, said, _ = project.build()
    assert status != 0
    lines = [line for line in said.splitlines() if re.search("WARNING:|ERROR:", line)]
    for page, complaint in expected.items():
        (found,) = [line for line in lines if page in line and complaint in line]
        lines.remove(found)
    assert not lines


def test_every_builder_has_what_html_folds(project):
    assert project.build()[0] == 0
    for builder, name in (("text", "index.txt"), ("latex", "*.tex")):
        status, said, out = project.build(builder)
        assert status == 0, said
        (path,) = out.glob(name)
        text = " ".join(path.read_text().replace("\\sphinxhyphen{}", "-").split())
        for wanted in (
            boxes.SUMMARY,
            "XPFO, counted by a model",
            "Downside: ",
            "None.",
        ):
            assert wanted in text, builder
    assert (
        "[Figure one-flush: one.]"
        in (project.root / "_build" / "text" / "index.txt").read_text()
    )
    assert "sphinxincludegraphics{{one-flush}.png}" in text.replace(" ", "")
    assert (project.root / "_build" / "latex" / "one-flush.png").exists()


def test_the_page_of_diffs_holds_one_and_the_others_are_beside_it(project):
    status, said, out = project.build()
    assert status == 0, said
    page = (out / "index.html").read_text()
    assert page.count("v6 → per_frame") == 1
    assert "Without scripting" in page
    script = (out / "diffs" / "v6.js").read_text()
    name, texts = re.fullmatch(r'xpfoDiffs\("(\w+)", (.*)\);\n', script).groups()
    assert name == "v6"
    found = json.loads(texts)
    assert set(found) == set(strategies.REGISTRY) - {"v6"}
    assert found["per_frame"] == strategies.diff("v6", "per_frame")
    assert {path.stem for path in (out / diffs.FOLDER).iterdir()} == set(
        strategies.REGISTRY
    )


def test_the_search_and_other_documents_know_the_claims(project):
    from sphinx.util.inventory import InventoryFile

    status, said, out = project.build()
    assert status == 0, said
    with (out / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", str.__add__)
    found = inventory["xpfo:claim"]["one-flush"]
    assert found.uri == "index.html#one-flush"
    assert found.display_name == "There are 1 flushes."


def test_a_heading_with_the_anchor_of_a_claim_stops_the_build(project):
    project.page(PAGE + "\n## One flush\n")
    status, said, _ = project.build()
    assert status != 0
    assert "the heading has the anchor of the claim one-flush" in said


@pytest.mark.parametrize(
    ("svg", "size"),
    [
        ('<?xml?><svg width="460.8pt" height="100pt" viewBox="0 0 1 1">', (614, 133)),
        ('<svg xmlns="x"\n height="20px" width="10">', (10, 20)),
    ],
)
def test_the_size_of_a_figure_is_in_pixels(svg, size):
    assert pictures.size(svg) == size


@pytest.mark.parametrize("svg", ["<p>", '<svg width="1em" height="1">', "<svg>"])
def test_a_figure_without_a_size_is_refused(svg):
    with pytest.raises(ValueError, match="an SVG without a"):
        pictures.size(svg)


def test_a_page_is_described_by_its_first_paragraph_and_has_one_viewport():
    document = nodes.document(None, None)
    document.append(nodes.paragraph(text="All\nof it. " * 90))
    context = {
        "metatags": '<meta name="viewport" content="x" />\n<meta name="a">\n',
        "title": "<code>v6</code> &amp; more",
        "css_files": ["_static/mystnb.css"],
    }
    pages.complete(None, "index", "page.html", context, document)
    assert "viewport" not in context["metatags"]
    assert '<meta name="a">' in context["metatags"]
    assert 'content="v6 &amp; more"' in context["metatags"]
    (described,) = re.findall('name="description" content="(.*)"', context["metatags"])
    assert described.startswith("All of it. All of it.")
    assert described.endswith(" …")
    assert len(described) <= pages.DESCRIPTION


class Environment:
    """As much of Sphinx's as a domain needs."""

    def __init__(self):
        self.domaindata = {}
        self.config = SimpleNamespace(root_doc="index")


def test_a_claim_is_at_home_on_the_page_that_is_not_the_front():
    claims = domain.ClaimsDomain(Environment())
    for page in ("cost", "index"):
        claims.place("one", page, "A sentence.")
    claims.place("two", "index", "Another.")
    assert claims.homes == {"one": "cost", "two": "index"}
    claims.clear_doc("cost")
    assert claims.homes == {"one": "index", "two": "index"}
    claims.merge_domaindata({"b"}, {"pages": {"b": {"one": "X."}, "c": {"two": "Y."}}})
    assert claims.homes == {"one": "b", "two": "index"}
