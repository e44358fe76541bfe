# SPDX-License-Identifier: GPL-2.0-only
"""A reader's own trace as evidence: what its head says stands for its provenance."""

import json
import re
from pathlib import Path
from typing import Final

from xpfo_model import traces
from xpfo_model.events import About, Recording
from xpfo_model.studies.evidence import Evidence
from xpfo_model.studies.provenance import Provenance, cpus_of

UNKNOWN: Final = "not in the trace"
STEM: Final = "own"
_SUFFIXES: Final = re.compile(
    r"(?:\.(?:npz|parquet|txt|text|trace|ftrace|log|dat|data|gz|xz|zst|zip))+$"
)
"""Those of a file's name that are no part of a trace's."""


def told(about: About, name: str) -> str:
    """A fact of the comment lines that ``xpfo-model record`` writes, or `UNKNOWN`."""
    for line in about.header:
        head, _, text = line.lstrip("# ").partition(": ")
        if head == name and text.strip():
            return text.strip()
    return UNKNOWN


def machine(about: About) -> str:
    """The machine, as far as the head of the trace names it."""
    kind = told(about, "machine")
    return "a machine that the trace does not name" if kind == UNKNOWN else kind


def evidence_of(trace: Recording, folder: Path, docs: Path) -> Evidence:
    """An open trace as the only one of a folder of traces.

    Parameters
    ----------
    folder
        Where its compact form goes, which the evidence is read from.
    docs
        The folder docs/ with the kept studies.

    Raises `TraceError`.
    """
    about = traces.save(trace, str(folder / f"{STEM}.npz"))
    log = traces.read(folder / f"{STEM}.npz")
    facts = {
        "short": _SUFFIXES.sub("", Path(about.name).name) or STEM,
        "title": about.name,
        "memory": UNKNOWN,
        "kernel": about.release or about.kernel,
        "machine": machine(about),
        "command_line": UNKNOWN,
        "workload": UNKNOWN,
        "workload_title": told(about, "command"),
        "date": told(about, "recorded"),
        "sha256": about.sha256,
        "events": UNKNOWN if about.recorded is None else " ".join(about.recorded),
        "removed": "nothing that the model reads",
    }
    lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in facts.items()]
    text = "".join([*lines, f"cpus = {cpus_of(log)}\n"])
    (folder / f"{STEM}.toml").write_text(text, encoding="utf-8")
    return Evidence(folder, docs=docs)


def facts_of(evidence: Evidence) -> Provenance:
    """The provenance of the only trace of `evidence_of`."""
    (facts,) = evidence.provenance.values()
    return facts
