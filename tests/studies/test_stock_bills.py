# SPDX-License-Identifier: GPL-2.0-only
"""The work of strategies late in a recorded build, kept as rows."""

from pathlib import Path

import pytest
from stock_recording import TOML, keep

from xpfo_model.errors import XpfoModelError
from xpfo_model.machine import MAPPED, UNMAPPED
from xpfo_model.studies import stock_runs
from xpfo_model.studies.bill import BILLED
from xpfo_model.studies.stock_bills import is_build, part_of, recorded, stock_bills


@pytest.fixture
def rows(tmp_path, docs):
    return recorded(keep(tmp_path), docs)


@pytest.fixture
def docs():
    return Path(__file__).parents[2] / "docs"


def of(rows, strategy, start):
    (row,) = [r for r in rows if (r["strategy"], r["start"]) == (strategy, start)]
    return part_of(row)


def test_every_billed_strategy_has_a_row_for_each_start(rows):
    assert [(row["strategy"], row["start"]) for row in rows] == [
        (name, start) for name in BILLED for start in (MAPPED, UNMAPPED)
    ]


def test_a_row_is_of_the_second_half_and_knows_the_boot(rows):
    # of six user allocations the last three: two pages that nobody had, and one that
    # a user had
    part = of(rows, "v6", MAPPED)
    assert (part.users, part.zeroed, part.flushes["alloc"]) == (3, 3, 3)
    assert of(rows, "per_frame", MAPPED).flushes["alloc"] == 2


def test_memory_that_started_unmapped_has_no_flush_for_what_nobody_had(rows):
    assert of(rows, "per_frame", UNMAPPED).flushes["alloc"] == 0


AGED = '\n[aged]\nscript = "workloads/age.sh"\nseconds = 60\nuptime = 68.3\n'


@pytest.mark.parametrize("toml", [TOML.replace("cc.sh", "netmap.sh"), TOML + AGED])
def test_only_a_build_from_boot_counts(tmp_path, docs, monkeypatch, toml):
    assert is_build(keep(tmp_path))
    assert not is_build(keep(tmp_path, toml=toml))
    monkeypatch.setenv(stock_runs.RECORDINGS, str(tmp_path))
    with pytest.raises(XpfoModelError, match="no recording of a build"):
        stock_bills.make(docs)
