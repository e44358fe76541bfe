# SPDX-License-Identifier: GPL-2.0-only
"""The claims about traces over a reader's own: small, in the middle, without events."""

import re

import numpy as np
import pytest
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    USER_UNMOVABLE,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
    switch,
)

from xpfo_model import claims, gfp, report
from xpfo_model.claims import cite, prose
from xpfo_model.claims.verdict import CannotJudge
from xpfo_model.events import MM_PAGE_PCPU_DRAIN
from xpfo_model.replay import frames
from xpfo_model.studies import own

ZEROED = USER_MOVABLE | gfp.mask("__GFP_ZERO", "v6.1")
REFILL = [locked(pfn, 1) for pfn in range(4)]
AGAIN = [row for pfn in range(4) for row in (free(pfn), alloc(pfn, USER_MOVABLE))]
ALL = [
    *REFILL,
    *(alloc(pfn, ZEROED if pfn % 2 else USER_MOVABLE) for pfn in range(4)),
    *AGAIN,
    free(1),
    alloc(1, GFP_KERNEL),
    alloc(600, USER_UNMOVABLE),
    extfrag(1024, 1),
    switch(),
    {"kind": MM_PAGE_PCPU_DRAIN, "pfn": 0, "order": 0, "migratetype": 1},
]
LATER = {"format": "ftrace"}
OWN = {
    "one user page": ([*REFILL, alloc(0, ZEROED)], {"cpus": 1}),
    "no refill": ([alloc(0, ZEROED), free(0), alloc(0, ZEROED)], {"cpus": 2}),
    "nothing zeroed": ([*REFILL, alloc(0, USER_MOVABLE)], {"cpus": 1}),
    "no user": ([*REFILL, alloc(0, GFP_KERNEL)], {"cpus": 2}),
    "all": (ALL, {"cpus": 1}),
    "all, 2 CPUs": (ALL + [row | {"cpu": 1} for row in ALL], {"cpus": 2}),
    "later": (ALL, {"cpus": 2, **LATER}),
    "a kind is missing": (ALL, {"cpus": 1, "recorded": ("mm_page_alloc",)}),
}
NONSENSE = re.compile(
    r"\b(?:nan|inf)\b|(?<![\d.,])1 (?:MOVABLE )?"
    r"(?:times|refills|entries|flushes|allocations|traces|user pages)\b"
)


def log_from(rows, **facts):
    later = 5_000_000_000 if "format" in facts else 0
    return log_of(
        [row | {"time": later + 1000 * at} for at, row in enumerate(rows)],
        "mine",
        **facts,
    )


def evidence_of(rows, folder, evidence, **facts):
    return own.evidence_of(log_from(rows, **facts), folder, evidence.docs)


@pytest.mark.parametrize("name", OWN)
def test_a_report_is_written_of_any_trace(name, tmp_path, evidence):
    rows, facts = OWN[name]
    mine = evidence_of(rows, tmp_path, evidence, **facts)
    verdicts = list(report.heard(mine))
    assert "</html>" in report.page(mine, verdicts)
    for claim, verdict in verdicts:
        said = (
            [verdict.reason]
            if isinstance(verdict, CannotJudge)
            else [verdict.finding.sentence, verdict.counter.sentence]
        )
        for text in said:
            assert not NONSENSE.search(text), (claim.id, text)


def verdict_on(identity, rows, folder, evidence, **facts):
    mine = evidence_of(rows, folder, evidence, cpus=1, **facts)
    return claims.evaluate(claims.REGISTRY[identity], mine)


@pytest.mark.parametrize(
    "identity", ["few-transitions", "pcp-batch-divides", "splits-come-early"]
)
def test_a_claim_that_needs_a_boot_says_so(identity, tmp_path, evidence):
    verdict = verdict_on(identity, ALL, tmp_path, evidence, **LATER)
    assert "on mine: the trace begins after boot, and" in verdict.reason


def test_a_trace_without_a_unit_of_time_does_not_say(tmp_path, evidence):
    facts = {**LATER, "clock": "ticks"}
    verdict = verdict_on("few-transitions", ALL, tmp_path, evidence, **facts)
    assert "does not say whether it begins with the boot" in verdict.reason


def test_a_trace_of_the_middle_does_not_speak_of_the_boot(tmp_path, evidence):
    rows = [alloc(0, USER_MOVABLE), *4 * [free(0), alloc(0, USER_MOVABLE)]]
    verdict = verdict_on("few-transitions", rows, tmp_path, evidence, **LATER)
    assert "20% one that the trace does not name before" in verdict.finding.sentence
    assert "nobody had it" not in verdict.finding.table.columns
    assert "nobody" not in verdict.finding.chart.words.values()


def test_a_trace_from_boot_does(tmp_path, evidence):
    verdict = verdict_on("few-transitions", ALL, tmp_path, evidence)
    assert "one that nobody has had since boot" in verdict.finding.sentence
    assert "nobody had it" in verdict.finding.table.columns


def test_changes_of_types_stand_against_what_may_have_been_the_kernels(
    tmp_path, evidence
):
    rows = [alloc(0, USER_MOVABLE), alloc(1, GFP_KERNEL), alloc(2, USER_MOVABLE)]
    mine = evidence_of(rows, tmp_path, evidence, cpus=2, **LATER)
    item = claims.REGISTRY["alternations-outnumber-transitions"]
    assert "more were the kernel's" in claims.evaluate(item, mine).reason


def test_a_claim_of_several_recordings_is_none_of_one(tmp_path, evidence):
    verdict = verdict_on("blocks-or-batches-is-open", ALL, tmp_path, evidence)
    assert "needs a trace beside it" in verdict.reason


def test_few_allocations_say_nothing_of_what_is_rare(tmp_path, evidence):
    rows = [*REFILL, alloc(0, USER_MOVABLE)]
    verdict = verdict_on("ownership-changes-rare", rows, tmp_path, evidence)
    assert "no such event in 1 page allocation" in verdict.reason


def test_a_report_says_whose_downside_it_is_and_what_does_not_hold(tmp_path, evidence):
    mine = evidence_of(ALL, tmp_path, evidence, cpus=1)
    item = claims.REGISTRY["block-flips-rarest"]
    verdict = claims.evaluate(item, mine)
    assert not verdict.finding.holds
    page = report.page(mine, [(item, verdict)])
    assert f"<p>Downside, of the document's own traces: {item.downside}" in page
    assert f"Not here: {verdict.finding.chart.title}" in page


def test_a_picture_has_a_block_though_none_was_touched():
    free_mapped = np.zeros((3, 2, len(frames.STATES)), np.uint8)
    free_mapped[..., frames.FREE_MAPPED] = 255
    assert frames.touched(free_mapped).tolist() == [True, False, False]
    free_mapped[2, 1, frames.FREE_MAPPED] = 254
    assert frames.touched(free_mapped).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 flushes"), (1, "1 flush"), (2, "2 flushes"), (1000, "1,000 flushes")],
)
def test_a_number_of_things_in_words(number, said):
    assert prose.count(number, "flush", "flushes") == said
    assert prose.count(number, "time").endswith("time" if number == 1 else "times")
    assert prose.counted("1 to 2", "time") == "1 to 2 times"


def test_a_cover_letter_says_a_trace_where_it_rests_on_one(tmp_path, evidence):
    verdict = verdict_on("zeroed-half", [alloc(0, ZEROED)], tmp_path, evidence)
    text = " ".join(cite.cover_letter(verdict).split())
    assert "Hardware: a trace of v6.1 on" in text
    assert "1 CPU; one recording, no dispersion." in text
