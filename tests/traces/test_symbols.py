# SPDX-License-Identifier: GPL-2.0-only
"""The table of words: as a dictionary, however many words there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.traces import scan_state, symbols
from xpfo_model.traces.fields import find

SPACES = [symbols.NAME, symbols.KEY, symbols.GFP, symbols.NUMBER]
WORDS = st.tuples(st.sampled_from(SPACES), st.binary(min_size=1, max_size=40))


def found(table, space, text):
    content = memoryview(table.table)
    state = [0] * scan_state.STATE_LENGTH
    state[scan_state.WORD_SPACE] = space
    record = find(text + b"\n", 0, len(text), state, content)
    return None if record < 0 else content[record + symbols.WORD_VALUE]


@given(st.dictionaries(WORDS, st.integers(0, 1 << 62)), st.lists(WORDS))
def test_it_is_a_dictionary(content, others):
    table = symbols.SymbolTable()
    for word, value in content.items():
        table[word] = value
    for word in [*content, *others]:
        assert found(table, *word) == content.get(word)
        assert (word in table) == (word in content)
    for word, value in content.items():
        assert table[word] == value


def test_it_grows():
    table = symbols.SymbolTable()
    for n in range(5000):
        table[symbols.GFP, b"GFP_%d" % n] = n
    table[symbols.GFP, b"x" * symbols.WORD_LIMIT] = 7
    assert all(found(table, symbols.GFP, b"GFP_%d" % n) == n for n in range(5000))
    assert found(table, symbols.GFP, b"x" * symbols.WORD_LIMIT) == 7
    assert found(table, symbols.GFP, b"y" * symbols.WORD_LIMIT) is None


def test_words_of_one_hash_are_told_apart():
    # only every ninth byte is hashed
    texts = [b"a" * n + b"b" + b"a" * (69 - n) for n in range(70)]
    table = symbols.SymbolTable()
    for n, text in enumerate(texts):
        table[symbols.NAME, text] = n
    assert [found(table, symbols.NAME, text) for text in texts] == list(range(70))


def test_a_word_is_added_once():
    table = symbols.SymbolTable()
    table[symbols.KEY, b"pfn"] = 1
    with pytest.raises(KeyError):
        table[symbols.KEY, b"pfn"] = 2
