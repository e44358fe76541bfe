# SPDX-License-Identifier: GPL-2.0-only
"""A reader's own trace as one HTML file: its counts, and every claim heard over it.

The file holds its figures and its style, runs no script and asks no host.
"""

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from xpfo_model import claims, clone, strategies
from xpfo_model.claims import cite_trace
from xpfo_model.claims.claim import Basis, Claim, Table
from xpfo_model.claims.verdict import CannotJudge, Verdict
from xpfo_model.errors import XpfoModelError
from xpfo_model.figures import draw, svg
from xpfo_model.figures.charts import Chart
from xpfo_model.replay import table
from xpfo_model.replay.outcome import Outcome, replay
from xpfo_model.studies.evidence import Evidence

TITLE: Final = "XPFO, counted by a model over {}"
DOWNSIDE: Final = "Downside, of the document's own traces"
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem;
  padding: 1rem; }
figure { margin: 1rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
td, th { border-bottom: 1px solid #8888; padding: 0.2rem 0.6rem; text-align: right; }
td:first-child, th:first-child { text-align: left; }
pre { font-size: 0.8rem; overflow-x: auto; }
section { border-left: 3px solid var(--c-pcp_batch); margin: 2rem 0;
  padding-left: 1rem; }
.fails { border-color: var(--c-v6); }
@media print { section, figure { break-inside: avoid; } }
"""


def heard(evidence: Evidence) -> Iterator[tuple[Claim, Verdict | str]]:
    """Each claim about traces, with its verdict or why there is none."""
    for claim in claims.REGISTRY.values():
        if claim.basis is not Basis.TRACES:
            continue
        try:
            yield claim, claims.evaluate(claim, evidence)
        except XpfoModelError as error:
            yield claim, error.what


def page(evidence: Evidence, verdicts: Iterable[tuple[Claim, Verdict | str]]) -> str:
    """The whole file, from `heard` over the only trace of the evidence."""
    (name,) = evidence.names
    outcome = replay(evidence.log(name), strategies.SHOWN)
    title = html.escape(TITLE.format(outcome.about.name))
    judged: list[str] = []
    left: list[str] = []
    for claim, verdict in verdicts:
        if isinstance(verdict, str):
            left.append(f"<li><code>{claim.id}</code>: {html.escape(verdict)}</li>")
        elif isinstance(verdict, CannotJudge):
            why = html.escape(verdict.reason)
            left.append(f"<li><code>{claim.id}</code> {why}</li>")
        else:
            judged.append(_claim(verdict))
    letter = cite_trace.letter(outcome, commit=clone.commit())
    counts = draw.comparison("Flushes by strategy (model)", [outcome])
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}{svg.css()}</style></head><body>",
        f"<h1>{title}</h1>",
        f"<p>Made by xpfo-model {clone.version(clone.commit())}.</p>",
        *(f"<p>{html.escape(line)}</p>" for line in _notes(outcome)),
        _figure(counts, "counts", counts.title),
        f"<pre>{html.escape(table.table(outcome))}\n{table.legend([outcome])}</pre>",
        "<h2>The claims of the document, heard over this trace</h2>",
        "<p>A claim that does not hold here is no fault of the trace: the document "
        "says it of its own recordings.</p>",
        *judged,
        "<h2>Claims that this trace cannot judge</h2>",
        f"<ul>{''.join(left)}</ul>" if left else "<p>None.</p>",
        "<h2>For a cover letter</h2>",
        f"<pre>{html.escape(letter)}</pre>",
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _notes(outcome: Outcome) -> list[str]:
    return [*outcome.about.notes(), *outcome.notes]


def _claim(verdict: Verdict) -> str:
    assert not isinstance(verdict, CannotJudge)
    finding, claim = verdict.finding, verdict.claim
    chart = finding.chart
    if not finding.holds:  # the title is the claim's
        chart = replace(chart, title=f"Not here: {chart.title}")
    alt = f"{chart.title}. {finding.sentence}"
    holds = "holds" if finding.holds else "does not hold"
    other = (
        "it holds as well, and says nothing" if verdict.counter.holds else "it fails"
    )
    return (
        f"<section{'' if verdict.stands else ' class=fails'}>"
        f"<h3>{html.escape(finding.sentence)}</h3>"
        f"<p><code>{claim.id}</code> {holds} here: {html.escape(claim.must)}. "
        f"With {html.escape(claim.instead)}: {other}.</p>"
        f"{_figure(chart, claim.id, alt)}{_table(finding.table)}"
        f"<p>{DOWNSIDE}: {html.escape(claim.downside)}</p></section>"
    )


def _table(data: Table) -> str:
    def row(cells: Sequence[object], tag: str) -> str:
        inside = "".join(f"<{tag}>{html.escape(_cell(c))}</{tag}>" for c in cells)
        return f"<tr>{inside}</tr>"

    body = "".join(row(cells, "td") for cells in data.rows)
    return (
        f'<div class="scroll" tabindex="0"><table><thead>{row(data.columns, "th")}'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _figure(chart: Chart, name: str, alt: str) -> str:
    return f"<figure>{draw.as_html(chart, name, alt)}</figure>"
