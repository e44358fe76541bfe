# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.claims import cite


@pytest.mark.parametrize("first", range(60, 74))
def test_no_line_is_taken_for_the_beginning_of_a_mail(first):
    text = f"From boot {'x' * (first - 10)} From the end {'y ' * 40}From"
    lines = cite.wrap(text).splitlines()
    assert not any(line.startswith("From ") for line in lines)
    assert all(len(line) <= 72 for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())


def test_a_text_that_begins_no_mail_is_wrapped_at_72_columns():
    lines = cite.wrap("word " * 60, "  ").splitlines()
    assert max(map(len, lines)) == 71
    assert all(line.startswith("  word") for line in lines[1:])
