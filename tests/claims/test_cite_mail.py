# SPDX-License-Identifier: GPL-2.0-only
"""A text for a cover letter comes out of git and of mailers as it went in."""

import email
import email.policy
import mailbox
import subprocess
from email.message import EmailMessage

import pytest
from logs import USER_MOVABLE, alloc, log_of

from xpfo_model import claims
from xpfo_model.claims import cite, cite_trace
from xpfo_model.replay.outcome import replay

COMMIT = "0123456789abcdef" * 3
SITE = "https://example.org/xpfo/v0.1.0"
NAMES = ("mine.npz", "---", "diff --git", "From me", "-- ", "# é", "Index: x", "> a")
"""Names of a reader's own trace, in which mailers and git see something else."""


@pytest.fixture(scope="module")
def texts(verdict_of):
    events = [alloc(0, USER_MOVABLE)]
    own = [replay(log_of(events, name), ["v6"]) for name in NAMES]
    return [
        *(
            cite.cover_letter(verdict_of(identity), commit=COMMIT, site=SITE)
            for identity in claims.REGISTRY
        ),
        *(cite_trace.letter(outcome, commit=COMMIT) for outcome in own),
    ]


def git(folder, *arguments, **options):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    safe = ["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *safe, *arguments],
        capture_output=True,
        text=True,
        check=True,
        **options,
    ).stdout


@pytest.fixture
def repository(tmp_path):
    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
        return folder

    return make


def test_it_comes_out_of_format_patch_and_am_as_it_went_in(texts, repository, tmp_path):
    ours, theirs = repository("ours"), repository("theirs")
    for number, text in enumerate(texts):
        (ours / str(number)).write_text("a line\n")
        git(ours, "add", "--all")
        git(
            ours, "commit", "--quiet", "--signoff", "--file=-", input=f"mm: a\n\n{text}"
        )
    sent = git(
        ours, "log", "--format=%B%x00", "HEAD", "--not", "HEAD~" + str(len(texts))
    )
    series = git(ours, "format-patch", "--stdout", f"-{len(texts)}")
    assert len(sent.split("\0")) == len(texts) + 1
    git(theirs, "am", "--quiet", input=series)
    assert git(theirs, "log", "--format=%B%x00", f"-{len(texts)}") == sent
    for text in texts:
        assert text in sent


def test_it_stands_whole_in_a_cover_letter_in_a_mailbox(texts, repository, tmp_path):
    ours = repository("ours")
    git(ours, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(ours, "format-patch", "--quiet", "--cover-letter", "--always", "-1")
    (cover,) = ours.glob("0000-*")
    blank = cover.read_text()
    box = mailbox.mbox(tmp_path / "box")
    for text in texts:
        box.add(blank.replace("*** BLURB HERE ***", text))
    box.flush()
    for text, mail in zip(texts, mailbox.mbox(tmp_path / "box"), strict=True):
        assert text in mail.get_payload()


def stuffed(text):
    """RFC 3676, 4.4: as a mailer of format=flowed sends lines that it must not mend."""
    return "".join(
        f" {line}" if line.startswith((" ", ">", "From ")) else line
        for line in text.splitlines(keepends=True)
    )


def reflowed(text):
    """RFC 3676, 4.1: a reader of format=flowed mends lines that end in a space."""
    lines = (line.removeprefix(" ") for line in text.splitlines(keepends=True))
    return "".join(
        line if line == "-- \n" or not line.endswith(" \n") else line[:-1]
        for line in lines
    )


def test_it_comes_out_of_a_mailer_of_flowed_text_as_it_went_in(texts):
    for text in texts:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["Subject"] = "[PATCH 0/1] xpfo"
        mail.set_content(
            stuffed(text), cte="quoted-printable", params={"format": "flowed"}
        )
        sent = email.message_from_bytes(bytes(mail), policy=email.policy.default)
        assert sent.get_content_subtype() == "plain"
        assert reflowed(sent.get_content()) == text


def test_no_line_is_a_comment_a_signature_or_the_end_of_a_message(texts):
    for text in texts:
        for line in text.splitlines():
            assert not line.startswith(("#", "---", "diff -", "Index: ", ">", "From "))
            assert line == line.rstrip()
            assert len(line) <= 72 or line.startswith("Link: ")
