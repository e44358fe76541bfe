# SPDX-License-Identifier: GPL-2.0-only
"""Saved logs: equal when loaded, small, and never half."""

import io
import json
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import DATA, log_of, logs, rows, with_facts

from xpfo_model import events as ev
from xpfo_model import traces
from xpfo_model.errors import TraceError, UnknownKernelError
from xpfo_model.traces import npz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("npz")


@given(logs())
def test_a_saved_log_is_equal_when_loaded(folder, log):
    log = with_facts(
        log,
        marks=((0, 5, "begin"), (len(log), 7, "end")),
        skipped={"kmalloc": 3},
        warnings={"lost-events": ev.Warned("gone", 2, 7)},
        header=("# tracer: nop",),
        recorded=("mm_page_alloc",),
        lost=None,
    )
    traces.save_npz(log, folder / "log")
    assert traces.read(folder / "log") == log


EXTREMES = [
    st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max)
    for dtype in ev.DTYPES.values()
]


@given(st.lists(st.tuples(*EXTREMES), max_size=5))
def test_no_value_is_too_large(folder, found):
    names = list(ev.DTYPES)
    log = log_of([dict(zip(names, values, strict=True)) for values in found])
    traces.save_npz(log, folder / "log")
    assert traces.read(folder / "log") == log


@given(st.lists(rows(), max_size=40))
def test_a_pid_that_no_switch_foretells(folder, found):
    log = log_of(found)
    log.events.cpu[:] %= 2
    traces.save_npz(log, folder / "log")
    assert traces.read(folder / "log") == log


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.glob("*.txt")))
def test_samples(name, folder):
    log = traces.read(DATA / name)
    traces.save_npz(log, folder / "log")
    loaded = traces.read(folder / "log")
    assert loaded == log
    assert all(
        a.dtype == b.dtype for a, b in zip(loaded.events, log.events, strict=True)
    )
    with traces.open_trace(folder / "log") as trace:
        chunks = []
        assert trace.head == trace.stream(chunks.append) == log.about
        assert sum(len(chunk.kind) for chunk in chunks) == len(log)


def test_numpy_opens_it_without_pickles(folder):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "log")
    with np.load(folder / "log", allow_pickle=False) as file:
        assert all(file[name] is not None for name in file)
        about = json.loads(file["about.json"])
    assert about["about"]["kernel"] == "v6.1"


def test_the_same_log_gives_the_same_file(folder):
    log = traces.read(DATA / "ftrace-6.1.txt")
    traces.save_npz(log, folder / "a")
    traces.save_npz(log, folder / "b")
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_a_failed_save_leaves_what_was_there(folder, monkeypatch):
    log = traces.read(DATA / "ftrace-6.1.txt")
    traces.save_npz(log, folder / "kept")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(npz, "_add", fail)
    with pytest.raises(OSError, match="no space"):
        traces.save_npz(log, folder / "kept")
    monkeypatch.undo()
    assert traces.read(folder / "kept") == log
    assert not (folder / "kept.part").exists()


def test_from_standard_input(folder, monkeypatch):
    log = traces.read(DATA / "ftrace-6.1.txt")
    traces.save_npz(log, folder / "log")
    stream = io.TextIOWrapper(io.BytesIO((folder / "log").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert traces.read("-") == log


@given(st.data())
def test_damage_is_noticed(folder, data):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "whole")
    whole = bytearray((folder / "whole").read_bytes())
    log = traces.read(folder / "whole")
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(4, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(4, len(whole) - 1))] ^= data.draw(
            st.integers(1, 255)
        )
    (folder / "damaged").write_bytes(whole)
    try:
        # some bytes of a zip file, such as dates, mean nothing
        assert traces.read(folder / "damaged") == log
    except TraceError as error:
        assert error.remedy  # noqa: PT017 - either may happen


def rewrite(source, target, **members):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            stem = name.partition(".")[0]
            content = members.get(stem, old.read(name))
            if content is not None:
                new.writestr(name, content)


def array(*values):
    content = io.BytesIO()
    np.save(content, np.array(values, np.uint8))
    return content.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        {"time": None},
        {"about": None},
        {"about": b"{"},
        {"about": b"[]"},
        {"about": b'{"format": "another"}'},
        {"cpu": array(1)},
        {"pfn": array(1)},
        {"row": array(1)},
        {"row": array(*[255] * 27)},
        {"pid": b"\x93NUMPY"},
        {"cpu": b"no array"},
    ],
)
def test_what_is_not_ours_is_refused(members, folder):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "log")
    rewrite(folder / "log", folder / "other", **members)
    with pytest.raises(TraceError) as caught:
        traces.read(folder / "other")
    assert "xpfo-model convert" in caught.value.remedy


def test_pickles_are_refused(folder):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "log")
    content = io.BytesIO()
    np.save(content, np.array([{}]), allow_pickle=True)
    rewrite(folder / "log", folder / "other", cpu=content.getvalue())
    with pytest.raises(TraceError):
        traces.read(folder / "other")


def test_a_newer_format_asks_for_a_newer_reader(folder):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "log")
    about = {"format": "xpfo-model events", "version": 99}
    rewrite(folder / "log", folder / "other", about=json.dumps(about))
    with pytest.raises(TraceError, match="newer"):
        traces.read(folder / "other")


def test_another_kernel_than_the_stored_one_is_refused(folder):
    traces.save_npz(traces.read(DATA / "ftrace-6.1.txt"), folder / "log")
    assert traces.read(folder / "log", kernel="v6.1").about.kernel == "v6.1"
    with pytest.raises(TraceError, match=r"v6\.1, not of v4\.14"):
        traces.read(folder / "log", kernel="v4.14")
    with pytest.raises(UnknownKernelError):
        traces.read(folder / "log", kernel="v2.4")
