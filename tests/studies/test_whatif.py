# SPDX-License-Identifier: GPL-2.0-only
from pathlib import Path

import pytest

from xpfo_model.allocator.profiles import PROFILES
from xpfo_model.claims import REGISTRY, evaluate
from xpfo_model.claims.whatif import rows, served, share_of, size_of
from xpfo_model.studies import store, whatif
from xpfo_model.studies.evidence import Evidence
from xpfo_model.workloads.mix import chosen

DOCS = Path(__file__).parents[2] / "docs"
STUDIES = [s for s in store.studies() if s.name.startswith("whatif-")]
IDS = [
    i for i, c in REGISTRY.items() if c.find.__module__.endswith(("whatif", "versions"))
]


@pytest.fixture(scope="module")
def evidence():
    return Evidence(DOCS / "traces")


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_each_study_is_kept_for_these_sources(study):
    columns = store.load(study, DOCS)
    assert set(columns["strategy"]) == set(whatif.STRATEGIES)
    assert min(columns["seeds"]) >= 20
    assert max(columns["failed"]) == 0
    for low, middle, high in zip(
        columns["low"], columns["flushes"], columns["high"], strict=True
    ):
        assert 0 <= low <= middle <= high


def test_the_axes_are_as_wide_as_the_question():
    assert (min(whatif.CPUS), max(whatif.CPUS)) == (1, 256)
    assert size_of(min(whatif.MEMORY)) == "512 MiB"
    assert size_of(max(whatif.MEMORY)) == "1 TiB"
    assert set(whatif.KERNELS) <= set(PROFILES)
    assert {31, 63} <= set(whatif.BATCHES)


@pytest.mark.parametrize("workload", [whatif.BUILD, whatif.READING])
def test_a_mix_is_one_that_exists(workload):
    assert sum(chosen(whatif.Point(workload).shares).values()) == pytest.approx(1)


@pytest.mark.parametrize("identity", IDS)
def test_a_claim_stands_and_its_counterfactual_does_not(identity, evidence):
    verdict = evaluate(REGISTRY[identity], evidence)
    assert verdict.stands, verdict.complaint


class Changed(Evidence):
    """Evidence in which the flushes of one strategy are those of another."""

    def __init__(self, one, other):
        super().__init__(DOCS / "traces")
        self.one, self.other = one, other

    def kept(self, study):
        columns = super().kept(study)
        names = columns["strategy"]
        rows = list(range(len(names)))
        for at in rows:
            if names[at] == self.one:
                block = at - at % len(whatif.STRATEGIES)
                rows[at] = block + whatif.STRATEGIES.index(self.other)
        changed = {key: [values[at] for at in rows] for key, values in columns.items()}
        return changed | {"strategy": names}


# refuted by recordings: Changed changes made-up machines alone
RECORDED = "blocks-or-batches-is-open"


@pytest.mark.parametrize("identity", [i for i in IDS if i != RECORDED])
def test_a_claim_falls_if_a_strategy_did_as_another_does(identity):
    others = [
        ("pcp_batch", "per_frame"),
        ("pcp_batch", "v6"),
        ("pcp_batch", "pageblock"),
        ("pageblock", "per_frame"),
        ("per_frame", "v6"),
    ]
    find = REGISTRY[identity].find
    assert not all(find(Changed(*pair)).holds for pair in others)


def test_frames_that_a_flush_serves():
    assert served({"each": 0.25}) == 4
    assert served({"each": 0}) == float("inf")


def test_the_share_of_the_second_workload():
    assert share_of("compilers:90,pipes:10") == 10


def test_rows_are_those_asked_for(evidence):
    found = rows(evidence, whatif.batch, "v6", "batch", workload=whatif.READING)
    assert list(found) == list(whatif.BATCHES)
    assert {row["workload"] for row in found.values()} == {whatif.READING}
