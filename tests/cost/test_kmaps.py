# SPDX-License-Identifier: GPL-2.0-only
"""Counts of kernel accesses: read, and what is wrong with a file is said."""

from pathlib import Path

import pytest

from xpfo_model.cost import kmaps
from xpfo_model.errors import XpfoModelError

ROOT = Path(__file__).parents[2]
HEAD = ",".join(kmaps.COLUMNS)


def written(tmp_path, *lines):
    path = tmp_path / kmaps.FILE
    path.write_text("\n".join(("# where from", HEAD, *lines)) + "\n")
    return path


def test_the_rows_of_a_recording_add_up(tmp_path):
    path = written(
        tmp_path,
        "a,cc,build,4,100,60,zeroing,50",
        "a,cc,build,4,100,60,wp_page_copy,30",
        "b,mix,build,1,,,all,7",
    )
    one, other = kmaps.read(path)
    assert one.pairs == {"zeroing": 50, "wp_page_copy": 30}
    assert (one.total, one.per_allocation, one.touched) == (80, 0.8, 60)
    assert (other.per_allocation, other.user_allocations) == (None, None)
    assert kmaps.like("build", (one, other)) == (one,)
    assert kmaps.like("reclaim", (one, other)) == ()


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["a,cc,build,4,100,60,all"], "7 cells"),
        (["a,cc,build,4,many,,all,5"], "no count: 'many'"),
        (["a,cc,build,4,100,,all,-5"], "no count: '-5'"),
        (["a,cc,build,,100,,all,5"], "no number of cpus"),
        (["a,cc,build,4,0,,all,5"], "no user allocation"),
        (["a,cc,build,4,100,101,all,5"], "more pages touched"),
        (["a,cc,build,4,,10,all,5"], "more pages touched"),
        (["a,cc,build,4,9,,x,5", "a,cc,build,4,9,,x,6"], "x of a twice"),
        (["a,cc,build,4,9,,x,5", "a,mix,build,4,9,,y,6"], "disagree"),
    ],
)
def test_a_row_that_is_no_count_is_named_with_its_line(tmp_path, lines, complaint):
    path = written(tmp_path, *lines)
    with pytest.raises(XpfoModelError, match=complaint) as caught:
        kmaps.read(path)
    assert (caught.value.file, caught.value.line) == (str(path), 2 + len(lines))
    assert "recording,load" in caught.value.remedy


def test_a_file_that_is_not_there_or_holds_something_else_is_an_error(tmp_path):
    with pytest.raises(XpfoModelError, match="no counts of kmaps"):
        kmaps.read(tmp_path / "none.csv")
    other = tmp_path / "other.csv"
    for text in ("", "# nothing\n", "cpus,flushes\n1,2\n"):
        other.write_text(text)
        with pytest.raises(XpfoModelError, match="no counts of kmaps"):
            kmaps.read(other)


def test_the_projects_own_counts_are_read():
    found = kmaps.read(ROOT / "docs" / "data" / kmaps.FILE)
    assert {one.like for one in found} >= {"build", "reclaim"}
    assert kmaps.like("build", found)
    assert all(one.total > 0 for one in found)
