# SPDX-License-Identifier: GPL-2.0-only
"""An instance of the kernel's tracing: a ring buffer of our own, gone when we go.

Events, clock and buffer of an instance are its own, so that whatever else traces
on this machine goes on undisturbed and nothing is left behind.
Documentation/trace/ftrace.rst: Instances.
"""

import errno
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from xpfo_model.errors import RecordError

PLACES: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
"""Where tracefs is mounted. Documentation/trace/ftrace.rst; the second is older."""

REMOVE_SECONDS: Final = 5.0
"""How long a reader that still has a file of the instance open is waited for."""

PIECE: Final = 1 << 18
"""Bytes to ask the kernel for at once, a choice; it gives a page or so."""

_MOUNTS: Final = Path("/proc/mounts")
_PREFIX: Final = "xpfo-model-"
_NAME: Final = re.compile(rf"{_PREFIX}(\d+)(?:-(\d+))?")
_START_TIME: Final = 22 - 3
"""Of the fields that follow the name of a task in /proc/PID/stat, which the third
field is the first of: proc(5), starttime."""


class Stats(NamedTuple):
    """The kernel's statistics of the buffer of one CPU, per_cpu/cpuN/stats."""

    cpu: int
    entries: int
    """Events in the buffer."""
    used: int
    """Bytes in the buffer."""
    overwritten: int
    """Oldest events, gone because the buffer was full: `overrun`."""
    dropped: int
    """Newest events, never written: `commit overrun` and `dropped events`."""

    @classmethod
    def parse(cls, cpu: int, text: str) -> Self:
        """From the text of the file; what it does not name is 0."""
        pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
        named = {name: value.strip() for name, value in pairs}

        def number(name: str) -> int:
            return int(named.get(name, "0"))

        return cls(
            cpu,
            number("entries"),
            number("bytes"),
            number("overrun"),
            number("commit overrun") + number("dropped events"),
        )


def find() -> Path:
    """Where tracefs is mounted; raises `RecordError` with what to do if nowhere."""
    mounted = []
    if _MOUNTS.exists():
        fields = (line.split() for line in _MOUNTS.read_text().splitlines())
        mounted = [Path(field[1]) for field in fields if field[2] == "tracefs"]
    for place in (*PLACES, *mounted):
        try:
            if (place / "instances").is_dir():
                return place
        except PermissionError as error:
            raise refused(error, f"cannot look into {place}") from None
    raise RecordError(
        "no tracefs is mounted here",
        remedy=f"as root: mount -t tracefs nodev {PLACES[0]}",
    )


def sweep(tracefs: Path) -> list[str]:
    """Remove the instances of recordings that were killed; their names.

    An instance is named by the process that made it and the time at which that
    process started, so that another process with the same number is not taken for
    it. The kernel refuses to remove an instance whose trace_marker is open, as a
    recording in another PID namespace has it.
    """
    removed = []
    for path in sorted((tracefs / "instances").glob(f"{_PREFIX}*")):
        maker = _NAME.fullmatch(path.name)
        if maker is None:
            continue
        started = _start_time(maker[1])
        if started is not None and maker[2] in {None, started}:
            continue
        try:
            path.rmdir()
        except OSError:
            continue
        removed.append(path.name)
    return removed


def _start_time(pid: str) -> str | None:
    """When a process started, in clock ticks since boot, or None without it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[_START_TIME]


def refused(error: OSError, what: str) -> RecordError:
    """The error that says what to do about a refusal of the kernel."""
    remedy = None
    if error.errno in (errno.EACCES, errno.EPERM):
        remedy = "run it as root"
        if os.geteuid() == 0:
            remedy = "run it outside the container, on a kernel without lockdown"
    elif error.errno == errno.ENOMEM:
        remedy = "give a smaller --buffer-size"
    elif error.errno == errno.EROFS:
        remedy = f"as root: mount -t tracefs nodev {PLACES[0]}"
    return RecordError(f"{what}: {error.strerror}", remedy=remedy)


class Instance:
    """An instance that does not trace yet; leaving the context removes it.

    Raises `RecordError` for whatever the kernel refuses.
    """

    def __init__(self, tracefs: Path) -> None:
        pid = os.getpid()
        name = f"{_PREFIX}{pid}-{_start_time(str(pid))}"
        self.path: Final = tracefs / "instances" / name
        self._marker: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir()
        except OSError as error:
            raise refused(error, f"cannot make {self.path}") from None
        try:
            self.write("tracing_on", "0")
            # Open as long as the instance lives: the kernel refuses to remove an
            # instance in use, so that no sweep removes this one.
            self._marker = os.open(self.path / "trace_marker", os.O_WRONLY)
        except OSError as error:
            self._remove()
            raise refused(error, "cannot open trace_marker") from None
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        try:
            (self.path / name).write_text(text)
        except OSError as error:
            raise refused(error, f"cannot write {text} to {name}") from None

    def enable(self, event: str) -> None:
        """Trace an event such as ``kmem:mm_page_alloc`` in this instance."""
        name = f"events/{event.replace(':', '/')}/enable"
        if not (self.path / name).exists():
            raise RecordError(
                f"this kernel has no event {event}",
                remedy="it needs CONFIG_EVENT_TRACING",
            )
        self.write(name, "1")

    def mark(self, text: str) -> None:
        """Put a text into the trace, where time has come to."""
        assert self._marker is not None
        try:
            os.write(self._marker, text.encode())
        except OSError as error:
            raise refused(error, "cannot write to trace_marker") from None

    def stats(self) -> list[Stats]:
        """Of every CPU, in their order."""
        found = []
        try:
            for folder in (self.path / "per_cpu").glob("cpu*"):
                text = (folder / "stats").read_text()
                found.append(Stats.parse(int(folder.name.removeprefix("cpu")), text))
        except OSError as error:
            raise refused(error, "cannot read the buffers' stats") from None
        return sorted(found)

    def text(self) -> Iterator[bytes]:
        """The content of the buffers, merged by time, in pieces."""
        try:
            with (self.path / "trace").open("rb", buffering=0) as trace:
                while piece := trace.read(PIECE):
                    yield piece
        except OSError as error:
            raise refused(error, "cannot read the trace") from None

    def _remove(self) -> None:
        if self._marker is not None:
            os.close(self._marker)
            self._marker = None
        deadline = time.monotonic() + REMOVE_SECONDS
        while True:
            try:
                self.path.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise RecordError(
                        f"cannot remove {self.path}: {error.strerror}",
                        remedy=f"as root: rmdir {self.path}",
                    ) from None
                time.sleep(0.1)
            else:
                return
