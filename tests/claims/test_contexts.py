# SPDX-License-Identifier: GPL-2.0-only
"""Refills are counted by list and by whether their allocation may wait."""

from types import SimpleNamespace

from logs import GFP_KERNEL, USER_MOVABLE, alloc, locked, log_of

from xpfo_model import claims, gfp
from xpfo_model.claims import contexts
from xpfo_model.claims.inputs import Inputs
from xpfo_model.constants import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from xpfo_model.replay.reconstruct import Reconstruction, calls_of

GFP_ATOMIC = gfp.mask("GFP_ATOMIC", "v6.1")


def counted(*rows):
    log = log_of(rows)
    reconstruction = Reconstruction("v6.1", everything=True)
    steps = list(calls_of(log.chunks(), reconstruction))
    return contexts.refills(SimpleNamespace(steps=lambda _: (steps, None)), "any")


def test_a_refill_is_of_its_list_and_of_its_allocation():
    found = counted(
        locked(3, MIGRATE_MOVABLE),
        alloc(3, USER_MOVABLE),
        locked(4, MIGRATE_UNMOVABLE),
        alloc(4, GFP_ATOMIC),
        locked(5, MIGRATE_UNMOVABLE),
        alloc(5, GFP_KERNEL),
    )
    assert found == {"MOVABLE": (1, 0), "other": (2, 1)}


def test_the_count_is_that_of_compare(evidence):
    for name in evidence.names:
        whole, atomic = contexts.refills(Inputs(evidence), name)["MOVABLE"]
        assert whole == evidence.totals(name)["refills_movable"]
        assert atomic == evidence.steps(name)[1].waits["movable_refills_no_wait"]


def test_refills_that_may_not_wait_make_it_fall(evidence, monkeypatch):
    some = {"MOVABLE": (100, 1), "other": (100, 1)}
    monkeypatch.setattr(contexts, "refills", lambda evidence, name: some)
    verdict = claims.evaluate(claims.REGISTRY["movable-refills-may-wait"], evidence)
    assert not verdict.finding.holds
