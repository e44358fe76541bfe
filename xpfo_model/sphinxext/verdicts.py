# SPDX-License-Identifier: GPL-2.0-only
"""Hear all claims before the pages are read, publish the verdicts after."""

import inspect
import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx
from sphinx.util import logging

from xpfo_model import claims
from xpfo_model.checker import Report, scope
from xpfo_model.claims import checker, cite, explorer, films, runs
from xpfo_model.claims.claim import Basis
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.verdict import Standing
from xpfo_model.errors import XpfoModelError
from xpfo_model.history.faults import FAULTS
from xpfo_model.sphinxext.digest import fresh
from xpfo_model.sphinxext.drawing import Drawings, processes
from xpfo_model.sphinxext.steady import emptied
from xpfo_model.studies.evidence import Evidence
from xpfo_model.studies.provenance import Provenance

logger = logging.getLogger(__name__)

RECORD: Final = "record.pickle"


@dataclass
class Record:
    """The verdicts: kept in the build folder under the digest of its inputs."""

    verdicts: dict[str, Standing]
    traces: dict[str, Provenance]
    outcomes: dict[str, dict[str, Any]]
    """Objects of ``compare --json``, by the trace's short name."""
    reports: dict[str, Report]
    """Findings of the checker, by strategy."""
    runs: list[runs.Run]
    """Runs of the checker that a reader can step through."""
    ipi: dict[str, float]
    """Cycles of an interrupt for the explorer, if there is one."""


class WrongDocument(SystemExit):
    """The end of a build whose document is wrong, with what is wrong.

    For an exception Sphinx prints a traceback, and asks for a report to its authors.
    """


def record_of(app: Sphinx) -> Record:
    """The verdicts of this build."""
    record: Record = app.xpfo_record  # type: ignore[attr-defined]
    return record


def folder_of(app: Sphinx) -> Path:
    """Where this build keeps what was heard, and the figures."""
    return fresh(Path(app.outdir).parent, "claims", app.config.xpfo_digest)


def hear(app: Sphinx) -> None:
    """Evaluate every claim, or take what was heard for the same digest.

    Figures are drawn meanwhile. Raises `WrongDocument` that names each claim that
    does not stand, or each figure that cannot be read.
    """
    heard = folder_of(app) / RECORD
    if heard.exists():
        app.xpfo_record = pickle.loads(heard.read_bytes())  # type: ignore[attr-defined]  # noqa: S301 - our own, under our digest
        return
    drawings = Drawings(folder_of(app), processes())
    try:
        record = _hear(Path(app.srcdir) / app.config.xpfo_traces, drawings)
        faults = drawings.finish()
    finally:
        drawings.close()
    if faults:
        raise WrongDocument("\n".join(["figures cannot be read:", *faults]))
    app.xpfo_record = record  # type: ignore[attr-defined]


def _hear(traces: Path, drawings: Drawings) -> Record:
    evidence = Evidence(traces, drawings.executor)
    explores = any(c.basis is Basis.EXPLORATION for c in claims.REGISTRY.values())
    if explores:
        evidence.start(checker.EXPLORED)
    verdicts: dict[str, Standing] = {}
    fallen: list[str] = []
    stopped: dict[str, list[str]] = {}
    for item in claims.REGISTRY.values():
        logger.info("claim %s", item.id)
        try:
            verdict = claims.evaluate(item, evidence)
        except Exception as error:  # noqa: BLE001 - a changed model may break anything
            stopped.setdefault(f"{type(error).__name__}: {error}", []).append(item.id)
        else:
            if isinstance(verdict, Standing):
                verdicts[item.id] = verdict
                drawings.begin(item.id, verdict.finding.chart)
            else:
                fallen.append(verdict.complaint)
    complaints = [_cannot(why, ids) for why, ids in stopped.items()] + fallen
    if complaints:
        raise WrongDocument("\n".join(["the document is wrong:", *complaints]))
    try:
        outcomes = {name: evidence.outcome(name).as_json() for name in evidence.names}
    except XpfoModelError as error:
        raise WrongDocument(str(error)) from error
    ipi = {}
    if explorer.IDENTITY in verdicts:
        ipi = explorer.ipi_interval(Inputs(evidence))
        drawings.begin(explorer.FIGURE, explorer.first_figure(Inputs(evidence)))
    reports = _reports(evidence) if explores else {}
    playing = drawings.executor.submit(runs.runs, reports) if explores else None
    _begin_films(reports, drawings)
    played = playing.result() if playing else []
    return Record(verdicts, evidence.provenance, outcomes, reports, played, ipi)


def _begin_films(reports: dict[str, Report], drawings: Drawings) -> None:
    """Have the way to each violation drawn."""
    for report in reports.values():
        for violation in report.violations:
            name = f"{report.strategy}-{violation.invariant}"
            drawings.begin(name, films.of(report, violation))


def _cannot(why: str, ids: list[str]) -> str:
    """A complaint for all claims that it stops."""
    which = f"claim {ids[0]}" if len(ids) == 1 else f"claims {', '.join(ids)}"
    return f"{which} cannot be computed: {why}"


def drawn(app: Sphinx, name: str) -> Path:
    """The files of a figure without their suffix, when it has been drawn."""
    drawings: Drawings | None = getattr(app, "xpfo_drawings", None)
    if drawings is not None:
        drawings.wait(name)
    return folder_of(app) / name


def settle(app: Sphinx, exception: Exception | None) -> None:
    """Keep what was heard for the next build."""
    heard = folder_of(app) / RECORD
    if exception is None and not heard.exists():
        heard.write_bytes(pickle.dumps(record_of(app)))


def _reports(evidence: Evidence) -> dict[str, Report]:
    """The checker's reports on the versions that the table of faults names."""
    wanted = {(fault.strategy, fault.invariant) for fault in FAULTS}
    return {
        name: replace(
            report,
            violations=tuple(
                v for v in report.violations if (name, v.invariant) in wanted
            ),
        )
        for name, report in evidence.reports(scope("default")).items()
    }


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Write each claim's files under its own name, and ``claims.json``."""
    if exception is not None or app.builder.format != "html":
        return
    out = emptied(Path(app.outdir) / "claims")
    commit, site = app.config.xpfo_commit, app.config.xpfo_site_url
    verdicts = record_of(app).verdicts
    for figure in folder_of(app).iterdir():
        if figure.suffix in {".svg", ".png"}:
            (out / figure.name).write_bytes(figure.read_bytes())
    for name, verdict in verdicts.items():
        texts = {
            "csv": cite.as_csv(verdict.finding.table),
            "txt": cite.cover_letter(verdict, commit=commit, site=site),
            "bib": cite.bibtex(verdict, commit=commit, site=site),
            "json": json.dumps(verdict.as_json(), indent=1) + "\n",
            "py.txt": inspect.getsource(verdict.claim.find),
        }
        for suffix, text in texts.items():
            (out / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    everything = {
        "commit": commit,
        "digest": app.config.xpfo_digest,
        "claims": [verdict.as_json() for verdict in verdicts.values()],
    }
    (Path(app.outdir) / "claims.json").write_text(
        json.dumps(everything, indent=1) + "\n", encoding="utf-8"
    )
