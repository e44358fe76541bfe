# SPDX-License-Identifier: GPL-2.0-only
"""Recordings by the recipe: their marks, their views and their rows."""

import pytest
from stock_recording import LINES, TOML, keep

from xpfo_model.errors import TraceError, XpfoModelError
from xpfo_model.studies import stock_runs
from xpfo_model.studies.stock_runs import (
    BOOT,
    HALF,
    LATE,
    WORKLOAD,
    folder,
    marks,
    recorded,
)


def views(rows):
    return {row["view"]: row for row in rows}


def flushes(rows, strategy):
    return {row["view"]: row["alloc"] for row in rows if row["strategy"] == strategy}


def test_marks_are_in_nanoseconds(tmp_path):
    assert marks(keep(tmp_path)) == (500_000_000, 900_000_000)


def test_a_recording_without_its_marks_is_refused(tmp_path):
    path = keep(tmp_path, [each for each in LINES if "end" not in each])
    with pytest.raises(TraceError, match="both marks"):
        marks(path)


def test_a_view_from_boot_knows_who_had_a_frame_and_a_late_one_does_not(tmp_path):
    run, found = recorded(keep(tmp_path))
    owners = ("first_touch", "from_kernel", "from_user")
    seen = {view: [row[name] for name in owners] for view, row in views(run).items()}
    assert seen == {
        BOOT: [3, 1, 2],
        WORKLOAD: [1, 1, 2],
        LATE: [3, 0, 1],
        HALF: [1, 0, 1],
    }
    # v6 flushes for each allocation; free is a no-op of per_frame, which spares those
    # of pages that a user had
    assert flushes(found, "v6") == {BOOT: 6, WORKLOAD: 4, LATE: 4, HALF: 2}
    assert flushes(found, "per_frame") == {BOOT: 4, WORKLOAD: 2, LATE: 3, HALF: 1}


def test_a_machine_that_had_run_before_has_no_view_from_boot(tmp_path):
    aged = '\n[aged]\nscript = "workloads/age.sh"\nseconds = 60\nuptime = 68.3\n'
    run, found = recorded(keep(tmp_path, toml=TOML + aged))
    assert [row["view"] for row in run] == [LATE, HALF]
    assert run[0]["uptime"] == 68.3
    assert {row["view"] for row in found} == {LATE, HALF}


def test_a_machine_is_named_by_its_workload_and_its_cpus(tmp_path):
    (row, *_), _ = recorded(keep(tmp_path))
    assert (row["recording"], row["workload"]) == ("cc-1cpu-1", "cc-1cpu")
    assert row["uptime"] == 0


def test_a_folder_without_recordings_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(stock_runs.RECORDINGS, str(tmp_path))
    with pytest.raises(XpfoModelError, match="no recording of a stock kernel"):
        folder(tmp_path)
    keep(tmp_path)
    assert folder(tmp_path) == tmp_path
