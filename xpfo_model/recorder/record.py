# SPDX-License-Identifier: GPL-2.0-only
"""Record this machine's page allocator: the kmem events, all of them, in order.

The events stay in the kernel's buffers until the recording has ended; then the
kernel merges the buffers of all CPUs by time into one text, the file ``trace``.
Reading ``trace_pipe`` meanwhile would need smaller buffers, but it takes what is
there: an event that another CPU is still writing comes late, out of order, and
every page of text takes a page, whose own events make more text. The price is that
the buffers bound the length. One that fills up ends the recording early, and says
so, before anything is lost.

Everything is recorded, the recorder too: what it allocates, others free, and a
trace without its allocations would have frees out of nowhere. It sleeps while it
records, so that this is little.
"""

import contextlib
import os
import platform
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from xpfo_model.errors import RecordError
from xpfo_model.events import (
    EVENT_NAMES,
    PAGE_FAULT_USER,
    SCHED_SWITCH,
    SYS_ENTER,
    SYS_EXIT,
)
from xpfo_model.recorder import tracefs as fs
from xpfo_model.recorder.signals import Interrupts
from xpfo_model.traces.output import whole

CLOCK: Final = "global"
"""Trace clock whose times never run backwards from one CPU to another, so that
merging by time is the order in which things happened. `local`, the default, may
differ between CPUs. kernel/trace/trace_clock.c: trace_clock_global."""

EVENT_BYTES: Final = 32
"""Bytes of ring buffer per event: 31.0 measured over 340,000 kmem events of Linux
6.18, 33.0 with 4 % of sched_switch among them."""

MEMORY_SHARE: Final = 8
"""All buffers together take this part of the free memory at most, a choice: what
they take is missing to the workload."""

MIN_BUFFER_KB: Final = 4 << 10
"""KiB of buffer per CPU, a choice: 130,000 events, seconds of a machine at work (a
CPU that forked, compressed and sorted wrote 40,000 a second)."""

MAX_BUFFER_KB: Final = 256 << 10
"""KiB of buffer per CPU, a choice: 8 million events, minutes of such work; half a
second per CPU to allocate."""

CHECK_SECONDS: Final = 0.25
"""Time between two looks at how full the buffers are. A CPU that does nothing but
fill and empty a mapping wrote 750,000 events of `EVENT_BYTES` a second, which is
6 MB between two looks: buffers above 24 MiB do not run over in between."""

FULL: Final = 0.75
"""Part of a buffer in use at which the recording ends."""

GRACE_SECONDS: Final = 5.0
"""How long an interrupted command may take to end before it is killed."""

_POSSIBLE_CPUS: Final = Path("/sys/devices/system/cpu/possible")
_ZONEINFO: Final = Path("/proc/zoneinfo")
_KILLED: Final = "a recording that was killed"

ZONEINFO_PREFIX: Final = b"# zoneinfo: "
"""How each line of /proc/zoneinfo, as the recording began, stands in its head."""

BORDER: Final = (
    *(f"raw_syscalls:{EVENT_NAMES[kind]}" for kind in (SYS_ENTER, SYS_EXIT)),
    f"exceptions:{EVENT_NAMES[PAGE_FAULT_USER]}",
)
"""Tracepoints of x86, v4.14 to v6.18."""

START_MARK: Final = "xpfo-workload-start"
END_MARK: Final = "xpfo-workload-end"


def record(
    out: str,
    *,
    sched: bool,
    border: bool,
    duration: float | None,
    command: list[str] | None,
    buffer_kb: int | None,
    tracefs: Path | None = None,
    say: Callable[[str], None],
) -> int:
    """Record the running kernel into a file; the command's exit status, or 0.

    Parameters
    ----------
    out : str
        The file; ``.gz``, ``.xz`` and ``.zst`` compress. It appears when it is whole.
    sched : bool
        Also record `sched_switch`.
    border : bool
        Also record where user space is left and entered, as far as x86 says it.
    duration : float, optional
        Seconds; without it and without a command, until interrupted.
    command : list of str, optional
        Record while it runs.
    buffer_kb : int, optional
        KiB of buffer per CPU; from the free memory if not given.
    tracefs : Path, optional
        Where tracefs is mounted, if `tracefs.find` shall not look.
    say : callable
        Takes one line for the user at a time.

    A signal ends the recording, and what was recorded is written; unless that is how
    it had to end, the status is 128 and the signal's number, as a shell's. What a
    killed recording has left is removed. Raises `RecordError`; the instance is
    removed whatever happens.
    """
    if command and duration is not None:
        raise RecordError(
            "a command says itself how long it takes",
            remedy="give --duration or a command, not both",
        )
    events = [f"kmem:{name}" for name in EVENT_NAMES[:SCHED_SWITCH]]
    if sched:
        events.append(f"sched:{EVENT_NAMES[SCHED_SWITCH]}")
    if border:
        events += BORDER
    size = buffer_kb or default_buffer_kb(_available_kb(), os.cpu_count() or 1)
    place = tracefs or fs.find()
    for name in fs.sweep(place):
        say(f"removed {place / 'instances' / name}, left by {_KILLED}")
    with (
        Interrupts() as interrupts,
        whole(out, lambda part: say(f"replaced {part}, left by {_KILLED}")) as file,
        fs.Instance(place) as instance,
    ):
        instance.write("trace_clock", CLOCK)
        instance.write("buffer_size_kb", str(size))
        for event in events:
            instance.enable(event)
        header = _header(events, size, command)
        if ZONEINFO_PREFIX not in header:
            say(f"{_ZONEINFO} cannot be read: the recording is without it")
        say(_intent(len(events), size, command, duration, interrupts.ignored))
        run = _Run(instance, interrupts, size * 1024, say)
        status = run.command(command) if command else run.sleep(duration)
        stats = instance.stats()
        _dump(instance, file, header, interrupts)
        # the kernel's own header counts what was overwritten, but not these
        for cpu in stats:
            if cpu.dropped:
                file.write(f"CPU:{cpu.cpu} [LOST {cpu.dropped} EVENTS]\n".encode())
    _report(out, stats, run.seconds, size, say)
    return status


def default_buffer_kb(available_kb: int, cpus: int) -> int:
    """KiB of buffer per CPU, from the free memory and the number of CPUs."""
    share = available_kb // MEMORY_SHARE // cpus
    return min(max(share, MIN_BUFFER_KB), MAX_BUFFER_KB)


class _Run:
    """The recording proper: from the mark at its start to the mark at its end."""

    def __init__(
        self,
        instance: fs.Instance,
        interrupts: Interrupts,
        size: int,
        say: Callable[[str], None],
    ) -> None:
        self._instance = instance
        self._interrupts = interrupts
        self._size = size
        self._say = say
        self._tracing = False
        self.seconds = 0.0
        """Time between the marks."""

    def sleep(self, duration: float | None) -> int:
        """Record for so many seconds, or until a signal."""
        deadline = None if duration is None else time.monotonic() + duration
        self._start()
        while self._tracing and not self._interrupts.received:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self._wait(left)
        self._stop()
        if duration is not None and self._interrupts.received:
            return 128 + self._interrupts.received[0]
        return 0

    def command(self, command: list[str]) -> int:
        """Record while a command runs; its exit status."""
        self._start()
        try:
            process = subprocess.Popen(command)  # noqa: S603 - it is the user's
        except OSError as error:
            raise RecordError(
                f"cannot run {command[0]}: {error.strerror}",
                remedy="give a program and its arguments after --",
            ) from None
        with process:
            try:
                while process.poll() is None and not self._interrupts.received:
                    self._wait(None)
                self._stop()
                if process.poll() is None:
                    self._end(process)
            finally:
                if process.poll() is None:
                    process.kill()
        status = process.returncode
        return 128 - status if status < 0 else status

    def _start(self) -> None:
        self._instance.write("tracing_on", "1")
        self._instance.mark(START_MARK)
        self._began = time.monotonic()
        self._tracing = True

    def _stop(self) -> None:
        if self._tracing:
            self.seconds = time.monotonic() - self._began
            self._instance.mark(END_MARK)
            self._instance.write("tracing_on", "0")
            self._tracing = False

    def _wait(self, seconds: float | None) -> None:
        """Sleep, but look at the buffers from time to time."""
        pause = CHECK_SECONDS if seconds is None else min(CHECK_SECONDS, seconds)
        self._interrupts.wait(pause)
        if not self._tracing:
            return
        fullest = max(self._instance.stats(), key=lambda cpu: cpu.used)
        if fullest.used > FULL * self._size:
            self._stop()
            self._say(
                f"STOPPED EARLY: the buffer of CPU {fullest.cpu} is full. Give a "
                f"--buffer-size above {self._size // 1024:,} KiB for more"
            )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Have the command end too, when the recording was interrupted."""
        number = self._interrupts.received[0]
        if number != signal.SIGINT:  # the terminal sends that one to both
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


def _available_kb() -> int:
    with Path("/proc/meminfo").open() as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1])
    return 0


def _intent(
    events: int,
    size: int,
    command: list[str] | None,
    duration: float | None,
    ignored: frozenset[int],
) -> str:
    until = "until interrupted" if duration is None else f"for {duration:g} s"
    if duration is None and signal.SIGINT in ignored:
        until = f"until SIGTERM, as of kill {os.getpid()}"
    if command:
        until = f"while this runs: {shlex.join(command)}"
    room = size * 1024 // EVENT_BYTES
    return (
        f"recording {events} events {until}; {size:,} KiB of buffer per CPU, "
        f"room for about {room:,} events each"
    )


def _header(events: list[str], size: int, command: list[str] | None) -> bytes:
    """Comment lines about this machine, its kernel and what is recorded."""
    about = {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": str(os.cpu_count()),
        "possible cpus": _text(_POSSIBLE_CPUS).strip(),
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "clock": CLOCK,
        "buffer": f"{size} KiB per CPU",
        "events": " ".join(events),
    }
    if command:
        about["command"] = shlex.join(command).replace("\n", " ")
    lines = [f"# {name}: {text}\n" for name, text in about.items()]
    head = "".join(lines).encode(errors="backslashreplace")
    zoneinfo = _text(_ZONEINFO).encode().splitlines(keepends=True)
    return head + b"".join(ZONEINFO_PREFIX + line for line in zoneinfo)


def _text(path: Path) -> str:
    """A file that the kernel writes, or nothing where it has none."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _dump(
    instance: fs.Instance, file: IO[bytes], header: bytes, interrupts: Interrupts
) -> None:
    """Copy the merged trace, our comments below its first line."""
    already = len(interrupts.received)
    for piece in instance.text():
        first, newline, rest = piece.partition(b"\n")
        file.write(first + newline + header + rest)
        header = b""
        if len(interrupts.received) > already:
            raise RecordError("interrupted while it was written")


def _report(
    out: str,
    stats: list[fs.Stats],
    seconds: float,
    size: int,
    say: Callable[[str], None],
) -> None:
    entries = sum(cpu.entries for cpu in stats)
    fate = "none lost"
    lost = {cpu.cpu: cpu.overwritten + cpu.dropped for cpu in stats}
    if any(lost.values()):
        fate = f"{sum(lost.values()):,} LOST"
        say(
            "EVENTS WERE LOST: "
            + ", ".join(f"{n:,} of CPU {cpu}" for cpu, n in lost.items() if n)
            + f". Give a --buffer-size above {size:,} KiB"
        )
    say(f"{entries:,} events in {seconds:.1f} s, {fate}: {out}")
