# SPDX-License-Identifier: GPL-2.0-only
"""Every claim on traces that show little: a verdict or a reason, never an accident."""

import pytest
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    USER_UNMOVABLE,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
)

from xpfo_model import claims, events, gfp, traces
from xpfo_model.claims.inputs import Inputs
from xpfo_model.errors import CannotJudgeError, XpfoModelError
from xpfo_model.studies.evidence import Evidence

ZEROED = USER_MOVABLE | gfp.mask("__GFP_ZERO", "v6.1")
FACTS = """
short = "{short}"
title = "made up"
cpus = {cpus}
memory = "1 MiB"
kernel = "6.1.0"
machine = "none"
command_line = ""
workload = ""
workload_title = ""
date = "2026"
sha256 = "{sha256}"
events = ""
removed = ""
"""
REFILL = [locked(pfn, 1) for pfn in range(4)]
LITTLE = {
    "one event": [alloc(0, USER_MOVABLE)],
    "a free": [free(0)],
    "no refill": [alloc(0, ZEROED), free(0), alloc(1, GFP_KERNEL), alloc(0, ZEROED)],
    "no user": [*REFILL, alloc(0, GFP_KERNEL), free(0)],
    "nothing zeroed": [*REFILL, *(alloc(pfn, USER_MOVABLE) for pfn in range(4))],
    "no MOVABLE list": [locked(0, 0), alloc(0, USER_UNMOVABLE), free(0)],
    "a little of each": [
        *REFILL,
        alloc(0, ZEROED),
        alloc(1, USER_MOVABLE, cpu=1),
        free(0),
        alloc(0, GFP_KERNEL),
        alloc(2, USER_UNMOVABLE),
        extfrag(512, 1),
        free(1),
        {"kind": events.SCHED_SWITCH, "pid": 1, "next_pid": 2},
    ],
}


QUICK = ("one event", "a little of each")
CASES = [
    pytest.param((name, 1), id=name, marks=[pytest.mark.slow] * (name not in QUICK))
    for name in LITTLE
]


@pytest.fixture(params=[*CASES, pytest.param(("a little of each", 2), id="2 CPUs")])
def little(request, tmp_path, evidence):
    """A folder with one small trace, as any of the document's or by another name."""
    name, cpus = request.param
    rows = [row | {"cpu": min(row.get("cpu", 0), cpus - 1)} for row in LITTLE[name]]
    log = log_of(rows, "mine", cpus=cpus)
    for short in ("cc-4cpu", "mine")[: 1 + (cpus == 1)]:
        traces.save(log, tmp_path / f"{short}.npz")
        facts = FACTS.format(short=short, cpus=cpus, sha256=log.about.sha256)
        (tmp_path / f"{short}.toml").write_text(facts)
    other = Evidence(tmp_path, docs=evidence.docs)
    other._reports = evidence._reports  # explorations need no trace
    return other


def test_every_claim_has_a_verdict_or_a_reason_on_a_trace_of_little(little):
    for item in claims.REGISTRY.values():
        verdict = claims.evaluate(item, little)
        assert verdict.stands or item.id in verdict.complaint
        assert verdict.as_json()["state"] == verdict.state


def test_a_claim_on_a_trace_that_is_not_there_names_it(little):
    verdict = claims.evaluate(claims.REGISTRY["pipes-dominate-the-rest"], little)
    assert verdict.state == "cannot be judged"
    assert "forkpipe-4cpu" in verdict.complaint


def test_a_trace_that_lacks_a_need_is_refused(evidence):
    inputs = Inputs(evidence, ("user_zeroed",))
    assert inputs.use("cc-4cpu").cpus == 4
    assert [facts.short for facts in inputs.used] == ["cc-4cpu"]
    with pytest.raises(CannotJudgeError, match="needs the trace nowhere"):
        inputs.use("nowhere")
    assert issubclass(CannotJudgeError, XpfoModelError)
