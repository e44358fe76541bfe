# SPDX-License-Identifier: GPL-2.0-only
"""Compressed files and standard input, whole, cut and damaged."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import tarfile
import zipfile

import pytest
from texts import DATA, FREE, line, with_facts

from xpfo_model import traces
from xpfo_model.errors import (
    EmptyTraceError,
    MissingToolError,
    NotATraceError,
    TraceError,
    TruncatedTraceError,
)

TEXT = (DATA / "ftrace-6.1.txt").read_bytes()


def zst(content):
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.compress(content)
    zstandard = pytest.importorskip("zstandard")
    return zstandard.ZstdCompressor().compress(content)


CODECS = {"gz": gzip.compress, "xz": lzma.compress, "zst": zst}


@pytest.fixture(params=CODECS)
def codec(request):
    return CODECS[request.param]


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def plain():
    return traces.read(DATA / "ftrace-6.1.txt")


def test_compressed_files_hold_the_same_trace(codec, tmp_path):
    path = tmp_path / "ftrace-6.1.txt"  # the name says nothing
    path.write_bytes(codec(TEXT))
    assert traces.read(path) == plain()


def test_standard_input_is_recognised_too(codec, stdin):
    expected = plain()
    expected = with_facts(expected, name="<stdin>")
    for content in (TEXT, codec(TEXT), codec(gzip.compress(TEXT))):
        stdin(content)
        assert traces.read("-") == expected


def test_members_after_one_another_and_padding(codec, tmp_path):
    path = tmp_path / "ftrace-6.1.txt"
    path.write_bytes(codec(TEXT[:100]) + codec(TEXT[100:]) + bytes(512))
    assert traces.read(path) == plain()


def test_a_cut_file_says_so(codec, tmp_path):
    whole = codec(TEXT * 50)
    path = tmp_path / "trace"
    for length in (20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(TruncatedTraceError) as caught:
            traces.read(path)
        assert caught.value.remedy
        assert caught.value.file == str(path)


def test_a_damaged_file_says_so(codec, tmp_path):
    whole = bytearray(codec(TEXT * 50))
    whole[len(whole) // 2] ^= 0xFF
    whole[len(whole) // 2 + 1] ^= 0xFF
    (tmp_path / "trace").write_bytes(whole)
    with pytest.raises(TraceError) as caught:
        traces.read(tmp_path / "trace")
    assert caught.value.remedy


def test_what_follows_the_end_is_not_dropped(codec, tmp_path):
    (tmp_path / "trace").write_bytes(codec(TEXT) + b"something")
    with pytest.raises(TraceError):
        traces.read(tmp_path / "trace")


def test_nothing_compressed_is_an_empty_trace(codec, tmp_path):
    (tmp_path / "trace").write_bytes(codec(b""))
    with pytest.raises(EmptyTraceError):
        traces.read(tmp_path / "trace")


@pytest.mark.parametrize("content", [b"\x1f\x8b", b"\x1f", b"\x7fELF\n"])
def test_little_or_nothing_of_a_file(content, tmp_path):
    (tmp_path / "trace").write_bytes(content)
    with pytest.raises((TruncatedTraceError, NotATraceError)):
        traces.read(tmp_path / "trace")


def zipped(name):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr(name, TEXT)
    return whole.getvalue()


def tarred():
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as file:
        member = tarfile.TarInfo("trace.txt")
        member.size = len(TEXT)
        file.addfile(member, io.BytesIO(TEXT))
    return whole.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "program"),
    [
        (zipped("trace.txt"), "zip archive", "unzip -p"),
        (zipped("a/b.npz"), "zip archive", "unzip -p"),
        (tarred(), "tar archive", "tar -xOf"),
        (gzip.compress(tarred()), "tar archive", "tar -xOf"),
        (bz2.compress(TEXT), "bzip2 file", "bzip2 -dc"),
        (b"BZh91AY", "bzip2 file", "bzip2 -dc"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "7-Zip archive", "7z e -so"),
        (b"\x04\x22\x4d\x18" + bytes(50), "lz4 file", "lz4 -dc"),
    ],
)
def test_an_archive_is_named_and_how_to_open_it(content, kind, program, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=kind) as caught:
        traces.read(path)
    assert caught.value.file == str(path)
    assert f"{program} {path}" in caught.value.remedy


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_and_what_to_do(encoding, codec, tmp_path):
    text = TEXT.decode().encode(encoding)
    for content in (text, codec(text)):
        (tmp_path / "a.trace").write_bytes(content)
        with pytest.raises(TraceError, match="UTF-16") as caught:
            traces.read(tmp_path / "a.trace")
        assert "save it as UTF-8" in caught.value.remedy


def test_a_byte_order_mark_is_passed_over(tmp_path):
    import hashlib

    from xpfo_model.traces.text import Text

    content = codecs.BOM_UTF8 + TEXT
    path = tmp_path / "ftrace-6.1.txt"
    path.write_bytes(content)
    read = traces.read(path)
    assert read == with_facts(plain(), sha256=hashlib.sha256(content).hexdigest())

    class Drip(io.BytesIO):
        def read(self, size=-1):
            return super().read(1)

    text = Text(Drip(content), path.name)
    list(text.chunks())
    assert text.about() == read.about

    path.write_bytes(codecs.BOM_UTF8)
    with pytest.raises(EmptyTraceError):
        traces.read(path)


def test_parquet_is_not_read_back(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    traces.save(plain(), path)
    with pytest.raises(TraceError, match="an export that is not read back") as caught:
        traces.read(path)
    assert ".npz" in caught.value.remedy
    path.write_text(f"{line(FREE, comm='PAR1').lstrip()}\n")
    assert len(traces.read(path)) == 1


def test_zstd_without_its_package_names_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "t.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    if sys.version_info >= (3, 14):
        pytest.skip("zstd is in the library")
    with pytest.raises(MissingToolError) as caught:
        traces.read(tmp_path / "t.zst")
    assert "xpfo-model[zst]" in caught.value.remedy
    assert f"zstd -dc {tmp_path / 't.zst'} | xpfo-model" in caught.value.remedy


def test_a_file_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(TraceError) as caught:
            traces.open_trace(path)
        assert str(path) in str(caught.value)
    with pytest.raises(TraceError, match="the name of the trace is empty") as caught:
        traces.open_trace("")
    assert caught.value.remedy


def test_an_error_names_the_file_as_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    for content in ("", "nothing\n", f"{line(FREE)}\n{line(FREE)[:-9]}\n", "PK\3\4"):
        (tmp_path / "some" / "a").write_text(content)
        with pytest.raises(TraceError) as caught:
            traces.read("./some/a")
        assert caught.value.file == "./some/a"


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    from xpfo_model.traces import source

    (tmp_path / "trace").write_bytes(TEXT)
    opened = source.Source(tmp_path / "trace")
    opened.close()
    monkeypatch.setattr(opened._file, "_file", Broken())
    with pytest.raises(TraceError, match="Input/output error"):
        opened.read(10)


def test_progress_counts_the_bytes_of_the_file(codec, tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(codec(TEXT))
    calls = []
    traces.read(path, progress=lambda done, total: calls.append((done, total)))
    size = path.stat().st_size
    assert calls[-1] == (size, size)
    assert calls == sorted(calls)


def test_progress_of_standard_input_has_no_total(stdin):
    stdin(TEXT)
    calls = []
    traces.read("-", progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(TEXT), 0)


def test_a_pipe_that_gives_little_at_a_time():
    from xpfo_model.events import Events
    from xpfo_model.traces.text import Text

    class Drip(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7))

    chunks = list(Text(Drip(TEXT), "x").chunks())
    assert len(Events.concatenate(chunks).kind) == len(plain())


def test_the_digest_is_that_of_the_text(codec, tmp_path):
    import hashlib

    content = f"{line(FREE)}\nrest".encode()
    (tmp_path / "trace").write_bytes(codec(content))
    about = traces.read(tmp_path / "trace").about
    assert about.sha256 == hashlib.sha256(content).hexdigest()
