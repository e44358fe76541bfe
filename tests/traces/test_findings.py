# SPDX-License-Identifier: GPL-2.0-only
from xpfo_model.events import About
from xpfo_model.traces.findings import Findings


def test_warnings_are_counted_and_keep_their_first_line():
    found = Findings(About("test"))
    found.warn("odd", "odd lines", 12)
    found.warn("odd", "odd lines", 40, 5)
    assert found.about().notes() == ["test:12: odd lines (6 times)"]
    found.warn("once", "an odd line", None)
    assert found.about().notes()[1:] == ["test: an odd line"]


def test_a_result_does_not_change_when_reading_goes_on():
    found = Findings(About("test"))
    about = found.about()
    found.warn("odd", "odd lines", 12)
    found.skipped["kmalloc"] = 1
    found.lost = 3
    assert about == About("test")


def test_a_loss_of_unknown_size_is_not_a_number():
    found = Findings(About("test"), lost=3, lost_unknown=True)
    assert found.about().lost is None


def test_zoneinfo_is_told_from_other_comments():
    found = Findings(About("test"))
    for text in (
        b"# kernel: 6.18",
        b"# zoneinfo: Node 0, zone   DMA",
        b"# zoneinfo:  ",
    ):
        found.comment(text, 1)
    about = found.about()
    assert about.header == ("# kernel: 6.18",)
    assert about.zoneinfo == "Node 0, zone   DMA\n \n"


def test_a_header_that_is_too_long_is_cut_and_said():
    found = Findings(About("test"), _room=10)
    found.comment(b"# " * 4, 1)
    for line in (2, 3):
        found.comment(b"# " * 4, line)
    assert len(found.about().header) == 1
    warned = found.about().warnings["long-header"]
    assert (warned.count, warned.line) == (1, 2)
