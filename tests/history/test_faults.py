# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model import strategies
from xpfo_model.checker import INVARIANTS
from xpfo_model.history import mails
from xpfo_model.history.faults import FAULTS, POSTED, READ, REMARKS, Origin

THREAD = (mails.HANSEN_2017_09_20_0848.date, mails.ANDERSEN_2017_11_09.date)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_a_fault_names_a_version_an_invariant_and_its_source(fault):
    assert fault.strategy in strategies.REGISTRY
    assert fault.invariant in INVARIANTS
    assert fault.first or fault.why
    assert fault.posted == fault.source.date


def test_no_fault_is_listed_twice():
    assert len({(f.strategy, f.invariant) for f in FAULTS}) == len(FAULTS)


def test_the_same_words_are_the_same_fault():
    by_words = {}
    for fault in FAULTS:
        by_words.setdefault(fault.what, set()).add(fault.invariant)
    assert all(len(invariants) == 1 for invariants in by_words.values())


def test_credit_is_not_given_to_a_later_mail_of_the_same_fault():
    first = {}
    for fault in POSTED:
        if fault.first:
            first.setdefault(fault.what, set()).add(fault.first.message_id)
    assert all(len(credited) == 1 for credited in first.values())


def test_a_cover_that_says_it_is_no_later_than_the_credit():
    # the covers of v8 and v9 tell of the stale entries; the first mail is older
    for fault in POSTED:
        if fault.what.startswith("other CPUs translate"):
            assert fault.first.moment < mails.AZIZ_2019_02_13.moment


def test_code_that_was_posted_is_apart_from_what_was_read_into_a_sentence():
    assert {f.origin for f in POSTED} == {Origin.POSTED}
    assert {f.origin for f in READ} == {Origin.READING}
    assert all(f.source in mails.THREAD and f.first is None for f in READ)
    assert not {f.strategy for f in POSTED} & {f.strategy for f in READ}


def test_three_faults_of_posted_code_were_not_found_in_the_mails():
    found = {(f.strategy, f.invariant) for f in POSTED if not f.first}
    assert found == {
        ("nov2017", "flush-with-irqs-on"),
        ("v8", "mark-agrees"),
        ("v9", "handed-out-unmapped"),
    }


@pytest.mark.parametrize("remark", REMARKS, ids=lambda r: r.what)
def test_a_remark_says_what_the_model_lacks(remark):
    assert remark.why_not
    assert remark.first.seen is mails.Seen.READ
