# SPDX-License-Identifier: GPL-2.0-only
"""Saved logs: equal when loaded, small, and whatever is done to them, no surprise."""

import dataclasses
import io
import json
import shutil
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import DATA, log_of, logs, with_facts

from xpfo_model import events as ev
from xpfo_model import traces
from xpfo_model.errors import TraceError, UnknownKernelError
from xpfo_model.traces import columns, columns_xpfo, npz
from xpfo_model.xpfo_events import XPFO_FAULT, XpfoEvents, XpfoStart

MIB = 1 << 20
BOMB = 160 * MIB
LIMIT = 100 * MIB
"""What reading takes at most: more than any file may be unpacked to without reason."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("npz")


@pytest.fixture(scope="module")
def saved(folder):
    """A file of each form; the second one has several chunks."""
    log = traces.read(DATA / "ftrace-6.1.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(npz, "_ROWS", {False: 8, True: 16})
        traces.save(log, folder / "v2.npz")
        traces.save(log, folder / "v2-small.npz", small=True)
        traces.save(with_xpfo(log), folder / "v3.npz")
    assert traces.read(folder / "v2.npz") == log
    assert traces.read(folder / "v2-small.npz") == log
    assert traces.read(folder / "v3.npz") == with_xpfo(log)
    stored = ("v2.npz", "v2-small.npz", "v3.npz")
    return [*(folder / name for name in stored), DATA / "ftrace-6.1-v1.npz"]


def with_xpfo(log):
    """The log with events of group xpfo between its own."""
    start = XpfoStart(3, 2, 5, "v6", "mapped", "direct", "posted", 1 << 18, 9, 4)
    about = dataclasses.replace(log.about, xpfo=(start,), words=("kmap", "here"))
    some = XpfoEvents.empty(9)
    some.row[:] = range(3, 12)
    some.kind[:] = XPFO_FAULT
    some.migratetype[:] = -1
    some.caller[:] = 1
    return ev.EventLog(log.events, about, some)


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
    traces.save(log, folder / "log.npz")
    assert traces.read(folder / "log.npz") == log


@given(st.lists(logs(), max_size=6), st.booleans())
def test_chunks_of_any_length_give_one_log(folder, parts, small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(npz, "_ROWS", {False: 8, True: 16})
        with (
            (folder / "log.npz").open("wb") as file,
            npz.Writer(file, "log.npz", small=small) as writer,
        ):
            for part in parts:
                writer.add(part.events)
            writer.finish(ev.About("test"))
        loaded = traces.read(folder / "log.npz")
    whole = ev.Events.concatenate([part.events for part in parts])
    assert loaded == ev.EventLog(whole, ev.About("test"))


def test_numpy_opens_it_without_pickles(folder):
    traces.save(traces.read(DATA / "ftrace-6.1.txt"), folder / "log.npz")
    with np.load(folder / "log.npz", allow_pickle=False) as file:
        assert all(file[name] is not None for name in file)
        about = json.loads(file["about.json"])
    assert about["about"]["kernel"] == "v6.1"


def test_the_same_log_gives_the_same_file(folder):
    log = traces.read(DATA / "ftrace-6.1.txt")
    with traces.open_trace(DATA / "ftrace-6.1.txt") as trace:
        traces.save(trace, folder / "a.npz")
    traces.save(log, folder / "b.npz")
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_an_event_that_no_trace_has_is_not_saved(folder):
    log = traces.read(DATA / "ftrace-6.1.txt")
    log.events.order[3] = 11
    with pytest.raises(TraceError, match=r"bad\.npz: order of an event"):
        traces.save(log, folder / "bad.npz")
    assert not (folder / "bad.npz").exists()


def test_loading_does_not_wait_for_numba(saved):
    script = (
        "import sys; from xpfo_model import traces; "
        "traces.read(sys.argv[1]); sys.exit('numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, saved[0]], check=True)


@pytest.mark.parametrize("number", range(4))
def test_from_standard_input(saved, number, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(saved[number].read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert traces.read("-") == traces.read(saved[number])


def outcome(path):
    """What is loaded is in range and can be said in text; else the error says more."""
    try:
        log = traces.read(path)
    except TraceError as error:
        assert error.file == str(path)  # noqa: PT017 - either may happen
        assert error.remedy  # noqa: PT017
        return None
    columns.check(log.events)
    columns_xpfo.check(log.xpfo)
    traces.write_text(log, io.StringIO())
    return log


def rewrite(source, target, members):
    """A zip of the members of another, some replaced, some left out, some new."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name, content in (
            {n: old.read(n) for n in old.namelist()} | members
        ).items():
            if content is not None:
                new.writestr(name, content)


def array(values, kind=np.uint8):
    content = io.BytesIO()
    np.save(content, np.asarray(values, kind))
    return content.getvalue()


def claim(shape, descr="<i8"):
    """An array that says that it has a shape, and has no values."""
    content = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue()


@given(st.data())
def test_a_changed_byte_is_noticed(folder, saved, data):
    path = data.draw(st.sampled_from(saved))
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(4, len(whole) - 1)) :]
    else:
        at = data.draw(st.integers(4, len(whole) - 1))
        whole[at] ^= data.draw(st.integers(1, 255))
    (folder / "damaged").write_bytes(whole)
    # some bytes of a zip file, such as dates, mean nothing
    assert outcome(folder / "damaged") in (None, traces.read(path))


KINDS = st.sampled_from(["u1", "i1", "u2", "i4", "u8", "i8", "f8", "c16", "?"])
SHAPES = st.lists(st.integers(0, 30), max_size=3).map(tuple)
CONTENTS = st.one_of(
    st.none(),
    st.binary(max_size=200),
    st.builds(lambda shape, kind: array(np.ones(shape), kind), SHAPES, KINDS),
    st.builds(
        claim,
        st.lists(st.integers(-(10**12), 10**12), max_size=3).map(tuple),
        KINDS.map(lambda kind: np.dtype(kind).str),
    ),
    st.lists(st.integers(0, 255), max_size=30).map(array),
    st.lists(st.integers(0, 255), max_size=30).map(lambda row: array([row])),
)


@given(st.data())
def test_changed_arrays_are_refused_or_in_range(folder, saved, data):
    path = data.draw(st.sampled_from(saved))
    with zipfile.ZipFile(path) as file:
        names = [*file.namelist(), "9/cpu.npy", "more.npy"]
    changed = st.dictionaries(st.sampled_from(names), CONTENTS, min_size=1, max_size=3)
    rewrite(path, folder / "changed", data.draw(changed))
    outcome(folder / "changed")


@given(st.data())
def test_changed_bytes_of_arrays_are_refused_or_in_range(folder, saved, data):
    path = data.draw(st.sampled_from(saved))
    with zipfile.ZipFile(path) as file:
        name = data.draw(st.sampled_from(file.namelist()))
        content = bytearray(file.read(name))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    rewrite(path, folder / "changed", {name: bytes(content)})
    outcome(folder / "changed")


@given(st.data())
def test_members_that_change_names_are_refused_or_in_range(folder, saved, data):
    path = data.draw(st.sampled_from(saved))
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(folder / "changed", "w") as new,
        warnings.catch_warnings(action="ignore"),
    ):
        names = old.namelist()
        for name in names:
            written = data.draw(st.sampled_from([name] * 9 + names))
            method = data.draw(st.sampled_from([0, 8, 12, 14]))
            new.writestr(written, old.read(name), method)
    outcome(folder / "changed")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.text(max_size=5),
    st.just("\ud800"),
    st.lists(st.integers(-3, 1 << 70), max_size=3),
    st.just({}),
)


@given(st.data())
def test_changed_facts_and_numbers_are_refused_or_in_range(folder, saved, data):
    path = data.draw(st.sampled_from(saved))
    with zipfile.ZipFile(path) as file:
        head = json.loads(file.read("about.json"))
    node, keys = head, list(head)
    while True:
        key = data.draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        node = inner
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
    if data.draw(st.integers(0, 5)):
        node[key] = data.draw(VALUES)
    else:
        del node[key]
    rewrite(path, folder / "changed", {"about.json": json.dumps(head)})
    outcome(folder / "changed")


@pytest.fixture(scope="module")
def bombs(folder):
    """Zip files of one member that unpacks to BOMB, by method and member."""
    content = array([]) + bytes(BOMB)
    found = {}
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        for name in ("0/cpu.npy", "xpfo/0/cpu.npy", "cpu.npy"):
            path = found[method, name] = folder / f"{name.replace('/', '-')}-{method}"
            with zipfile.ZipFile(path, "w") as file:
                file.writestr(name, content, method, 1)
    return found


@pytest.mark.parametrize("number", range(4))
def test_no_claim_of_a_file_takes_memory(folder, saved, bombs, number):
    with zipfile.ZipFile(saved[number]) as file:
        members = {name: file.read(name) for name in file.namelist()}
    name = next(n for n in members if n.endswith("cpu.npy"))
    head = json.loads(members["about.json"])
    found = []
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        bomb = folder / f"bomb-{method}"
        shutil.copy(bombs[method, name], bomb)
        with zipfile.ZipFile(bomb, "a") as file:
            for other in members.keys() - {name}:
                file.writestr(other, members[other])
        found.append((bomb, bomb.read_bytes()))
        # one that lies about its size, too
        lies = found[-1][1].replace(
            (BOMB + len(array([]))).to_bytes(4, "little"),
            (1000).to_bytes(4, "little"),
        )
        assert lies != found[-1][1]
        found.append((folder / f"lie-{method}", lies))
    for path, content in found:
        path.write_bytes(content)
    for shape in ((10**12,), (1, 10**12), (10**6, 10**6)):
        path = folder / f"claim{len(found)}"
        rewrite(saved[number], path, {name: claim(shape)})
        found.append((path, b""))
    for rows in (10**12, 1 << 21) if "chunks" in head else ():
        path = folder / f"rows{rows}"
        head["chunks"][0]["rows"] = rows
        rewrite(saved[number], path, {"about.json": json.dumps(head)})
        found.append((path, b""))
    del lies, content
    for path, _ in found:
        tracemalloc.start()
        with pytest.raises(TraceError, match="damaged") as error:
            traces.read(path)
        del error
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < LIMIT, path.name


def test_pickles_are_refused(folder, saved):
    content = io.BytesIO()
    np.save(content, np.array([{}]), allow_pickle=True)
    rewrite(saved[0], folder / "other", {"0/cpu.npy": content.getvalue()})
    assert outcome(folder / "other") is None


def test_a_newer_format_asks_for_a_newer_reader(folder, saved):
    head = {"format": "xpfo-model events", "version": 99}
    rewrite(saved[0], folder / "other", {"about.json": json.dumps(head)})
    with pytest.raises(TraceError, match="newer"):
        traces.read(folder / "other")


@pytest.mark.parametrize(("kind", "version"), [(ev.SCHED_SWITCH, 2), (ev.SYS_EXIT, 4)])
def test_kinds_that_an_older_reader_lacks_make_it_a_newer_format(folder, kind, version):
    row = {"kind": kind, "pfn": 0, "order": 0, "migratetype": -1}
    found = [dict.fromkeys(ev.DTYPES, 0) | {"fallback_migratetype": -1} | row]
    traces.save(log_of(found), folder / "new.npz")
    with zipfile.ZipFile(folder / "new.npz") as content:
        assert json.loads(content.read("about.json"))["version"] == version


def test_another_kernel_than_the_stored_one_is_refused(saved):
    assert traces.read(saved[0], kernel="v6.1").about.kernel == "v6.1"
    with pytest.raises(TraceError, match=r"v6\.1, not of v4\.14"):
        traces.read(saved[0], kernel="v4.14")
    with pytest.raises(UnknownKernelError):
        traces.read(saved[0], kernel="v2.4")
