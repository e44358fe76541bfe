# SPDX-License-Identifier: GPL-2.0-only
import csv
import io
from types import SimpleNamespace

from hypothesis import given
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, locked, log_of, logs

from xpfo_model import replay, strategies
from xpfo_model.events import Warned
from xpfo_model.machine import UNMAPPED
from xpfo_model.replay import table
from xpfo_model.replay.run import FREED


@given(logs)
def test_tables_keep_to_72_columns_and_name_every_strategy(log):
    text = table.table(replay.replay(log))
    assert max(map(len, text.splitlines())) <= table.WIDTH
    for name in strategies.SHOWN:
        assert text.count(f"\n{name} ") == 2


def test_large_counts_still_fit():
    outcome = replay.replay(log_of([alloc(0, USER_MOVABLE)]))
    outcome.totals["user_allocations"] = 400_000_000
    for counts in outcome.strategies.values():
        for cause in counts.flushes_by_cause:
            counts.flushes_by_cause[cause] = 123_456_789
    lines = table.table(outcome).splitlines()
    assert max(map(len, lines)) <= table.WIDTH


def test_lost_events_are_said_in_the_table():
    warned = {"lost-events": Warned("events were lost", 17, 3)}
    log = log_of([alloc(0, USER_MOVABLE)], lost=17, warnings=warned)
    text = table.table(replay.replay(log))
    assert "17 events LOST" in text
    assert "test:3: events were lost" in text


def test_unknown_losses_are_said_too():
    outcome = replay.replay(log_of([alloc(0, USER_MOVABLE)], lost=None))
    assert "unknown number of events LOST" in table.table(outcome)
    assert outcome.as_json()["lost"] is None
    assert next(csv.DictReader(io.StringIO(table.as_csv([outcome]))))["lost"] == (
        "unknown"
    )


def test_csv_has_a_row_for_each_trace_and_strategy():
    outcome = replay.replay(log_of([alloc(0, USER_MOVABLE)]))
    rows = list(csv.DictReader(io.StringIO(table.as_csv([outcome, outcome]))))
    assert len(rows) == 2 * len(strategies.SHOWN)
    assert rows[1]["strategy"] == "v6"
    assert rows[1]["flushes"] == "1"
    assert rows[1]["factor_v6"] == "1.0"


def test_a_factor_needs_flushes_on_both_sides():
    outcome = replay.replay(log_of([alloc(0, USER_MOVABLE)]))
    assert table.factor(outcome, outcome.strategies["none"]) is None
    alone = replay.replay(log_of([alloc(0, USER_MOVABLE)]), ["per_frame"])
    assert table.factor(alone, alone.strategies["per_frame"]) is None
    empty = replay.replay(log_of([]))
    assert table.per_user_allocations(empty, empty.strategies["v6"]) == 0


@given(logs)
def test_both_starts_are_one_table_of_72_columns(log):
    outcomes = replay.replay_starts(
        log, list(strategies.REGISTRY), ["mapped", "unmapped"]
    )
    text = table.table(*outcomes, quarters=True)
    assert max(map(len, text.splitlines())) <= table.WIDTH
    assert text.index("memory starts mapped") < text.index("memory starts unmapped")
    assert text.count("trace test") == 1


def test_what_memory_starts_as_is_in_every_form():
    rows = [free(7), alloc(0, GFP_KERNEL), alloc(7, USER_MOVABLE)]
    outcome = replay.replay(log_of(rows), start="unmapped")
    assert "memory starts unmapped" in table.table(outcome)
    assert "faults" in table.table(outcome)
    assert "faults" not in table.table(replay.replay(log_of(rows)))
    assert outcome.as_json()["start"] == "unmapped"
    assert outcome.as_json()["held"] == {
        "from": "none",
        "frames": 1,
        "first_touches": 1,
    }
    assert outcome.as_json()["strategies"]["v6"]["faults"] == 1
    row = next(csv.DictReader(io.StringIO(table.as_csv([outcome]))))
    assert [row["start"], row["held_first_touches"]] == ["unmapped", "1"]


def test_quarters_are_shown_if_asked_for_and_in_csv():
    rows = [alloc(pfn, USER_MOVABLE) for pfn in range(8)]
    outcome = replay.replay(log_of(rows), ["per_frame"])
    assert "warm" not in table.table(outcome)
    lines = table.table(outcome, quarters=True).splitlines()
    numbers = [line.split()[1:] for line in lines if line.startswith("per_frame ")]
    assert numbers[-2:] == [["2", "2", "2", "2", "6", "8"], ["8", "0", "0", "0"]]
    touched = [line.split() for line in lines if line.startswith("nobody had it")]
    assert touched[0][-6:] == ["2", "2", "2", "2", "6", "8"]
    row = next(csv.DictReader(io.StringIO(table.as_csv([outcome]))))
    assert [row["flushes_q4"], row["flushes_warm"]] == ["2", "6"]
    assert row["flushes_first_touch"] == "8"


def test_the_legend_explains_the_columns_that_are_shown():
    log = log_of([alloc(0, GFP_KERNEL)])
    outcome = replay.replay(log)
    assert "faults" not in table.legend([outcome])
    unmapped = replay.replay(log, start=UNMAPPED)
    assert "faults" in table.legend([outcome, unmapped])
    for text in (table.legend([outcome]), table.legend([unmapped])):
        assert max(map(len, text.splitlines())) <= table.WIDTH


def test_how_many_times_fewer_has_two_digits():
    def told(v6, other):
        strategies = {"v6": counts(v6), "pcp_batch": counts(other)}
        return table.times_fewer(SimpleNamespace(strategies=strategies), counts(other))

    def counts(flushes):
        return SimpleNamespace(flushes=flushes)

    assert told(1000, 300) == "3.3x"
    assert told(1234, 10) == "120x"
    assert told(134795, 3) == "45,000x"
    assert told(1000, 0) == "-"


def test_the_frames_that_are_held_are_named_where_the_start_is():
    log = log_of([alloc(0, USER_MOVABLE), free(0)])
    held = replay.replay(log, start=UNMAPPED, held=FREED)
    assert "memory starts unmapped, frames held: freed" in table.table(held)
    free_all = replay.replay(log, start=UNMAPPED)
    assert "memory starts unmapped\n" in table.table(free_all)


def test_one_of_a_thing_is_not_several():
    text = table.table(replay.replay(log_of([alloc(0, USER_MOVABLE)])))
    assert "  1 kmem event, no events lost\n" in text
    assert "  1 user allocation (" in text
    assert "  0 kernel allocations (" in text
    rows = [locked(0, 1), alloc(0, GFP_KERNEL)]
    log = log_of(rows, lost=1, skipped={"kmalloc": 1})
    text = table.table(replay.replay(log))
    assert "  2 kmem events, 1 event LOST\n" in text
    assert "  1 kernel allocation (" in text
    assert "  1 refill (1 MOVABLE)" in text
    assert "1 other event skipped: kmalloc 1" in text
