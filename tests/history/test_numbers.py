# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.errors import XpfoModelError
from xpfo_model.history import numbers
from xpfo_model.history.numbers import (
    BASE,
    BATCH,
    BATCH_NO_FLUSH,
    DEFERRED,
    DEFERRED_BATCH,
    DESKTOP,
    DUAL,
    LARGE,
    NO_FLUSH,
    ROWS,
    STRICT,
    Confidence,
)

MEASURED = [row for row in ROWS if row.seconds is not None]
MISPRINTED = [row for row in MEASURED if "the minutes give" in row.note]
"""Rows whose printed ratio does not follow from the printed times."""


def decimals(number):
    return len(str(number).partition(".")[2])


@pytest.mark.parametrize(
    "row",
    [row for row in MEASURED if row not in MISPRINTED],
    ids=lambda r: f"{r.series} {r.machine.name} {r.configuration}",
)
def test_the_printed_ratio_follows_from_the_seconds(row):
    base = numbers.seconds(row.series, row.machine, BASE)
    unit = 10.0 ** -decimals(row.ratio)
    # v8 prints 1.31x for 1.3095 and 1.28x for 1.2751: the last digit is rounded
    assert row.seconds / base == pytest.approx(row.ratio, abs=unit / 2 * 1.1)


def test_a_ratio_that_does_not_follow_is_told_with_the_one_that_does():
    (row,) = MISPRINTED
    base = numbers.seconds(row.series, row.machine, BASE)
    assert row.ratio == 1.08
    assert 100 * (row.seconds / base - 1) == pytest.approx(5.5, abs=0.05)
    assert row.note.endswith("5.5%")


def test_minutes_of_september_2018_are_its_seconds():
    for configuration, minutes, seconds in (
        (BASE, 52, 54.036),
        (NO_FLUSH, 55, 47.897),
        (STRICT, 434, 8.645),
    ):
        found = numbers.seconds("2018-09", numbers.TWO_8160, configuration)
        assert found == pytest.approx(60 * minutes + seconds)


def test_three_strict_runs_of_that_machine_agree_on_the_excess():
    early = numbers.excess("2018-09", numbers.TWO_8160)
    for series in ("v7", "v8"):
        assert numbers.excess(series, LARGE) == pytest.approx(early, rel=0.06)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.series} {r.configuration}")
def test_every_row_has_a_source(row):
    assert bool(row.mail) is (row.confidence is not Confidence.UNVERIFIED)
    if row.seconds:
        assert row.confidence is Confidence.PRIMARY
    assert row.seconds or row.ratio


def test_no_row_is_published_twice():
    keys = [(r.series, r.machine, r.configuration) for r in ROWS]
    assert len(set(keys)) == len(keys)


def test_the_large_rows_of_v8_are_those_of_v7_times_one_factor():
    base, strict = (
        numbers.seconds("v8", LARGE, c) / numbers.seconds("v7", LARGE, c)
        for c in (BASE, STRICT)
    )
    assert base == pytest.approx(1.0391, abs=5e-5)
    assert strict == pytest.approx(base, rel=2e-5)


def test_the_small_base_and_strict_rows_of_v8_are_those_of_v7():
    for configuration in (BASE, STRICT):
        v7, v8 = (numbers.seconds(s, DESKTOP, configuration) for s in ("v7", "v8"))
        assert v7 == v8


def test_the_deferred_rows_were_measured_anew():
    for machine in (LARGE, DESKTOP):
        assert numbers.seconds("v8", machine, DEFERRED) > numbers.seconds(
            "v7", machine, DEFERRED
        )


def test_the_batch_of_october_halves_what_the_flush_costs():
    alone = numbers.seconds("2018-10", DUAL, STRICT) - numbers.seconds(
        "2018-10", DUAL, NO_FLUSH
    )
    batched = numbers.seconds("2018-10", DUAL, BATCH) - numbers.seconds(
        "2018-10", DUAL, BATCH_NO_FLUSH
    )
    assert alone == pytest.approx(7430.5, abs=0.05)
    assert batched == pytest.approx(3695.3, abs=0.05)
    assert alone / batched == pytest.approx(2.01, abs=0.005)


def test_what_deferral_and_batch_remove():
    for machine, deferral, batch in ((LARGE, 98.3, 27.9), (DESKTOP, 80.0, 4.2)):
        strict, deferred, both = (
            numbers.excess("v8", machine, c) for c in (STRICT, DEFERRED, DEFERRED_BATCH)
        )
        assert 100 * (1 - deferred / strict) == pytest.approx(deferral, abs=0.05)
        assert 100 * (1 - both / deferred) == pytest.approx(batch, abs=0.05)


def test_the_flush_costs_add_up_to_what_the_mail_adds_them_up_to():
    assert [row.pages for row in numbers.FLUSH_COSTS] == [None, *range(1, 36)]
    total = sum(row.share for row in numbers.FLUSH_COSTS)
    assert total == pytest.approx(98.62, abs=0.1)  # each row is rounded
    assert numbers.flush_cycles(1) < numbers.flush_cycles(33)


def test_a_number_that_was_not_published_is_named():
    with pytest.raises(XpfoModelError, match="no published number of 'batch' of v8"):
        numbers.find("v8", LARGE, BATCH)
    with pytest.raises(XpfoModelError, match="no seconds"):
        numbers.seconds("2017", numbers.TYCHO_LARGE, STRICT)
