# SPDX-License-Identifier: GPL-2.0-only
from itertools import product

import pytest

from xpfo_model import claims, cost
from xpfo_model.claims import explorer
from xpfo_model.claims.access import copied
from xpfo_model.claims.inputs import Inputs
from xpfo_model.cost import Kind, Work
from xpfo_model.machine import MAPPED
from xpfo_model.studies import explorer as study
from xpfo_model.studies.explorer import DIRECT, LOCAL

ROW = {
    "cpus": 4,
    **{f"{way}_{name}": 0.0 for way, name in product(study.WAYS, study.COUNTED)},
    "direct_ahead": 100.0,
    "direct_full": 25.0,
    "direct_kunmap": 1000.0,
    "local_ahead": 50.0,
}


def test_the_claim_stands(verdict_of):
    verdict = verdict_of(explorer.IDENTITY)
    assert verdict.stands, verdict.complaint


class Changed(Inputs):
    """Evidence in which a mapping of one CPU is flushed on all."""

    def kept(self, item):
        columns = super().kept(item)
        return columns | {
            f"local_kunmap{end}": columns[f"direct_kunmap{end}"]
            for end in explorer.ENDS
        }


def test_the_claim_falls_if_a_mapping_of_one_cpu_is_flushed_on_all(evidence):
    find = claims.REGISTRY[explorer.IDENTITY].find
    assert not find(Changed(evidence)).holds


def test_the_kernel_copies_into_as_many_pages_as_kernels_counted(evidence):
    build = copied(Inputs(evidence))
    assert build.percent == pytest.approx(study.COPIED, abs=0.2)
    assert build.copies == pytest.approx(study.COPIES, abs=0.1)


def test_the_work_of_each_way():
    assert explorer.work(ROW, DIRECT) == Work(one=1.075, full=0.025)
    assert explorer.work(ROW, LOCAL) == Work(one=0.05, local_one=1.0)


def test_seconds_are_the_cost_models():
    v = cost.values(cost.PARAMETERS)
    work = Work(one=1.0, full=0.5, local_one=2.0)
    wanted = (
        cost.flush_cycles(Kind.INTERRUPT, 1, 4, 1000, v)
        + 0.5 * cost.flush_cycles(Kind.INTERRUPT, cost.FULL, 4, 1000, v)
        + 2 * cost.local_cycles(1, v)
    )
    found = explorer.seconds(work, 4, 1000, v)
    assert found * explorer.CLOCK == pytest.approx(wanted * explorer.MILLION)


def test_a_machine_of_one_cpu_sends_no_interrupt():
    v = cost.values(cost.PARAMETERS)
    few, many = (explorer.seconds(Work(one=1.0), 1, ipi, v) for ipi in (0, 9000))
    assert few == many > 0


def test_ends_of_parameters_are_low_and_high():
    ends = explorer.ends_of_parameters()
    for item in cost.PARAMETERS:
        found = [ends[end][item.name] for end in explorer.ENDS]
        assert found == [item.value, item.low, item.high]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((0.0, 0.0, 0.0), "0"),
        ((919.03, 919.0, 919.2), "919"),
        ((1234.5, 1000, 2000.0), "1,230 (1,000 to 2,000)"),
        ((0.00123, 0.0, 0.5), "0.00123 (0 to 0.5)"),
        ((0.0000123, 0.0, 0.001), "<0.001 (0 to 0.001)"),
    ],
)
def test_numbers_with_their_interval(ends, told):
    assert explorer.with_ends(ends, 3) == told


def test_the_first_machine_is_one_of_the_study(evidence):
    some = explorer.standard(explorer.rows(Inputs(evidence)))
    assert [row["strategy"] for row in some] == list(study.SHOWN)
    assert {row["start"] for row in some} == {MAPPED}


def test_the_first_figure_has_both_ways_of_each_strategy(evidence):
    chart = explorer.first_figure(Inputs(evidence))
    for _, dots in chart.groups:
        assert [dot.name for dot in dots] == list(study.SHOWN)
        assert all(dot.low <= dot.value <= dot.high for dot in dots)
