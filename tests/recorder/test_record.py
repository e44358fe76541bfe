# SPDX-License-Identifier: GPL-2.0-only
import errno
import gzip
import os
import platform
import signal
import threading
from pathlib import Path

import pytest
from fake_tracefs import TRACE, FakeTracefs

from xpfo_model import traces
from xpfo_model.errors import RecordError
from xpfo_model.recorder import record, tracefs


@pytest.fixture(autouse=True)
def _as_in_a_terminal(dispositions):
    pass


@pytest.fixture
def fake(tmp_path, monkeypatch):
    return FakeTracefs(tmp_path / "tracing", monkeypatch)


@pytest.fixture
def run(fake, tmp_path):
    """Record into a plain file; the status, what was said, what was written."""

    def run(**given):
        said = []
        settings = {
            "sched": False,
            "border": False,
            "duration": None,
            "command": None,
            "buffer_kb": 1000,
            "tracefs": fake.root,
            "say": said.append,
        }
        out = tmp_path / "out.trace"
        try:
            status = record.record(str(out), **(settings | given))
        finally:
            assert fake.instances == []
            assert not (tmp_path / "out.trace.part").exists()
        return status, "\n".join(said), out.read_text()

    return run


def test_sets_up_an_instance_of_its_own(run, fake):
    status, said, _ = run(duration=0.01)
    assert status == 0
    assert fake.last["trace_clock"] == "global"
    assert fake.last["buffer_size_kb"] == "1000"
    assert fake.last["tracing_on"] == "0"
    assert fake.last["trace_marker"] == record.START_MARK + record.END_MARK
    enabled = {name for name, text in fake.last.items() if text == "1"}
    assert len(enabled) == 6
    assert all(name.startswith("events/kmem/mm_page_") for name in enabled)
    assert "2 events in " in said
    assert ", none lost: " in said


def test_sched_switch_on_demand(run, fake):
    run(duration=0.01, sched=True)
    assert fake.last["events/sched/sched_switch/enable"] == "1"


def test_the_border_of_user_space_on_demand(run, fake):
    _, _, text = run(duration=0.01, border=True)
    enabled = {name for name, text in fake.last.items() if text == "1"}
    assert {name.split("/")[-2] for name in enabled} > {"sys_enter", "sys_exit"}
    assert "events/exceptions/page_fault_user/enable" in enabled
    assert "raw_syscalls:sys_exit exceptions:page_fault_user" in text


def test_writes_the_trace_and_who_made_it(run):
    _, _, text = run(command=["sh", "-c", "exit 0\n# done"])
    first, *header = TRACE.splitlines()
    lines = text.splitlines()
    assert lines[0] == first
    assert lines[-len(header) :] == header
    ours = lines[1 : -len(header)]
    assert f"# kernel: {platform.release()}" in ours
    assert f"# cpus: {os.cpu_count()}" in ours
    assert "# clock: global" in ours
    assert "# command: sh -c 'exit 0 # done'" in ours
    assert all(line.startswith("# ") for line in ours)


def test_zoneinfo_is_as_it_was_when_the_recording_began(run, tmp_path, monkeypatch):
    zoneinfo = tmp_path / "zoneinfo"
    # as long as that of a large machine, which has lines for every CPU and zone
    text = "Node 0, zone      DMA\n" + "              count: 0\n" * 9999
    zoneinfo.write_text(text)
    monkeypatch.setattr(record, "_ZONEINFO", zoneinfo)
    _, said, _ = run(command=["sh", "-c", f"echo later >{zoneinfo}"])
    about = traces.read(tmp_path / "out.trace").about
    assert about.zoneinfo == text
    assert about.cpus == os.cpu_count()
    assert about.release == platform.release()
    assert "cannot be read" not in said
    zoneinfo.unlink()
    _, said, written = run(duration=0.01)
    assert "zoneinfo cannot be read" in said
    assert "zoneinfo" not in written


def test_the_readers_read_it(run, tmp_path):
    run(duration=0.01)
    log = traces.read(tmp_path / "out.trace")
    assert log.events.pfn.tolist() == [0x10]
    assert log.about.lost == 0


@pytest.mark.parametrize(
    ("script", "status"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137)]
)
def test_the_status_is_the_commands(run, script, status):
    assert run(command=["sh", "-c", script])[0] == status


def test_a_command_that_is_not_there(run, tmp_path):
    with pytest.raises(RecordError, match="cannot run no-such-program"):
        run(command=["no-such-program"])
    assert not (tmp_path / "out.trace").exists()


def test_a_duration_and_a_command_contradict(run):
    with pytest.raises(RecordError, match="not both"):
        run(command=["true"], duration=1)


@pytest.mark.parametrize(
    ("duration", "number", "status"),
    [(60, signal.SIGINT, 130), (60, signal.SIGTERM, 143), (None, signal.SIGINT, 0)],
)
def test_a_signal_ends_the_recording_and_it_is_written(run, duration, number, status):
    threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
    before = signal.getsignal(number)
    got, _, text = run(duration=duration)
    assert got == status
    assert text.endswith(TRACE.splitlines()[-1] + "\n")
    assert signal.getsignal(number) == before


def test_a_signal_ends_the_command_too(run):
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert run(command=["sleep", "60"])[0] == 128 + signal.SIGTERM


def test_a_command_that_does_not_end_is_killed(run, monkeypatch):
    monkeypatch.setattr(record, "GRACE_SECONDS", 0.1)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    # nobody sends it the SIGINT that a terminal would
    assert run(command=["sleep", "60"])[0] == 128 + signal.SIGKILL


def test_an_ignored_signal_stays_ignored_and_sigterm_ends_it(run, fake):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # SIGINT to the recorder and to the command itself, then SIGTERM to the recorder
    script = "kill -INT $PPID $$; echo alive >alive; kill -TERM $PPID; exec sleep 600"
    status, _, _ = run(command=["sh", "-c", f"cd {fake.root}; {script}"])
    assert status == 128 + signal.SIGTERM
    assert (fake.root / "alive").read_text() == "alive\n"


def test_says_how_to_end_it_where_nobody_can_interrupt(run):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    status, said, _ = run()
    assert status == 0
    assert f"until SIGTERM, as of kill {os.getpid()}" in said


def test_names_and_removes_what_a_killed_recording_left(run, fake, tmp_path):
    dead = "xpfo-model-4194305-1"  # above any pid_max
    (fake.root / "instances" / dead).mkdir()
    (tmp_path / "out.trace.part").write_text("half")
    _, said, text = run(duration=0.01)
    assert f"removed {fake.root}/instances/{dead}, left by a recording that" in said
    assert f"replaced {tmp_path}/out.trace.part, left by a recording that" in said
    assert "half" not in text


def test_a_second_signal_ends_the_writing(run, fake, tmp_path, monkeypatch):
    text = tracefs.Instance.text

    def interrupted(instance):
        yield from text(instance)
        os.kill(os.getpid(), signal.SIGINT)
        yield b"more"

    monkeypatch.setattr(tracefs.Instance, "text", interrupted)
    with pytest.raises(RecordError, match="interrupted"):
        run(duration=0.01)
    assert not (tmp_path / "out.trace").exists()


def test_a_full_buffer_ends_the_recording_but_not_the_command(run, fake):
    fake.cpus[1]["bytes"] = 1000 * 1024
    # the command goes on until the recording has ended
    wait = f"until grep -q 0 {fake.root}/instances/*/tracing_on; do sleep 0.01; done"
    status, said, _ = run(command=["sh", "-c", f"{wait}; exit 3"])
    assert status == 3
    assert "STOPPED EARLY: the buffer of CPU 1 is full" in said
    assert "above 1,000 KiB" in said
    assert fake.last["trace_marker"] == record.START_MARK + record.END_MARK


def test_a_full_buffer_ends_a_duration(run, fake):
    fake.cpus[0]["bytes"] = 1000 * 1024
    status, said, _ = run(duration=60)
    assert status == 0
    assert "STOPPED EARLY" in said


def test_loss_is_said_and_written(run, fake, tmp_path):
    fake.trace = TRACE.replace("1/1", "1/6")
    fake.cpus[0]["overrun"] = 5
    fake.cpus[1]["dropped"] = 7
    _, said, text = run(duration=0.01)
    assert "EVENTS WERE LOST: 5 of CPU 0, 7 of CPU 1" in said
    assert "12 LOST" in said
    assert text.endswith("CPU:1 [LOST 7 EVENTS]\n")
    assert traces.read(tmp_path / "out.trace").about.lost == 12


def test_without_the_event_nothing_is_written(run, fake, tmp_path):
    fake.missing = ("events/kmem/mm_page_pcpu_drain/enable",)
    with pytest.raises(RecordError, match="mm_page_pcpu_drain"):
        run(duration=0.01)
    assert not (tmp_path / "out.trace").exists()


def test_without_permission(run, monkeypatch):
    def closed(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", closed)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RecordError, match="run it as root"):
        run(duration=0.01)


@pytest.mark.parametrize(
    ("available_mib", "cpus", "kb"),
    [
        (24_000, 2, record.MAX_BUFFER_KB),
        (8_000, 16, 64_000),
        (500, 64, record.MIN_BUFFER_KB),
    ],
)
def test_the_buffer_follows_the_memory(available_mib, cpus, kb):
    assert record.default_buffer_kb(available_mib * 1024, cpus) == kb


def test_without_a_size_the_buffer_follows_this_machine(run, fake):
    run(duration=0.01, buffer_kb=None)
    size = int(fake.last["buffer_size_kb"])
    assert record.MIN_BUFFER_KB <= size <= record.MAX_BUFFER_KB


def _real():
    if os.geteuid() != 0:
        return "not root"
    try:
        place = tracefs.find()
    except RecordError as error:
        return error.what
    return "" if os.access(place / "instances", os.W_OK) else "tracefs is read-only"


@pytest.mark.skipif(bool(_real()), reason=f"no recording on this machine: {_real()}")
def test_records_this_machine(tmp_path):
    place = tracefs.find()
    untouched = ("tracing_on", "trace_clock", "buffer_size_kb", "set_event")
    before = [(place / name).read_text() for name in untouched]
    out = tmp_path / "out.gz"
    said = []
    status = record.record(
        str(out),
        sched=True,
        border=True,
        duration=None,
        command=["sh", "-c", "head -c 1000000 /dev/zero | sort | wc -l; exit 5"],
        buffer_kb=16_000,
        say=said.append,
    )
    assert status == 5
    assert "none lost" in said[-1]
    assert [(place / name).read_text() for name in untouched] == before
    assert not list((place / "instances").glob(f"xpfo-model-{os.getpid()}-*"))
    log = traces.read(out)
    assert log.about.lost == 0
    assert len(log.between_marks(record.START_MARK, record.END_MARK).kind) > 100
    assert (log.events.time[1:] >= log.events.time[:-1]).all()
    assert (
        f"# kernel: {platform.release()}\n"
        in gzip.decompress(out.read_bytes()).decode()
    )
