# SPDX-License-Identifier: GPL-2.0-only
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from xpfo_model.history import mails
from xpfo_model.history.mails import Seen

ROOT = Path(__file__).parents[2]
MAILS = mails.BY_NAME
MESSAGE_ID = re.compile(r"[\w.+=/-]+@[\w.-]+\w")
CITED = re.compile(r"\{mail\}`(?:[^`<]*<)?([^`>]+)")
FAMILY_NAME_FIRST = {"Xing Zhengjun": "Xing", "AKASHI Takahiro": "AKASHI"}


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_named_by_author_date_and_time(name):
    mail = MAILS[name]
    author = FAMILY_NAME_FIRST.get(mail.author) or mail.author.partition(" ")[2]
    stamp = f"{mail.date:%Y_%m_%d}"
    time = mail.time.replace(":", "") if mail.timed else ""
    parts = [author.upper().replace(" ", "_"), stamp, time]
    assert name == "_".join(part for part in parts if part)


def test_a_time_is_told_only_where_an_author_sent_several_that_day():
    sent = Counter((mail.author, mail.date) for mail in MAILS.values())
    for mail in MAILS.values():
        assert mail.timed is (sent[mail.author, mail.date] > 1), mail


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_has_a_subject_and_an_address(name):
    mail = MAILS[name]
    if mail.message_id:
        assert MESSAGE_ID.fullmatch(mail.message_id)
        assert mail.link == f"https://lore.kernel.org/r/{mail.message_id}"
        assert not mail.copy
    else:
        assert mail.link == mail.copy != ""
    assert mail.subject == mail.subject.strip() != ""
    assert "@" not in str(mail)


def test_no_two_mails_read_the_same_or_have_one_id():
    assert len({str(mail) for mail in MAILS.values()}) == len(MAILS)
    assert len(mails.BY_ID) == sum(bool(mail.message_id) for mail in MAILS.values())


def test_the_thread_is_in_the_order_in_which_it_was_sent():
    # the senders are an hour apart, so that the clock times are not in order
    for one, other in pairwise(mails.THREAD):
        assert one.moment < other.moment
    day = mails.HANSEN_2017_09_20_0848.date
    assert set(mails.THREAD) == {m for m in MAILS.values() if m.date == day}


def test_a_mail_that_was_not_read_says_so():
    assert {name for name, m in MAILS.items() if m.seen is Seen.NOT_SEEN} == {
        "JACKMAN_2026_07_26",
        "RAPOPORT_2022_01_27",
    }


def test_no_other_module_types_a_message_id():
    for path in (ROOT / "xpfo_model").rglob("*.py"):
        if path.parent.name not in {"mails", "strategies"}:
            for found in MESSAGE_ID.findall(path.read_text()):
                assert found not in mails.BY_ID, f"{path}: {found}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=str)
def test_every_mail_that_a_page_cites_is_known(path):
    for cited in CITED.findall(path.read_text()):
        assert mails.find(cited)
