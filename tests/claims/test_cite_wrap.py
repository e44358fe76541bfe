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


def test_heads_of_a_wide_table_stand_in_several_lines():
    heads = ["trace", *(f"{share}% of the pages copied" for share in (0, 25, 50, 100))]
    lines = cite.stacked(heads, [["forkpipe-4cpu", "92", "70", "46", "0"]])
    assert max(map(len, lines)) <= 72
    assert " ".join(lines[-1].split()) == "forkpipe-4cpu 92 70 46 0"
    for word in ["0%", "25%", "50%", "100%", "copied"]:
        assert word in " ".join(lines[:-1]).split()


def test_a_table_that_fits_keeps_its_heads_in_a_line():
    assert cite.stacked(["a b", "c d"], [["1", "2"]]) == ["a b  c d", "1      2"]


def test_a_table_of_long_words_is_as_wide_as_it_must_be():
    heads = ["x" * 50, "y " * 20 + "z" * 50]
    assert max(map(len, cite.stacked(heads, [["1", "2"]]))) == 101
