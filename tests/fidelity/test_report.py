# SPDX-License-Identifier: GPL-2.0-only
"""What is printed says what it rests on."""

from logs import log_of
from tiny import allocs, follow, refill

from xpfo_model.events import Warned
from xpfo_model.fidelity import Fidelity, tell
from xpfo_model.fidelity.result import BY_MASKS, Level

FRAMES = range(6144, 6148)
FACTS = {
    "lost": 899_998,
    "warnings": {"lost-events": Warned("the trace lost events", 1, 7)},
    "skipped": {"sched_waking": 3},
}


def found(zoneinfo, **facts):
    rows = [*refill(*FRAMES), *allocs(*FRAMES)]
    levels = {name: follow(rows, name) for name in ("pcp", "full")}
    about = log_of(rows, "t", **facts).about
    return Fidelity(about, len(rows), "v6.1", BY_MASKS, zoneinfo, levels)


def test_text_is_narrow_and_names_both_levels():
    text = tell(found("t.zoneinfo.start", **FACTS))
    assert all(len(line) <= 72 for line in text.splitlines())
    assert "level pcp (model): 4 of 4 allocations exact, 100.000%" in text
    assert "t.zoneinfo.start" in text


def test_the_text_says_what_it_rests_on():
    text = " ".join(tell(found("", **FACTS)).split())
    for part in (
        "sha256 0000000000000000 8 kmem events, 899,998 events LOST",
        "GFP masks of v6.1, ",
        "allocator of v6.1, the last not newer than the trace's masks",
        "sizes of the pcps: learnt from the trace",
        "warning: t:7: the trace lost events",
        "3 other events skipped: sched_waking 3",
    ):
        assert part in text


def test_the_object_says_what_it_rests_on():
    printed = found("z", **FACTS).as_json()
    about = log_of([], "t", **FACTS).about
    assert printed.items() >= about.as_json().items()
    assert printed["events"] == 8
    assert (printed["allocator"], printed["allocator_from"]) == ("v6.1", BY_MASKS)
    assert printed["zoneinfo"] == "z"


def test_guessed_sizes_are_never_silent():
    assert "learnt" in tell(found(""))
    assert found("").notes()
    assert not found("t.zoneinfo.start").notes()


def test_of_no_allocation_all_are_exact_in_every_form():
    none = Level(0, 0, {}, {}, {}, {}, {}, {}, None)
    both = Fidelity(found("").about, 0, "v6.1", BY_MASKS, "", {"pcp": none})
    assert none.exact == 1
    assert "0 of 0 allocations exact, 100.000%" in tell(both)


def test_the_object_has_the_level_that_was_asked_for_at_its_top():
    for level in ("pcp", "full"):
        printed = found("").as_json(level)
        assert printed["level"] == level
        assert printed["pfn_exact"] == printed[level]["pfn_exact"]
        for name in ("refills", "drains", "fallbacks", "ownership_changes"):
            assert set(printed[name]) == {"kernel", "model"}
        assert set(printed["flushes"]["pcp_batch"]) == {"kernel", "model"}
        assert isinstance(printed["resynchronised"], dict)
