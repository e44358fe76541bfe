# SPDX-License-Identifier: GPL-2.0-only
"""What is printed says what it rests on."""

from tiny import allocs, follow, refill

from xpfo_model.fidelity import Fidelity, tell

FRAMES = range(6144, 6148)


def found(zoneinfo):
    rows = [*refill(*FRAMES), *allocs(*FRAMES)]
    levels = {name: follow(rows, name) for name in ("pcp", "full")}
    return Fidelity("t", "0" * 64, "v6.1", zoneinfo, levels)


def test_text_is_narrow_and_names_both_levels():
    text = tell(found("t.zoneinfo.start"))
    assert all(len(line) <= 72 for line in text.splitlines())
    assert "level pcp (model): 4 of 4 allocations exact, 100.000%" in text
    assert "t.zoneinfo.start" in text


def test_guessed_sizes_are_never_silent():
    assert "learnt" in tell(found(""))
    assert found("").notes()
    assert not found("t.zoneinfo.start").notes()


def test_the_object_has_the_level_that_was_asked_for_at_its_top():
    for level in ("pcp", "full"):
        printed = found("").as_json(level)
        assert printed["level"] == level
        assert printed["pfn_exact"] == printed[level]["pfn_exact"]
        for name in ("refills", "drains", "fallbacks", "ownership_changes"):
            assert set(printed[name]) == {"kernel", "model"}
        assert set(printed["flushes"]["pcp_batch"]) == {"kernel", "model"}
        assert isinstance(printed["resynchronised"], dict)
