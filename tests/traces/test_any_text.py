# SPDX-License-Identifier: GPL-2.0-only
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from texts import ALLOC, BORDER, DATA, EXTFRAG, FREE, LOCKED, SWITCH, line

from xpfo_model import events as ev
from xpfo_model.errors import TraceError, XpfoModelError
from xpfo_model.traces.text import Text

CASES = DATA / "cases"


EVENTS = (ALLOC, FREE, LOCKED, EXTFRAG, SWITCH, *BORDER)
LINES = sorted(
    {
        text
        for path in CASES.glob("*.txt")
        for text in path.read_bytes().splitlines()
        if len(text) < 300
    }
    | {line(event).encode() for event in EVENTS}
)


@st.composite
def mixed(draw):
    """Lines of all cases, in any order, some of them damaged."""
    chosen = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=8))
    text = bytearray(b"\n".join(chosen) + b"\n")
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["insert", "delete", "copy"]))
        if kind == "insert":
            odd = st.sampled_from([b" ", b"\t", b"\n", b"(", b"[", b"=> ", b"cpus=1\n"])
            text[place:place] = draw(st.one_of(odd, st.binary(max_size=3)))
        elif kind == "delete":
            del text[place : place + draw(st.integers(1, 30))]
        else:
            text[place:place] = text[: draw(st.integers(0, 60))]
    return bytes(text)


def refusal(content):
    """Read a text; the error that it is refused with, or None."""
    try:
        reader = Text(io.BytesIO(content), "test")
        for chunk in reader.chunks():
            assert (chunk.pfn >= ev.FAILED).all()
    except XpfoModelError as error:
        return error
    return None


def check(content):
    error = refusal(content)
    if error is not None:
        assert error.remedy
        assert isinstance(error, TraceError) or "GFP" in error.what


@settings(max_examples=300)
@given(mixed())
@example(b"# kernel: 1.0\n")
@example(b"# os release : " + b"9" * 500 + b".1\n")
@example(b"#P:" + b"9" * 5000 + b"\ncpus=" + b"9" * 5000 + b"\n")
@example(b"# entries-in-buffer/entries-written: 1/" + b"9" * 5000 + b"\n")
@example(b"# GFP flags of v9999.1\n")
@example(b"# cmdline : perf record -F\n# event : name = kmem:x, sample_period = \n")
def test_any_text_is_read_or_refused(content):
    check(content)


@pytest.mark.slow
@settings(max_examples=20_000)
@given(mixed())
def test_any_text_is_read_or_refused_at_length(content):
    check(content)


def test_an_event_of_every_line_of_a_case_is_used_or_refused():
    for text in LINES:
        if b"pfn=" in text:
            reader = Text(io.BytesIO(text + b"\n"), "test")
            error = refusal(text + b"\n")
            assert error.line == 1 if error else len(next(reader.chunks()).kind) == 1
