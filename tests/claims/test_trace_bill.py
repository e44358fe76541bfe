# SPDX-License-Identifier: GPL-2.0-only
"""The bill over one's own trace, by hand and against compare."""

import json
from pathlib import Path

import pytest
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, locked, log_of

from xpfo_model import cli, gfp
from xpfo_model.claims import trace_bill
from xpfo_model.machine import MAPPED, STARTS
from xpfo_model.studies import own

ROOT = Path(__file__).parents[2]
OTHERS = 3
"""The machine of `log_of` has four CPUs."""
ZEROED = USER_MOVABLE | gfp.mask("__GFP_ZERO", "v6.1")
ROWS = (
    locked(3, 1),
    locked(700, 1),
    alloc(3, ZEROED),
    alloc(700, USER_MOVABLE, cpu=1),
    free(3),
    alloc(3, GFP_KERNEL),
    free(3),
    alloc(3, ZEROED),
)


@pytest.fixture
def mine(tmp_path):
    return own.evidence_of(log_of(ROWS), tmp_path, tmp_path)


def bills(mine, *names, starts=(MAPPED,)):
    found = list(trace_bill.charges(mine, names, starts))
    return {(one.strategy, one.start): one for one in found}


def test_a_batch_pays_at_its_refill_and_at_each_kunmap(mine):
    one = bills(mine, "pcp_batch")["pcp_batch", MAPPED]
    assert (one.alloc, one.refill, one.kunmap, one.other) == (1, 1, 2, 0)
    assert one.full == 1
    assert one.interrupts == 4 * OTHERS
    # the refill's two, one for the kernel and back; two for each kmap
    assert one.writes == 4 + 2 * 2


def test_a_mapping_of_one_cpu_turns_kunmaps_into_flushes_of_it(mine):
    one = bills(mine, "pcp_batch_closed")["pcp_batch_closed", MAPPED]
    assert (one.kunmap, one.local) == (0, 2)
    assert one.interrupts == (one.alloc + one.refill) * OTHERS


def test_memory_that_starts_unmapped_costs_a_user_no_flush(mine):
    found = bills(mine, "per_frame_local", starts=STARTS)
    mapped, unmapped = (found["per_frame_local", start] for start in STARTS)
    assert (mapped.alloc, unmapped.alloc) == (3, 1)


def test_a_strategy_whose_events_are_missing_has_no_bill(mine, monkeypatch):
    monkeypatch.setattr(
        "xpfo_model.claims.inputs.lacking",
        lambda name, about, held: ["sched_switch"] if name == "v9" else [],
    )
    assert list(bills(mine, "v9", "v6")) == [("v6", MAPPED)]


def test_the_command_bills_what_compare_counts(capsys):
    trace = str(ROOT / "docs" / "traces" / "debian-6.1-cc-1cpu.npz")
    names = ["--strategies", "per_frame,pcp_batch"]
    cli.main(["compare", "--json", *names, trace])
    counted = json.loads(capsys.readouterr().out)["strategies"]
    cli.main(["compare", "--bill", "--json", *names, trace])
    for one in json.loads(capsys.readouterr().out)["bill"]:
        causes = counted[one["strategy"]]["flushes_by_cause"]
        assert one["alloc"] == causes["alloc"]
        assert one["refill"] == causes["refill"]
        assert one["kunmap"] > 0
    cli.main(["compare", "--bill", *names, trace])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 72
    assert any(line.startswith("per_frame") for line in lines)


def test_a_bill_has_no_csv(capsys, tmp_path):
    assert cli.main(["compare", "--bill", "--csv", str(tmp_path / "no")]) != 0
    assert "--bill and --csv" in capsys.readouterr().err
