# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model import workloads
from xpfo_model.figures import workloads as page


@pytest.fixture(scope="module")
def rows(evidence):
    return page.pairs(evidence, seed=1, length=2000)


def test_every_trace_stands_beside_its_mix(evidence, rows):
    assert set(workloads.LIKE) == set(evidence.names)
    assert list(rows)[:2] == ["cc-1cpu", f"{page.LIKENESS} cc-1cpu"]
    assert len(rows) == 2 * len(evidence.names)


def test_the_tables_are_aligned(rows):
    for text in (page.table(rows), page.flushes(rows)):
        lines = text.splitlines()
        assert len(lines) == len(rows) + 1
        assert len({len(line) for line in lines}) == 1
    assert len(page.ratios(rows).splitlines()) == len(rows) / 2 + 1


def test_a_trace_counts_from_its_mark(evidence, rows):
    log = evidence.log("cc-1cpu")
    whole = workloads.statistics(log)
    assert rows["cc-1cpu"].statistics.allocations < whole.allocations
    assert rows["cc-1cpu"].statistics.user > whole.user


def test_the_mix_of_forks_and_pipes_is_like_its_trace(evidence):
    trace = page.of_trace(evidence, "forkpipe-4cpu").statistics
    like = workloads.LIKE["forkpipe-4cpu"]
    mix = page.of_load(
        like.load(page.layout_of(evidence, "forkpipe-4cpu"), seed=3, length=40_000)
    )
    assert mix.statistics.user == pytest.approx(trace.user, abs=0.05)
    assert mix.statistics.elsewhere == pytest.approx(trace.elsewhere, abs=0.1)
    assert mix.statistics.run == pytest.approx(trace.run, rel=0.2)
    assert mix.statistics.life[2] == pytest.approx(trace.life[2], rel=0.3)


def test_the_figure_is_in_the_page_wide_and_narrow_and_says_what_it_shows(rows):
    chart = page.lifetimes(rows)
    text = page.as_html(chart)
    for kind in ("wide", "narrow"):
        assert f'class="chart {kind}" role="img" aria-label="{chart.title}. ' in text
    assert text.count("<svg ") == text.count("</svg>") == 2
