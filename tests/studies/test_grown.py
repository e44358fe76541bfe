# SPDX-License-Identifier: GPL-2.0-only
"""Rows of recordings: a folder adds to what is kept, and loses none of it."""

import pytest

from xpfo_model.errors import XpfoModelError
from xpfo_model.studies.grown import grown
from xpfo_model.studies.store import REGISTRY, place, studies, text

REGISTERED = studies()
NAME = "kernel-runs"


def row(recording, flushes, series="a"):
    return {"recording": recording, "series_sha256": series, "flushes": flushes}


def keep(docs, rows):
    columns = {name: [each[name] for each in rows] for name in rows[0]}
    path = place(REGISTRY[NAME], docs)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text(REGISTRY[NAME], {}, columns))


def test_without_kept_rows_those_of_the_folder_are_all(tmp_path):
    found = grown(NAME, tmp_path, [row("b", 2), row("a", 1)], tmp_path)
    assert found["recording"] == ["a", "b"]
    assert found["flushes"] == [1, 2]


def test_a_new_recording_takes_the_place_of_its_row_and_of_no_other(tmp_path):
    keep(tmp_path, [row("a", 1), row("b", 2)])
    found = grown(NAME, tmp_path, [row("b", 20), row("c", 30)], tmp_path)
    assert found["recording"] == ["a", "b", "c"]
    assert found["flushes"] == [1, 20, 30]


def test_a_study_of_which_the_folder_has_nothing_keeps_its_rows(tmp_path):
    keep(tmp_path, [row("a", 1)])
    assert grown(NAME, tmp_path, [], tmp_path)["flushes"] == [1]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (row("b", 2, series="b"), "another series"),
        ({**row("b", 2), "more": 3}, "other columns"),
    ],
)
def test_rows_that_do_not_belong_together_are_refused(tmp_path, new, said):
    keep(tmp_path, [row("a", 1)])
    with pytest.raises(XpfoModelError, match=said):
        grown(NAME, tmp_path, [new], tmp_path)
