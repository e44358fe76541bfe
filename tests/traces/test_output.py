# SPDX-License-Identifier: GPL-2.0-only
import builtins
import gzip
import lzma
import os
import sys
import threading

import pytest

from xpfo_model.errors import RecordError
from xpfo_model.traces.output import ready, whole

TEXT = b"some text\n" * 1000


def _plain(data):
    return data


def _zstd(data):
    zstandard = pytest.importorskip("zstandard")
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a", _plain),
        ("a.trace", _plain),
        ("a.gz", gzip.decompress),
        ("a.xz", lzma.decompress),
        ("a.zst", _zstd),
    ],
)
def test_compresses_by_name(name, read, tmp_path):
    with whole(tmp_path / name) as file:
        file.write(TEXT)
        assert not (tmp_path / name).exists()
    assert read((tmp_path / name).read_bytes()) == TEXT
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.gz"
    path.write_text("before")
    with pytest.raises(TypeError), whole(path) as file:
        file.writelines([TEXT, None])
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path):
    path = tmp_path / "a.gz"
    path.symlink_to("/dev/full")
    with pytest.raises(RecordError, match="No space left") as error, whole(path) as f:
        f.write(os.urandom(1 << 20))
    assert error.value.file == str(path)
    assert "make room" in error.value.remedy
    assert path.is_symlink()


def test_what_a_killed_process_left_is_named_and_replaced(tmp_path):
    part = tmp_path / "a.part"
    part.write_bytes(TEXT + TEXT)
    said = []
    with whole(tmp_path / "a", said.append) as file:
        file.write(TEXT)
    assert said == [str(part)]
    assert (tmp_path / "a").read_bytes() == TEXT
    with whole(tmp_path / "a", said.append):
        pass
    assert said == [str(part)]


def test_two_do_not_write_one_file(tmp_path):
    path = tmp_path / "a"
    with whole(path) as file:
        with pytest.raises(RecordError, match="another process"), whole(path):
            pass
        file.write(TEXT)
    assert path.read_bytes() == TEXT


def test_standard_output_stays_open_and_its_failure_is_named(capfdbinary, monkeypatch):
    with whole("-") as file:
        file.write(TEXT)
    assert capfdbinary.readouterr().out == TEXT
    with open("/dev/full", "w") as full:  # noqa: PTH123 - as a shell opens it
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(RecordError, match=r"<stdout>: .*No space"), whole("-") as f:
            f.write(TEXT)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RecordError, match="No such file"), whole(tmp_path / "a" / "b"):
        pass


def test_a_pipe_is_written_to_and_stays(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    with whole(path) as file:
        file.write(TEXT)
    reader.join()
    assert got == [TEXT]
    assert path.is_fifo()


def test_a_link_to_a_file_stays_and_its_file_is_replaced(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "real").write_text("before")
    link, further = tmp_path / "a.gz", tmp_path / "b.gz"
    further.symlink_to("elsewhere/real")
    link.symlink_to(further.name)
    with pytest.raises(TypeError), whole(link) as file:
        file.writelines([TEXT, None])
    assert (folder / "real").read_text() == "before"
    with whole(link) as file:
        file.write(TEXT)
        assert (folder / "real").read_text() == "before"
    assert link.is_symlink()
    assert further.is_symlink()
    assert gzip.decompress((folder / "real").read_bytes()) == TEXT
    assert [path.name for path in folder.iterdir()] == ["real"]


def test_a_link_to_nothing_stays_and_gets_a_file(tmp_path):
    link = tmp_path / "a"
    link.symlink_to("real")
    with whole(link) as file:
        file.write(TEXT)
    assert link.is_symlink()
    assert (tmp_path / "real").read_bytes() == TEXT


def test_a_ring_of_links_is_refused(tmp_path):
    link = tmp_path / "a"
    link.symlink_to("a")
    for write in (ready, lambda path: whole(path).__enter__()):
        with pytest.raises(RecordError, match="symbolic links") as error:
            write(link)
        assert error.value.remedy
    assert link.is_symlink()


@pytest.mark.parametrize("folder", ["/proc/self/fd", "/dev/fd", "/proc/thread-self/fd"])
def test_an_open_file_is_written_on(folder, tmp_path):
    path, link = tmp_path / "a", tmp_path / "stdout"
    path.write_bytes(b"before")
    before = path.stat().st_ino
    with path.open("ab") as shell:
        link.symlink_to(f"{folder}/{shell.fileno()}")
        for name in (link, link.readlink()):
            ready(name)
            with whole(name) as file:
                file.write(TEXT)
        shell.write(b"after")
    assert link.is_symlink()
    assert path.stat().st_ino == before
    assert path.read_bytes() == b"before" + TEXT + TEXT + b"after"
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_terminal_is_written_to(tmp_path):
    master, slave = os.openpty()
    link = tmp_path / "stdout"
    link.symlink_to(os.ttyname(slave))
    with whole(link) as file:
        file.write(b"some text")
    assert os.read(master, 100) == b"some text"
    assert link.is_symlink()
    os.close(master)
    os.close(slave)


def test_a_place_where_no_file_can_be_is_refused_before_any_work(tmp_path):
    for path, why in (
        ("/proc/a.svg", "no file can be made in /proc"),
        (tmp_path, "it is a folder"),
        (tmp_path / "b" / "a", "there is no folder"),
    ):
        with pytest.raises(RecordError, match=why) as error:
            ready(path)
        assert error.value.file == str(path)
        assert error.value.remedy
    ready(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is in its library")
def test_zstd_without_its_library(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "zstandard":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RecordError, match="zst"), whole(tmp_path / "a.zst"):
        pass
    assert list(tmp_path.iterdir()) == []
