# SPDX-License-Identifier: GPL-2.0-only
"""The cover letter's text about a reader's own trace."""

import pytest
from logs import USER_MOVABLE, alloc, free, log_of

from xpfo_model import cli, traces
from xpfo_model.claims import cite_trace
from xpfo_model.replay.outcome import replay

COMMIT = "0123456789abcdef" * 3


@pytest.fixture(scope="module")
def outcome():
    events = [alloc(0, USER_MOVABLE), free(0), alloc(0, USER_MOVABLE)]
    return replay(log_of(events, "mine"), ["v6", "pcp_batch_local"])


def test_it_has_the_form_of_a_claim(outcome):
    text = cite_trace.letter(outcome, commit=COMMIT)
    lines = text.splitlines()
    assert text.isascii()
    assert max(map(len, lines)) <= 72
    assert "model" in lines[0]
    assert "2 user allocations of mine: v6 flushes 2 times" in " ".join(lines)
    assert "Hardware:" in text
    assert "Downside:" in text
    assert f"-g{COMMIT[:12]}" in text
    assert lines[-1].startswith("No link:")


def test_a_trace_without_refills_says_that_it_cannot_show_a_batch(outcome):
    text = " ".join(cite_trace.letter(outcome).split())
    assert "Note: no refill is in the trace" in text


def test_baseline_comes_first_and_each_strategy_is_defined(outcome):
    lines = cite_trace.letter(outcome).splitlines()
    table = [line.split()[0] for line in lines if line.split()[1:2] in (["2"], ["1"])]
    assert table[0] == "v6"
    assert "v6: flush at every user allocation, as posted; not safe" in lines


def test_the_command_prints_it(outcome, tmp_path, capsys):
    path = tmp_path / "mine.npz"
    traces.save(log_of([alloc(0, USER_MOVABLE)], "mine"), path)
    assert cli.main(["compare", "--cite", "--strategies", "v6", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("XPFO, counted by a model over a recorded kernel trace.")
    assert "total    synchronous" not in said, "the legend is for tables"
