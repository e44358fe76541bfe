# SPDX-License-Identifier: GPL-2.0-only
"""Facts as JSON: equal when read back, and of their types."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import gfp
from xpfo_model.events import About, Warned
from xpfo_model.traces import facts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COUNT = st.integers(0, 1 << 40)
ABOUTS = st.builds(
    About,
    name=TEXT,
    kernel=st.sampled_from(gfp.KERNELS),
    release=st.none() | TEXT,
    cpus=st.none() | COUNT,
    recorded=st.none() | st.lists(TEXT).map(tuple),
    header=st.lists(TEXT).map(tuple),
    zoneinfo=TEXT,
    lost=st.none() | COUNT,
    warnings=st.dictionaries(TEXT, st.builds(Warned, TEXT, COUNT, st.none() | COUNT)),
    skipped=st.dictionaries(TEXT, COUNT),
    marks=st.lists(st.tuples(COUNT, COUNT, TEXT)).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=5,
)


def wire(about):
    return json.loads(json.dumps(facts.as_json(about)))


@given(ABOUTS)
def test_facts_survive_json(about):
    assert facts.of_json(wire(about)) == about


@given(ABOUTS, st.sampled_from([f.name for f in dataclasses.fields(About)]), JSON)
def test_a_fact_is_of_its_type_or_refused(about, name, value):
    changed = wire(about) | {name: value}
    try:
        found = facts.of_json(changed)
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    assert wire(found) == changed


def test_what_is_absent_has_its_default():
    assert facts.of_json({"name": "a"}) == About("a")


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": "v2.4"},
        {"clock": "days"},
        {"name": "\ud800"},
        {"lost": True},
        {"lost": 1 << 63},
        {"marks": [[0, -1, "early"]]},
        {"marks": [[0, 1]]},
        {"another": 1},
    ],
)
def test_what_no_reader_finds_is_refused(change):
    with pytest.raises((ValueError, LookupError)):
        facts.of_json(wire(About("a")) | change)
