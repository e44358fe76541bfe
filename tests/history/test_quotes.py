# SPDX-License-Identifier: GPL-2.0-only
"""The words that pages quote, against the mails that they are of."""

import re
from pathlib import Path

import pytest

from xpfo_model.history import mails

ROOT = Path(__file__).parents[2]
EXCERPTS = Path(__file__).parent / "data" / "excerpts.txt"
QUOTE = re.compile(r"^```\{quote\} (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def plain(text):
    return " ".join(text.split())


def excerpts():
    parts = re.split(r"^== (\S+)$", EXCERPTS.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], map(plain, parts[1::2]), strict=True))


def quotes():
    return [
        pytest.param(name, words, id=f"{page.stem}-{number}-{name}")
        for page in sorted((ROOT / "docs").glob("*.md"))
        for number, (name, words) in enumerate(QUOTE.findall(page.read_text()))
    ]


@pytest.mark.parametrize(("name", "words"), quotes())
def test_every_quoted_word_is_in_the_mail(name, words):
    said = excerpts()[name]
    for piece in re.split(r"\s*…\s*|\n\n", words):
        assert plain(piece) in said, f"not in {name}: {piece}"


def test_an_excerpt_is_of_a_mail_whose_words_are_known():
    for name in excerpts():
        assert mails.find(name).seen is not mails.Seen.NOT_SEEN


def test_every_sentence_of_the_thread_is_on_its_page():
    quoted = {}
    for name, words in QUOTE.findall((ROOT / "docs" / "thread.md").read_text()):
        quoted[name] = f"{quoted.get(name, '')} {plain(words)}"
    thread = [name for name, mail in mails.BY_NAME.items() if mail in mails.THREAD]
    for name in thread:
        # an ellipsis is not allowed there: the page has every paragraph
        assert "…" not in quoted[name]
        for paragraph in excerpts_of(name):
            assert plain(paragraph) in quoted[name], f"{name}: {paragraph}"


def excerpts_of(name):
    text = re.split(r"^== ", EXCERPTS.read_text(), flags=re.MULTILINE)
    (own,) = [part for part in text if part.startswith(f"{name}\n")]
    return [p for p in own.partition("\n")[2].split("\n\n") if p.strip()]
