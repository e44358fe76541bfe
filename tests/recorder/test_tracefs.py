# SPDX-License-Identifier: GPL-2.0-only
import errno
import os
from pathlib import Path

import pytest
from fake_tracefs import FakeTracefs

from xpfo_model.errors import RecordError
from xpfo_model.recorder import tracefs


@pytest.fixture
def fake(tmp_path, monkeypatch):
    return FakeTracefs(tmp_path / "tracing", monkeypatch)


def test_finds_the_usual_place_first(fake, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text("nodev /elsewhere tracefs rw 0 0\n")
    monkeypatch.setattr(tracefs, "_MOUNTS", mounts)
    monkeypatch.setattr(tracefs, "PLACES", (tmp_path / "none", fake.root))
    assert tracefs.find() == fake.root


def test_finds_an_unusual_mount(fake, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"proc /proc proc rw 0 0\nnodev {fake.root} tracefs rw 0 0\n")
    monkeypatch.setattr(tracefs, "_MOUNTS", mounts)
    monkeypatch.setattr(tracefs, "PLACES", ())
    assert tracefs.find() == fake.root


def test_says_how_to_mount_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tracefs, "_MOUNTS", tmp_path / "none")
    monkeypatch.setattr(tracefs, "PLACES", (tmp_path / "tracing",))
    with pytest.raises(RecordError, match="mount -t tracefs nodev"):
        tracefs.find()


def test_a_closed_place_needs_root(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(tracefs, "PLACES", (tmp_path,))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Path, "is_dir", closed)
    with pytest.raises(RecordError, match="run it as root"):
        tracefs.find()


@pytest.mark.parametrize(
    ("number", "uid", "remedy"),
    [
        (errno.EPERM, 1000, "run it as root"),
        (errno.EPERM, 0, "outside the container"),
        (errno.ENOMEM, 0, "smaller --buffer-size"),
        (errno.EROFS, 0, "mount -t tracefs"),
        (errno.EIO, 0, None),
    ],
)
def test_every_refusal_has_its_remedy(number, uid, remedy, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    error = tracefs.refused(OSError(number, os.strerror(number)), "cannot")
    assert os.strerror(number) in error.what
    assert (remedy or "") in (error.remedy or "")


def test_an_instance_does_not_trace_and_goes_away(fake):
    with tracefs.Instance(fake.root) as instance:
        assert (instance.path / "tracing_on").read_text() == "0"
        instance.mark("here")
        instance.enable("kmem:mm_page_free")
        assert b"".join(instance.text()).startswith(b"# tracer")
    assert fake.instances == []
    assert fake.last["trace_marker"] == "here"
    assert fake.last["events/kmem/mm_page_free/enable"] == "1"
    assert fake.last["events/kmem/mm_page_alloc/enable"] == "0"


def test_an_instance_goes_away_after_an_error(fake):
    with pytest.raises(KeyboardInterrupt), tracefs.Instance(fake.root):
        raise KeyboardInterrupt
    assert fake.instances == []


def test_an_instance_that_cannot_be_set_up_goes_away(fake):
    fake.missing = ("trace_marker",)
    with (
        pytest.raises(RecordError, match="cannot open trace_marker"),
        tracefs.Instance(fake.root),
    ):
        pass
    assert fake.instances == []


def test_names_the_event_that_a_kernel_lacks(fake):
    fake.missing = ("events/kmem/mm_page_free/enable",)
    with (
        pytest.raises(RecordError, match="no event kmem:mm_page_free"),
        tracefs.Instance(fake.root) as instance,
    ):
        instance.enable("kmem:mm_page_free")
    assert fake.instances == []


DEAD = 2**22 + 1  # above any pid_max


def leave(fake, *names):
    for name in names:
        (fake.root / "instances" / name).mkdir()


def test_sweeps_what_a_killed_recording_left(fake):
    leave(fake, f"xpfo-model-{DEAD}-7", f"xpfo-model-{DEAD}", "another")
    removed = tracefs.sweep(fake.root)
    assert removed == [f"xpfo-model-{DEAD}", f"xpfo-model-{DEAD}-7"]
    assert [path.name for path in fake.instances] == ["another"]


def test_sweeps_no_recording_that_goes_on(fake):
    leave(fake, f"xpfo-model-{os.getppid()}")
    with tracefs.Instance(fake.root) as instance:
        assert tracefs.sweep(fake.root) == []
        assert instance.path.exists()


def test_another_process_with_the_number_of_a_killed_recording_changes_nothing(fake):
    stale = f"xpfo-model-{os.getpid()}-1"  # nothing but init started that early
    leave(fake, stale)
    with tracefs.Instance(fake.root) as instance:
        assert tracefs.sweep(fake.root) == [stale]
        assert instance.path.exists()


def test_leaves_what_another_pid_namespace_uses(fake):
    fake.busy = (f"xpfo-model-{DEAD}-7",)
    leave(fake, *fake.busy)
    assert tracefs.sweep(fake.root) == []
    assert [path.name for path in fake.instances] == list(fake.busy)


def test_waits_for_a_reader_of_the_instance(fake, monkeypatch):
    remove, refusals = Path.rmdir, iter([errno.EBUSY, errno.EBUSY])

    def busy(path):
        for number in refusals:
            raise OSError(number, os.strerror(number))
        remove(path)

    monkeypatch.setattr(Path, "rmdir", busy)
    with tracefs.Instance(fake.root):
        pass
    assert fake.instances == []


def test_says_what_it_could_not_remove(fake, monkeypatch):
    def refuse(_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "rmdir", refuse)
    with pytest.raises(RecordError, match=r"rmdir .*xpfo-model-"):
        tracefs.Instance(fake.root).__enter__().__exit__(None, None, None)


def test_stats_of_every_cpu_in_order(fake):
    fake.cpus = [
        {"entries": n, "overrun": 2 * n, "bytes": 3 * n, "dropped": 4 * n}
        for n in range(12)
    ]
    with tracefs.Instance(fake.root) as instance:
        stats = instance.stats()
    assert stats == [tracefs.Stats(n, n, 3 * n, 2 * n, 4 * n) for n in range(12)]
