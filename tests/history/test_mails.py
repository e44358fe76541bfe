# SPDX-License-Identifier: GPL-2.0-only
import re
from pathlib import Path

import pytest

from xpfo_model.history import mails

ROOT = Path(__file__).parents[2]
MAILS = {
    name: mail for name, mail in vars(mails).items() if isinstance(mail, mails.Mail)
}
MESSAGE_ID = re.compile(r"[\w.+=/-]+@[\w.-]+\w")
CITED = re.compile(r"\{mail\}`(?:[^`<]*<)?([^`>]+)")


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_named_by_author_date_and_time(name):
    mail = MAILS[name]
    author = mail.author.partition(" ")[2] or mail.author
    if mail.author == "Xing Zhengjun":  # family name first
        author = "Xing"
    stamp = f"{mail.date:%Y_%m_%d}"
    parts = [author.upper().replace(" ", "_"), stamp, mail.time.replace(":", "")]
    assert name == "_".join(part for part in parts if part)


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_has_a_subject_and_an_address(name):
    mail = MAILS[name]
    assert MESSAGE_ID.fullmatch(mail.message_id)
    assert mail.link == f"https://lore.kernel.org/r/{mail.message_id}"
    assert mail.subject == mail.subject.strip() != ""
    assert "@" not in str(mail)


def test_no_two_mails_read_the_same_or_have_one_id():
    assert len({str(mail) for mail in MAILS.values()}) == len(MAILS)
    assert len(mails.BY_ID) == len(MAILS)


def test_no_other_module_types_a_message_id():
    for path in (ROOT / "xpfo_model").rglob("*.py"):
        if path.name != "mails.py" and path.parent.name != "strategies":
            for found in MESSAGE_ID.findall(path.read_text()):
                assert found not in mails.BY_ID, f"{path}: {found}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=str)
def test_every_mail_that_a_page_cites_is_known(path):
    for identity in CITED.findall(path.read_text()):
        assert identity in mails.BY_ID, identity
