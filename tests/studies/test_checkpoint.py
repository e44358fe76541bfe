# SPDX-License-Identifier: GPL-2.0-only
import json

import pytest

from xpfo_model.errors import SweepError
from xpfo_model.studies.checkpoint import Journal

DIGEST = "0123456789abcdef"


def test_what_was_noted_is_there_for_the_next():
    done = Journal(None, DIGEST)
    done.add("a", {"n": 1})
    assert done.get("a") == {"n": 1}
    assert done.get("b") is None


def test_a_file_outlives_the_run(tmp_path):
    path = tmp_path / "j.jsonl"
    Journal(path, DIGEST).add("a", {"n": 1})
    Journal(path, DIGEST).add("b", {"n": 2})
    again = Journal(path, DIGEST)
    assert (again.get("a"), again.get("b")) == ({"n": 1}, {"n": 2})


def test_other_sources_have_other_results(tmp_path):
    path = tmp_path / "j.jsonl"
    Journal(path, DIGEST).add("a", {"n": 1})
    assert Journal(path, "another").get("a") is None


def test_half_a_line_is_dropped_and_the_next_is_whole(tmp_path):
    path = tmp_path / "j.jsonl"
    Journal(path, DIGEST).add("a", {"n": 1})
    whole = path.read_text()
    path.write_text(whole + whole[: len(whole) // 2])
    Journal(path, DIGEST).add("b", {"n": 2})
    assert [json.loads(line)["task"] for line in path.read_text().splitlines()] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("text", ["hello\n", "[]\n", '{"task": 1}\n'])
def test_a_file_that_is_no_journal_is_an_error(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(SweepError, match=r"notes\.txt:1: no journal"):
        Journal(path, DIGEST)
