# SPDX-License-Identifier: GPL-2.0-only
import random
from pathlib import Path

import pytest

from xpfo_model import strategies
from xpfo_model.errors import SweepError
from xpfo_model.machine import MAPPED, STARTS, UNMAPPED
from xpfo_model.strategies.kmaps import local_kunmap, physmap_kunmap
from xpfo_model.studies import explorer as study
from xpfo_model.studies import store
from xpfo_model.studies.explorer import DIRECT, LOCAL, Variant

DOCS = Path(__file__).parents[2] / "docs"
SMALL = study.point_of(10, 1 << 18, 2, 31)
RANDOM = random.Random(20170920)
SOME = RANDOM.sample(
    [p for p in study.points() if p[1] == min(study.MEMORY) and p[2] <= 4], 2
)
MANY = RANDOM.sample(study.points(), 12)


@pytest.fixture(scope="module")
def kept():
    columns = store.load(study.explorer, DOCS)
    names = list(columns)
    return [
        dict(zip(names, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def of(kept, point):
    axes = dict(zip(("pipes", "frames", "cpus", "batch"), point, strict=True))
    return [row for row in kept if all(row[k] == v for k, v in axes.items())]


def same_as_the_model(kept, point):
    results = [study.run_task(study.point_of(*point), seed) for seed in study.SEEDS]
    assert study.rows_of(point, results) == of(kept, point)


@pytest.mark.parametrize("point", SOME, ids=str)
def test_a_kept_row_is_what_the_model_says_today(kept, point):
    same_as_the_model(kept, point)


@pytest.mark.slow
@pytest.mark.parametrize("point", MANY, ids=str)
def test_so_are_those_of_larger_machines(kept, point):
    same_as_the_model(kept, point)


def test_a_row_for_each_machine_start_and_strategy(kept):
    wanted = len(study.points()) * len(study.SHOWN) * len(STARTS)
    keys = {
        (*(row[k] for k in ("pipes", "frames", "cpus", "batch", "start", "strategy")),)
        for row in kept
    }
    assert len(kept) == len(keys) == wanted


def test_every_number_is_in_its_interval(kept):
    for row in kept:
        for way in study.WAYS:
            for name in study.COUNTED:
                low, middle, high = (
                    row[f"{way}_{name}{end}"] for end in ("_low", "", "_high")
                )
                assert 0 <= low <= middle <= high


def test_only_the_direct_map_is_flushed_at_kunmap(kept):
    assert {row["local_kunmap_high"] for row in kept} == {0}
    assert min(row["direct_kunmap_low"] for row in kept) > 0


def test_what_is_safe_as_written_leaves_nothing_reachable(kept):
    safe = [row for row in kept if strategies.REGISTRY[row["strategy"]].safe]
    assert {row["local_exposed_high"] for row in safe} == {0}


def test_v6_protects_nothing_without_its_kunmap(kept):
    some = [r for r in kept if r["strategy"] == "v6" and r["start"] == MAPPED]
    assert min(row["local_exposed_low"] for row in some) == 100


@pytest.mark.parametrize("name", study.SHOWN)
def test_a_way_replaces_hooks_only_if_it_is_not_the_strategys_own(name):
    own = strategies.functions(name)["kunmap"]
    found = {way: study.hooks(name, way) for way in study.WAYS}
    if own is local_kunmap:
        assert found[LOCAL] == {}
        assert found[DIRECT]["kunmap"] is physmap_kunmap
    else:
        assert found[DIRECT] == {}
        assert found[LOCAL]["kunmap"] is local_kunmap


def test_the_baseline_has_no_way():
    assert study.hooks(strategies.BASELINE, LOCAL) == {}


def test_a_variant_alone_counts_what_it_counts_among_others():
    variants = [Variant("pcp_batch", UNMAPPED, DIRECT)]
    (alone,) = study.run_task(SMALL, 3, variants)
    assert alone == study.run_task(SMALL, 3)[study.VARIANTS.index(variants[0])]


def test_rates_are_medians_and_the_least_and_the_most_of_six_seeds():
    per = {"users": 1000, "whole": 50}
    counted = [
        {"ahead": n, "full": 0, "kunmap": 2 * n, "exposed": n} | per
        for n in (5, 1, 2, 3, 4, 9)
    ]
    found = study.rates(counted)
    assert found["ahead"] == (3.5, 1, 9)
    assert found["exposed"] == (7, 2, 18)


def test_memory_that_is_too_small_is_an_error():
    with pytest.raises((SweepError, store.XpfoModelError)):
        study.run_task(study.point_of(50, 1 << 11, 16, 63), 0)
