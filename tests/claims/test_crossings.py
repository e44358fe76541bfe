# SPDX-License-Identifier: GPL-2.0-only
"""The claim about flushes where user space is left and entered, over made-up traces."""

import pytest
from logs import GFP_KERNEL, USER_MOVABLE, alloc, cross, locked, log_of, switch

from xpfo_model import claims, traces
from xpfo_model.claims.crossings import QUESTION, crossings
from xpfo_model.claims.inputs import Inputs
from xpfo_model.errors import CannotJudgeError
from xpfo_model.events import PAGE_FAULT_USER, SYS_ENTER, SYS_EXIT
from xpfo_model.studies.evidence import Evidence
from xpfo_model.studies.provenance import Provenance

FAULT, ENTER, EXIT = (cross(k) for k in (PAGE_FAULT_USER, SYS_ENTER, SYS_EXIT))


def made_up(folder, evidence, *rows, cpus=1):
    """The document's evidence, with a trace of these events for the question."""
    log = log_of(list(rows), cpus=cpus)
    (folder / QUESTION).mkdir()
    traces.save(log, folder / QUESTION / "mine.npz")
    fields = set(Provenance.__dataclass_fields__) - {"name", "cpus"}
    facts = dict.fromkeys(fields, "-") | {"short": "mine", "sha256": log.about.sha256}
    text = "".join(f'{key} = "{value}"\n' for key, value in facts.items())
    (folder / QUESTION / "mine.toml").write_text(f"{text}cpus = {cpus}\n")
    for trace in claims.access.BUILDS:
        stem = evidence.provenance[trace].name
        for suffix in (".npz", ".toml"):
            (folder / f"{stem}{suffix}").symlink_to(
                evidence.directory / f"{stem}{suffix}"
            )
    return Inputs(Evidence(folder, docs=evidence.docs))


def test_a_system_call_with_two_pages_flushes_once(evidence, tmp_path):
    pages = [alloc(pfn, USER_MOVABLE) for pfn in range(4)]
    kept = [locked(8, 1), alloc(8, GFP_KERNEL)]
    rows = [*kept, ENTER, pages[0], pages[1], EXIT, FAULT, pages[2], FAULT, pages[3]]
    found = crossings(made_up(tmp_path, evidence, *rows, ENTER, EXIT))
    assert found.values["kept"] == 75
    assert found.values["entries"] == 4
    # of the list of one page pcp_batch flushes at the refill, and for each page
    assert found.values["times"] == 3 / 5
    assert not found.holds


def test_an_entry_is_told_apart_where_another_cpu_left_it_a_flush(evidence, tmp_path):
    page = alloc(0, USER_MOVABLE)
    elsewhere = cross(SYS_ENTER, cpu=1)
    rows = [locked(0, 1), ENTER, page, EXIT, elsewhere, elsewhere, switch(cpu=1)]
    found = crossings(made_up(tmp_path, evidence, *rows, cpus=2))
    # of three entries the first of CPU 1 finds a flush to do
    assert found.values["entries"] == 3
    assert found.values["mine.flushing"] == pytest.approx(100 / 3)


def test_without_an_entry_nothing_can_be_said(evidence, tmp_path):
    rows = [locked(0, 1), alloc(0, USER_MOVABLE), alloc(1, USER_MOVABLE), EXIT]
    with pytest.raises(CannotJudgeError, match="no entry"):
        crossings(made_up(tmp_path, evidence, *rows))
