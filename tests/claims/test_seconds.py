# SPDX-License-Identifier: GPL-2.0-only
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import claims, cost
from xpfo_model.claims import cost as unpublished
from xpfo_model.claims import published_tables
from xpfo_model.constants import TLB_SINGLE_PAGE_FLUSH_CEILING as CEILING
from xpfo_model.cost import DESIGNS, FULL, BuildCounts, Kind, flush_cycles, local_cycles
from xpfo_model.figures import draw, themes
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BASE, DEFERRED, DESKTOP, LARGE, STRICT

# as counted on the project's traces of builds
BUILDS = (
    BuildCounts("cc-1cpu", 134_795, 73_636, 859, 21_462),
    BuildCounts("cc-4cpu", 146_105, 71_870, 542, 71_797),
)
PARAMETERS = (
    *cost.PARAMETERS,
    *cost.CALIBRATED_PARAMETERS,
    *cost.share_parameters(BUILDS),
)
VALUES = cost.fitted_values(PARAMETERS)
CPUS = st.integers(1, 256)
PAGES = st.integers(1, 600)
KINDS = st.sampled_from(Kind)


@dataclass
class FakeEvidence:
    """Traces that are nothing but their counts."""

    builds: tuple[BuildCounts, ...] = BUILDS

    @property
    def names(self):
        return [build.trace for build in self.builds]

    def totals(self, name):
        build = next(b for b in self.builds if b.trace == name)
        return {"user_allocations": build.users, "user_zeroed": build.zeroed}

    def counts(self, name, strategy, *, free=None):
        build = next(b for b in self.builds if b.trace == name)
        flushes = {
            "v6": build.users,
            "per_frame": build.users // 10,
            "pcp_batch": build.batched if free is None else build.mapped_back,
        }[strategy]
        return SimpleNamespace(flushes=flushes, flushes_by_cause={"alloc": flushes})


# One flush.


@given(KINDS, PAGES, CPUS)
def test_more_cpus_never_make_a_flush_cheaper(kind, pages, cpus):
    v = VALUES | {"switch": 0.01}
    assert flush_cycles(kind, pages, cpus + 1, v) >= flush_cycles(kind, pages, cpus, v)


@given(st.integers(1, CEILING - 1))
def test_below_the_ceiling_each_page_costs_one_invlpg(pages):
    more = local_cycles(pages + 1, VALUES) - local_cycles(pages, VALUES)
    assert more == pytest.approx(VALUES["invlpg"])


@given(st.integers(CEILING + 1, 1 << 18), KINDS, CPUS)
def test_above_the_ceiling_every_flush_is_full(pages, kind, cpus):
    assert flush_cycles(kind, pages, cpus, VALUES) == flush_cycles(
        kind, FULL, cpus, VALUES
    )


@given(PAGES, CPUS)
def test_a_broadcast_costs_each_cpu_the_same(pages, cpus):
    each = local_cycles(pages, VALUES) + VALUES["ipi"]
    whole = flush_cycles(Kind.BROADCAST, pages, cpus + 1, VALUES)
    assert whole == pytest.approx((cpus + 1) * each)


def test_one_cpu_interrupts_nobody():
    assert flush_cycles(Kind.BROADCAST, FULL, 1, VALUES) == local_cycles(FULL, VALUES)


@given(PAGES, CPUS, CPUS)
def test_an_invlpgb_does_not_care_about_cpus(pages, few, many):
    assert flush_cycles(Kind.INVLPGB, pages, few, VALUES) == flush_cycles(
        Kind.INVLPGB, pages, many, VALUES
    )


def test_what_is_not_deferred_to_anyone_is_a_local_flush():
    local = local_cycles(FULL, VALUES)
    assert VALUES["switch"] == 0
    assert flush_cycles(Kind.DEFERRED, FULL, 96, VALUES) == local
    assert flush_cycles(Kind.LOCAL, FULL, 96, VALUES) == local


# Parameters.


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_every_parameter_has_unit_source_and_a_range_around_its_value(parameter):
    assert parameter.low <= parameter.value <= parameter.high
    assert parameter.unit
    assert parameter.source
    assert parameter.what


def test_what_no_source_gives_is_called_calibrated():
    calibrated = {
        p.name for p in PARAMETERS if p.confidence is numbers.Confidence.CALIBRATED
    }
    assert calibrated == {"ipi", "residue", "switch", "initiator"}


def test_the_slope_of_the_flush_cost_table_is_227_cycles():
    invlpg = next(p for p in PARAMETERS if p.name == "invlpg")
    assert invlpg.low == pytest.approx(227, abs=0.5)


# The fit.


@given(
    st.floats(0, 0.2),
    st.floats(1e7, 1e10),
    st.floats(0.5, 2),
    st.floats(0, 0.02),
    st.floats(0, 1),
)
def test_the_fitted_rows_are_met_whatever_is_not_known(
    overhead, flushes, initiator, switch, share
):
    v = cost.fitted_values(
        PARAMETERS,
        overhead=overhead,
        flushes=flushes,
        initiator=initiator,
        switch=switch,
        kunmap_share=share,
    )
    for configuration in (STRICT, DEFERRED):
        design = DESIGNS[configuration]
        assert cost.predicted_seconds(design, DESKTOP, v) == pytest.approx(
            numbers.seconds("v8", DESKTOP, configuration)
        )


def test_the_switch_share_meets_the_large_deferred_row():
    # the 4-core row is then fitted with the share as well
    low = cost.predicted_seconds(DESIGNS[DEFERRED], LARGE, VALUES)
    v = VALUES | {"switch": cost.switch_share(VALUES)}
    high = cost.predicted_seconds(DESIGNS[DEFERRED], LARGE, v)
    published_row = numbers.seconds("v8", LARGE, DEFERRED)
    assert low < published_row
    assert high == pytest.approx(published_row)


def test_the_large_strict_row_is_predicted_within_five_percent():
    for series in ("v7", "v8"):
        predicted = cost.predicted_seconds(DESIGNS[STRICT], LARGE, VALUES, series)
        assert predicted == pytest.approx(
            numbers.seconds(series, LARGE, STRICT), rel=0.05
        )
        assert predicted == pytest.approx(
            cost.read_strict(LARGE, VALUES, LARGE.cpus, series)
        )


# The shares.


def test_the_bounds_of_the_kunmap_share():
    share = next(p for p in PARAMETERS if p.name == "kunmap_share")
    assert share.low == pytest.approx(min(map(cost.zeroing_share, BUILDS)))
    assert share.high == pytest.approx(1 / 2.01, abs=0.002)


def test_the_october_row_lies_in_what_the_model_says_of_a_batch_that_maps_back():
    def left(v):
        strict = cost.build_cycles(DESIGNS[STRICT], 32, v)
        return cost.build_cycles(DESIGNS["batch, maps back"], 32, v) / strict

    low, high = cost.interval(left, PARAMETERS, ("kunmap_share", "mapped_back_factor"))
    assert low < cost.october_share() < high


# Designs.


@given(st.sampled_from([DESKTOP, LARGE]), st.floats(0, 1), st.floats(1, 1000))
def test_a_batch_lies_between_its_kunmaps_and_strict(machine, share, factor):
    v = VALUES | {"kunmap_share": share, "batch_factor": factor}
    base = numbers.seconds("v8", machine, BASE) * (1 + v["overhead"])
    strict = numbers.seconds("v8", machine, STRICT)
    batch = cost.anchored_seconds(DESIGNS["batch"], machine, v)
    slack = 1e-6
    assert base + share * (strict - base) <= batch + slack
    assert batch <= strict + slack


def test_the_strict_row_is_its_own_anchor():
    for machine in (DESKTOP, LARGE):
        assert cost.anchored_seconds(DESIGNS[STRICT], machine, VALUES) == pytest.approx(
            numbers.seconds("v8", machine, STRICT)
        )


def test_a_refill_that_fits_under_the_ceiling_is_dearer_page_by_page():
    small = cost.build_cycles(DESIGNS["batch"], 96, VALUES | {"refill_pages": 31})
    large = cost.build_cycles(DESIGNS["batch"], 96, VALUES | {"refill_pages": 63})
    assert small > large


# Ranges.


def test_a_tornado_is_sorted_and_leaves_the_others_alone():
    swings = cost.tornado(lambda v: v["overhead"] + 10 * v["kunmap_share"], PARAMETERS)
    widths = [swing.width for swing in swings]
    assert widths == sorted(widths, reverse=True)
    assert [s.parameter.name for s in swings[:2]] == ["kunmap_share", "overhead"]
    assert not any(widths[2:])


def test_an_interval_contains_every_swing():
    def answer(v):
        return cost.anchored_seconds(DESIGNS["batch"], LARGE, v)

    low, high = cost.interval(answer, PARAMETERS, unpublished.UNKNOWN)
    assert low <= cost.value_of(answer, PARAMETERS) <= high
    for swing in cost.tornado(answer, PARAMETERS):
        if swing.parameter.name in unpublished.UNKNOWN:
            assert low <= min(swing.at_low, swing.at_high)
            assert max(swing.at_low, swing.at_high) <= high


# The claims.

CLAIMS = [
    item
    for item in claims.REGISTRY.values()
    if item.find.__module__ in {published_tables.__name__, unpublished.__name__}
]


@pytest.mark.parametrize("item", CLAIMS, ids=lambda item: item.id)
def test_every_claim_of_cost_holds_and_can_fail(item):
    assert item.find(FakeEvidence()).holds
    assert not item.find(FakeEvidence(), **item.change).holds


@pytest.mark.parametrize("item", CLAIMS, ids=lambda item: item.id)
@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_every_chart_of_cost_is_drawn_in_both_themes(item, theme, tmp_path):
    path = tmp_path / "chart.svg"
    draw.save(item.find(FakeEvidence()).chart, path, theme)
    assert b"</svg>" in path.read_bytes()


def test_all_claims_of_cost_are_here():
    assert {item.id for item in CLAIMS} == {
        "excess-per-cpu-constant",
        "predicts-96-core-strict",
        "two-readings-fit",
        "order-of-rows",
        "batch-alone",
        "refill-flush-is-cheap",
        "ipi-arithmetic",
        "cost-depends-on",
    }


def test_the_excess_per_cpu_of_the_tables():
    values = published_tables.excess_per_cpu(FakeEvidence()).values
    assert (values["small"], values["v7"], values["v8"]) == (245.2, 241.8, 251.3)


def test_dave_hansens_arithmetic():
    assert cost.CPUS_OF_2017 == 112
    assert cost.received(cost.CPUS_OF_2017, cost.FAULTS_PER_SECOND) == 111e6
    assert unpublished.ipi_arithmetic(FakeEvidence()).values["million"] == 111.0


def test_batch_alone_without_zeroed_pages_has_a_wider_interval():
    bare = tuple(replace(build, zeroed=0) for build in BUILDS)
    usual = unpublished.batch_alone(FakeEvidence()).values
    wide = unpublished.batch_alone(FakeEvidence(bare)).values
    assert wide["large.low"] < usual["large.low"]
    assert wide["large.high"] == usual["large.high"]


def test_batch_alone_does_not_hold_if_no_page_is_zeroed():
    # the lower bound is what the claim rests on
    bare = tuple(replace(build, zeroed=0) for build in BUILDS)
    assert not unpublished.batch_alone(FakeEvidence(bare)).holds


def test_the_worst_trace_of_a_batch_is_named():
    values = unpublished.refill_flush(FakeEvidence()).values
    assert values["worst"] == "cc-1cpu"
