# SPDX-License-Identifier: GPL-2.0-only
import contextlib
import csv
import dataclasses
import email
import email.policy
import io
import mailbox
import subprocess
from email.message import EmailMessage

import pytest
from logs import USER_MOVABLE, alloc, log_of

from xpfo_model import claims, cli, clone, strategies
from xpfo_model.claims import cite, cite_trace
from xpfo_model.replay.outcome import replay

COMMIT = "0123456789abcdef" * 3
SITE = "https://example.org/xpfo"
NAMES = ("mine.npz", "---", "diff --git", "From me", "-- ", "# é", "Index: x", "> a")
"""Names of a reader's own trace, in which mailers and git see something else."""


@pytest.fixture(scope="module")
def verdicts(verdict_of):
    return {identity: verdict_of(identity) for identity in claims.REGISTRY}


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_a_cover_letter_is_ascii_of_72_columns(verdicts, identity):
    text = cite.cover_letter(verdicts[identity], commit=COMMIT, site=SITE)
    assert text.isascii()
    assert "?" not in text.replace("claims.html", "")
    lines = text.splitlines()
    how = " ".join(lines[:2])
    assert "model" in how or "kernels that run the strategies" in how
    assert lines[-1] == f"Link: {SITE}/claims.html#{identity}"
    assert max(map(len, lines[:-1])) <= 72
    assert f"-g{COMMIT[:12]}" in text
    assert f"commit {COMMIT[:12]}" not in text  # checkpatch would look for it
    assert identity in text
    assert "Downside:" in text
    assert "Hardware:" in text or "Rests on:" in text


def test_a_cover_letter_defines_the_strategies_that_it_names(verdicts):
    text = cite.cover_letter(verdicts["pcp-batch-divides"])
    for name in ("per_frame", "pcp_batch"):
        assert f"{name}: {strategies.REGISTRY[name].what}" in " ".join(text.split())


@pytest.mark.parametrize("holds", [(False, False), (True, True), (False, True)])
def test_only_a_verdict_that_stands_has_a_cover_letter(verdicts, holds):
    one = verdicts["two-readings-fit"]
    finding, counter = (dataclasses.replace(one.finding, holds=it) for it in holds)
    with pytest.raises(ValueError, match="claim two-readings-fit"):
        dataclasses.replace(one, finding=finding, counter=counter)


def test_no_line_of_a_cover_letter_is_a_git_trailer(verdicts):
    for verdict in verdicts.values():
        text = cite.cover_letter(verdict, commit=COMMIT, site=SITE)
        found = subprocess.run(
            ["git", "interpret-trailers", "--parse"],
            input=f"Subject\n\n{text}",
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert [line.partition(":")[0] for line in found] in ([], ["Link"])


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_the_csv_holds_every_row_of_the_table(verdicts, identity):
    table = verdicts[identity].finding.table
    rows = list(csv.reader(io.StringIO(cite.as_csv(table))))
    assert tuple(rows[0]) == table.columns
    assert len(rows) == 1 + len(table.rows)
    assert all(len(row) == len(table.columns) for row in rows)


def test_bibtex_has_balanced_braces_and_the_link(verdicts):
    for identity, verdict in verdicts.items():
        entry = cite.bibtex(verdict, commit=COMMIT, site=SITE)
        assert entry.count("{") == entry.count("}")
        assert entry.startswith(f"@misc{{xpfo-model:{identity},")
        assert f"claims.html#{identity}" in entry


def test_without_a_site_there_is_no_link_and_the_text_says_so(verdicts):
    verdict = verdicts["two-readings-fit"]
    assert cite.cover_letter(verdict).splitlines()[-1] == cite.NO_LINK
    assert "url" not in cite.bibtex(verdict)


def test_the_command_prints_the_text_of_the_site_from_any_directory(
    verdicts, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clone, "commit", lambda: COMMIT)
    assert cli.main(["claims", "two-readings-fit", "--site", SITE]) == 0
    expected = cite.cover_letter(verdicts["two-readings-fit"], commit=COMMIT, site=SITE)
    assert capsys.readouterr().out == expected


@pytest.fixture(scope="module")
def texts(verdicts):
    events = [alloc(0, USER_MOVABLE)]
    own = [replay(log_of(events, name), ["v6"]) for name in NAMES]
    return [
        *(
            cite.cover_letter(verdict, commit=COMMIT, site=SITE)
            for verdict in verdicts.values()
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
    with contextlib.closing(mailbox.mbox(tmp_path / "box")) as box:
        for text in texts:
            box.add(blank.replace("*** BLURB HERE ***", text))
    with contextlib.closing(mailbox.mbox(tmp_path / "box")) as box:
        for text, mail in zip(texts, box, strict=True):
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
        assert reflowed(sent.get_content().replace("\r\n", "\n")) == text


def test_no_line_is_a_comment_a_signature_or_the_end_of_a_message(texts):
    for text in texts:
        for line in text.splitlines():
            assert not line.startswith(("#", "---", "diff -", "Index: ", ">", "From "))
            assert line == line.rstrip()
            assert len(line) <= 72 or line.startswith("Link: ")
