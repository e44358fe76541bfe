# SPDX-License-Identifier: GPL-2.0-only
"""The claims about seconds: what they take from traces, kernels and tables."""

from dataclasses import replace

import pytest
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, locked, log_of

from xpfo_model import cost, gfp, replay
from xpfo_model.claims import access, bill, published_tables
from xpfo_model.claims import cost as unpublished
from xpfo_model.claims.inputs import Inputs
from xpfo_model.cost import Kmaps, Kunmap, kmaps
from xpfo_model.errors import CannotJudgeError, XpfoModelError
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BASE, DESKTOP, LARGE
from xpfo_model.machine import UNMAPPED
from xpfo_model.replay.reconstruct import Reconstruction, calls_of
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import PER, Design, halves, part

ZEROED = USER_MOVABLE | gfp.mask("__GFP_ZERO", "v6.1")


@pytest.fixture
def inputs(evidence):
    return Inputs(evidence)


# Parts of a bill, by hand.


def counts(name, *rows):
    log = log_of(rows)
    reconstruction = Reconstruction("v6.1", everything=True)
    run = replay.Run(name, cpus=4, zeroing=True)
    for steps in calls_of(log.chunks(), reconstruction):
        run.feed(steps, reconstruction.frames)
    return run.counts


ROWS = (
    locked(3, 1),
    locked(700, 1),
    alloc(3, ZEROED),
    alloc(700, USER_MOVABLE),
    free(3),
    alloc(3, GFP_KERNEL),
    free(3),
    alloc(3, ZEROED),
)


def test_a_batch_is_one_full_flush_and_its_kunmaps_are_apart():
    design = Design("pcp_batch")
    found = counts("pcp_batch", *ROWS)
    kunmap = design.kunmap(found)
    assert kunmap is Kunmap.ALL_CPUS
    some = part(kunmap, 3, 2, found)
    assert some.flushes == {
        "alloc": 1,
        "refill": 1,
        "block": 0,
        "alternation": 0,
        "migrate": 0,
    }
    assert some.full == {
        "alloc": 0,
        "refill": 1,
        "block": 0,
        "alternation": 0,
        "migrate": 0,
    }
    assert some.at_kunmap == 2
    # two of the refill, one for the kernel and one for the user again
    assert some.writes == 4
    rates = some.rates(kunmap)
    assert (3 * rates.one, 3 * rates.full) == pytest.approx((1, 1))
    assert rates.spared == 0
    assert 3 * rates.work(2 / 3).one == pytest.approx(1 + 2)


@pytest.mark.parametrize("name", ["pcp_batch_local", RECOMMENDED])
def test_with_a_mapping_of_one_cpu_a_kunmap_is_no_flush(name):
    found = counts(name, *ROWS)
    kunmap = Design(name).kunmap(found)
    assert kunmap is Kunmap.OWN_MAPPING
    some = part(kunmap, 3, 2, found)
    assert (some.at_kunmap, some.writes) == (0, 4)
    work = some.rates(kunmap).work(2 / 3)
    assert 3 * work.flushes == pytest.approx(2)
    assert 3 * work.local_one == pytest.approx(2)


def test_what_is_deferred_is_of_one_cpu():
    found = counts("v9", *ROWS)
    kunmap = Design("v9").kunmap(found)
    assert kunmap is Kunmap.DEFERRED
    some = part(kunmap, 3, 2, found)
    assert sum(some.flushes.values()) == 0
    assert (some.local, some.local_full) == (2, 1)


def test_zeroing_ahead_spares_a_kunmap():
    rows = (locked(3, 1), alloc(3, ZEROED))
    found = counts("pcp_batch_prezero", *rows)
    some = part(Kunmap.ALL_CPUS, 1, 1, found)
    assert some.rates(Kunmap.ALL_CPUS).spared == 1
    # the refill's flush, and what is not zeroed
    assert some.rates(Kunmap.ALL_CPUS).work(1.25).one == pytest.approx(1 + 0.25)


def test_a_part_is_the_difference_of_its_ends():
    first, whole = counts("pcp_batch", *ROWS[:4]), counts("pcp_batch", *ROWS)
    half = part(Kunmap.ALL_CPUS, 2, 1, first)
    later = part(Kunmap.ALL_CPUS, 1, 1, whole, first)
    both = part(Kunmap.ALL_CPUS, 3, 2, whole)
    for name in ("users", "zeroed", "at_kunmap", "local", "writes", "splits"):
        assert getattr(half, name) + getattr(later, name) == getattr(both, name)
    for cause, number in both.flushes.items():
        assert half.flushes[cause] + later.flushes[cause] == number


def test_a_refill_may_be_longer_than_the_ceiling_elsewhere():
    found = counts("pcp_batch", locked(3, 1), alloc(3, USER_MOVABLE))
    some = part(Kunmap.ALL_CPUS, 1, 0, found)
    assert (some.rates(Kunmap.ALL_CPUS).full, some.rates(Kunmap.ALL_CPUS).one) == (0, 1)
    long = some.rates(Kunmap.ALL_CPUS, long_refills=True)
    assert (long.full, long.one) == (1, 0)


def test_a_design_says_how_its_memory_starts():
    assert Design("per_frame").name == "per_frame"
    assert Design("per_frame").how == {}
    later = Design("per_frame", UNMAPPED)
    assert later.name == "per_frame, unmapped"
    assert later.how == {"start": "unmapped", "held": "freed"}


# On the project's traces.


@pytest.mark.parametrize("name", ["per_frame", RECOMMENDED])
def test_halves_are_the_whole(evidence, name):
    for trace in access.BUILDS:
        half, whole = evidence.halves(trace, name, zeroing=True)
        assert whole.counts == evidence.counts(trace, name, zeroing=True)
        totals = evidence.totals(trace)
        assert whole.users == totals["user_allocations"]
        assert whole.zeroed == totals["user_zeroed"]
        assert half.users == whole.users // 2


def test_a_bill_on_a_build_adds_up(inputs, evidence):
    trace = access.BUILDS[-1]
    over = halves(inputs, trace, Design("pcp_batch"))
    boot, warm, found = over.boot, over.warm, over.counts
    assert over.kunmap is Kunmap.ALL_CPUS
    totals = evidence.totals(trace)
    assert boot.at_kunmap == totals["user_zeroed"]
    assert sum(boot.flushes.values()) + boot.at_kunmap == found.flushes
    plain = evidence.counts(trace, "pcp_batch")
    assert boot.writes == plain.frames_unmapped + plain.frames_mapped
    assert (
        warm.users == totals["user_allocations"] // 2 + totals["user_allocations"] % 2
    )


def test_v6_is_billed_as_the_strict_row_is_fitted(inputs):
    for machine in (DESKTOP, LARGE):
        settings = cost.grid(published_tables.parameters(inputs))
        ends = bill.seconds(bill.rates(inputs, "v6"), machine, settings)
        row = numbers.seconds("v8", machine, numbers.STRICT)
        assert ends[0] == pytest.approx(row, rel=0.02)
        assert ends[1] == pytest.approx(row, rel=0.1)


def test_the_whole_bill_has_a_column_for_each_design_and_no_hole(inputs):
    designs = (Design("v6"), Design(RECOMMENDED), Design(RECOMMENDED, UNMAPPED))
    found = bill.bills(inputs, access.BUILDS[-1], designs)
    table = bill.whole(found, (0.5, 1.4))
    assert table.columns[1:] == tuple(design.name for design in designs)
    assert all(len(row) == len(table.columns) and all(row) for row in table.rows)
    cells = {row[0]: row[1:] for row in table.rows}
    assert cells["flushes of all CPUs at allocation"][0] == "1,000"
    assert cells["… at the last kunmap, each of a page"][1:] == ("0", "0")
    assert cells["reachable while kmapped"] == ("all CPUs", "this CPU", "this CPU")
    assert cells["invariants violated"][1:] == ("0", "0")
    assert cells["invariants violated"][0] != "0"
    assert found[0].per(found[0].boot.users) == PER
    fewer = [sum(one.boot.flushes.values()) for one in found]
    assert fewer[0] > fewer[1] > fewer[2]


# How often the kernel maps a page.


def recorded(monkeypatch, *loads):
    """Let kernels have counted so many accesses for 100 user pages of each load."""
    found = tuple(Kmaps(load, load, 4, 100, {"all": times}) for load, times in loads)
    monkeypatch.setattr(access, "recordings", lambda _: found)


def test_until_the_build_itself_is_counted_one_access_is_the_low_end(
    inputs, monkeypatch
):
    recorded(monkeypatch, ("mix", 120))
    found = access.kunmaps_parameter(inputs)
    copies = access.copied(inputs).least / 100
    least = min(
        zeroed + copies * (1 - zeroed)
        for zeroed in (access.zeroing_share(inputs, t) for t in access.BUILDS)
    )
    assert (found.low, found.high) == (least, 1.2)
    assert "zeroing" in found.source


def test_once_the_build_itself_is_counted_only_that_counts(inputs, monkeypatch):
    recorded(monkeypatch, ("mix", 120), ("cc", 80), ("cc", 84))
    found = access.kunmaps_parameter(inputs)
    assert (found.low, found.high) == (0.8, 0.84)
    assert "zeroing" not in found.source


def test_without_a_count_for_a_build_the_remedy_is_said(inputs, monkeypatch):
    recorded(monkeypatch, ("reclaim", 120))
    with pytest.raises(XpfoModelError, match="stands for a build") as caught:
        access.kunmaps_parameter(inputs)
    assert "mix" in caught.value.remedy


def test_the_pages_that_the_kernel_copies_into_are_counted_ones(inputs, monkeypatch):
    def row(recording, touched, times):
        counted = {"other_pages": 50, "other_touched": touched, "other_kmaps": times}
        workload, strategy = recording.split("-")
        facts = {"recording": recording, "workload": workload, "strategy": strategy}
        return facts | counted

    some = [row("mix-none", 40, 80), row("mix-none", 35, 55), row("reclaim-none", 9, 9)]
    # another test for a user's page
    some.append(row("mix-pcp_batch_closed", 1, 1))
    monkeypatch.setattr(access, "rows", lambda *_: some)
    assert access.copied(inputs) == (75.0, 1.8, 70.0, 80.0)
    assert access.copied(inputs, "reclaim") == (18.0, 1.0, 18.0, 18.0)
    with pytest.raises(CannotJudgeError, match="pipes"):
        access.copied(inputs, "pipes")


def test_each_recording_of_stock_behaviour_is_in_the_tables(inputs):
    found = access.recordings(inputs)
    assert found
    for one in found:
        if len(one.pairs) > 1:
            assert one.pairs[kmaps.ZEROING] > 0
            assert one.total > one.pairs[kmaps.ZEROING]
    tables = access.tables(inputs)
    pooled = sum(row[3] for row in tables["accesses"].rows)
    assert pooled == sum(one.load not in access.SINGLE for one in found)


def test_october_2018_halved_the_flush_time_and_bounds_the_kunmaps():
    assert access.october_factor() == pytest.approx(7430.464 / 3695.269)
    assert access.october_kunmaps() == pytest.approx(0.99, abs=0.005)


def test_the_rate_of_copies_that_gives_the_measured_factor(inputs):
    trace = access.BUILDS[-1]
    at = round(access.copies_at(inputs, trace, "pcp_batch", 2.01))
    near = [
        access.in_use(inputs, trace, "v6", copy_percent=at + d).flushes
        / access.in_use(inputs, trace, "pcp_batch", copy_percent=at + d).flushes
        for d in (-2, 2)
    ]
    assert near[1] < 2.01 < near[0]


# Published rows.


def test_both_readings_meet_the_row_and_neither_half_alone_does(inputs):
    found = published_tables.two_readings(inputs)
    assert found.holds
    assert not published_tables.two_readings(inputs, same_cycles=True).holds
    assert found.values["small.per_cpu"] == 245
    assert found.values["large.per_cpu"] == 242
    # a run on 4 of 96 CPUs would tell the readings apart
    assert found.values["j4.all"] > 9 * found.values["j4.jobs"]


def test_rows_of_v8_and_v9_are_taken_as_published():
    for strategy, series, configuration in (
        ("v8", "v8", "deferred+batch"),
        ("v9", "v9", "deferred+batch+free"),
    ):
        for machine in (DESKTOP, LARGE):
            base = numbers.seconds(series, machine, BASE)
            row = numbers.seconds(series, machine, configuration)
            assert bill.published(Design(strategy), machine) == row / base
    assert bill.published(Design("v6"), DESKTOP) is None


def test_parameters_have_the_work_of_v8_and_the_kernels_accesses(inputs):
    items = {p.name: p for p in published_tables.parameters(inputs)}
    assert items["v8_full"].value == pytest.approx(3789 / 134_795)
    assert items["kunmaps"].low < items["kunmaps"].high
    assert cost.grid(items.values())


def test_a_number_that_is_known_narrows_the_interval(inputs):
    items = published_tables.parameters(inputs)
    some = bill.rates(inputs, "pcp_batch")[-1]
    answer = cost.seconds(some, LARGE)
    low, high = cost.interval(answer, cost.grid(items))
    exact = [
        replace(p, low=p.value, high=p.value) if p.name == "kunmaps" else p
        for p in items
    ]
    inner = cost.interval(answer, cost.grid(exact))
    assert low <= inner[0] < inner[1] <= high
    assert inner[1] - inner[0] < 0.5 * (high - low)


def test_the_trace_on_which_a_batch_saves_least_is_named(inputs):
    worst, factor = unpublished._worst(inputs)
    assert (worst, factor) == ("forkpipe-4cpu", "1.4")
