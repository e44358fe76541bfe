# SPDX-License-Identifier: GPL-2.0-only
"""Saving in every form: whole or not at all, and nothing lost."""

import gzip
import lzma
import resource

import pytest
from hypothesis import given
from texts import DATA, logs

from xpfo_model import traces
from xpfo_model.errors import RecordError, TraceError

FORMS = ("a.npz", "a.txt", "a.gz", "a.xz", "a.zst", "a.parquet")
HEAD = """\
# kernel: 6.18.44-fc
# events: kmem:mm_page_alloc kmem:mm_page_free
# command: sh -c 'a  b'
# zoneinfo: Node 0, zone      DMA
# zoneinfo:   pages free     3840
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("save")


def with_header():
    text = (DATA / "ftrace-6.1.txt").read_text()
    return text.replace("# tracer: nop\n", "# tracer: nop\n" + HEAD, 1)


@given(logs())
def test_text_and_npz_give_the_same_to_the_letter(folder, log):
    traces.save(log, folder / "log.txt")
    read = traces.read(folder / "log.txt")
    for small in (False, True):
        with traces.open_trace(folder / "log.txt") as trace:
            traces.save(trace, folder / "log.npz", small=small)
        loaded = traces.read(folder / "log.npz")
        assert loaded == read
        assert loaded.about.as_json() == read.about.as_json()


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.glob("*.txt")))
def test_samples(name, folder):
    log = traces.read(DATA / name)
    traces.save(log, folder / "log.npz")
    loaded = traces.read(folder / "log.npz")
    assert loaded == log
    assert all(
        a.dtype == b.dtype for a, b in zip(loaded.events, log.events, strict=True)
    )


def test_text_keeps_what_the_head_of_a_trace_says(tmp_path):
    (tmp_path / "first").write_text(with_header())
    first = traces.read(tmp_path / "first").about
    assert first.zoneinfo == "Node 0, zone      DMA\n  pages free     3840\n"
    for name in ("second.npz", "third.txt", "fourth.gz"):
        with traces.open_trace(tmp_path / "first") as trace:
            traces.save(trace, tmp_path / name)
        about = traces.read(tmp_path / name).about
        for fact in ("kernel", "clock", "cpus", "release", "recorded", "zoneinfo"):
            assert getattr(about, fact) == getattr(first, fact), fact
        assert (about.marks, about.lost) == (first.marks, first.lost)
        assert "# command: sh -c 'a  b'" in about.header
        (tmp_path / name).replace(tmp_path / "first")


@pytest.mark.parametrize(
    ("name", "unpack"), [("a.gz", gzip.decompress), ("a.xz", lzma.decompress)]
)
def test_text_is_compressed_by_its_suffix(tmp_path, name, unpack):
    log = traces.read(DATA / "ftrace-6.1.txt")
    traces.save(log, tmp_path / name)
    traces.save(log, tmp_path / "a")
    assert unpack((tmp_path / name).read_bytes()) == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("name", FORMS)
def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path, name):
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    log = traces.read(DATA / "ftrace-6.1.txt")
    (tmp_path / name).write_text("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(RecordError, match="File too large") as error:
            traces.save(log, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.file == str(tmp_path / name)
    assert (tmp_path / name).read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMS)
def test_a_trace_that_is_damaged_becomes_no_file(tmp_path, name):
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    text = (DATA / "ftrace-6.1.txt").read_text()
    (tmp_path / "damaged").write_text(text[: len(text) // 2] + " mm_page_alloc: x\n")
    with (
        pytest.raises(TraceError),
        traces.open_trace(tmp_path / "damaged") as trace,
    ):
        traces.save(trace, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_a_trace_can_take_its_own_place(tmp_path):
    log = traces.read(DATA / "ftrace-6.1.txt")
    traces.save(log, tmp_path / "a.npz")
    with traces.open_trace(tmp_path / "a.npz") as trace:
        traces.save(trace, tmp_path / "a.npz", small=True)
    assert traces.read(tmp_path / "a.npz") == log


def test_only_an_npz_has_a_small_form(tmp_path):
    log = traces.read(DATA / "ftrace-6.1.txt")
    with pytest.raises(RecordError, match="small"):
        traces.save(log, tmp_path / "a.txt", small=True)
