# SPDX-License-Identifier: GPL-2.0-only
"""Lines that the scanner cannot read: what each one is, or what is wrong with it.

Comments, marks and notes of lost events are taken up here. A line that names a
kmem event, or the beginning of one, and does not hold it stops the reading; a
line that has nothing of an event is counted.

What the kernel says about losses. The header of `trace` counts the events that
were overwritten before the reading began: entries-written less
entries-in-buffer; it repeats the same counter at the head of every CPU's file, so
that the largest one counts. A line in between, ``[LOST n EVENTS]``, counts what
went missing while it was read. No event is in both, and `lost` is their sum.
kernel/trace/trace.c: print_event_info, print_trace_line. perf counts what is missing
where it is missing, in PERF_RECORD_LOST, and the same once more for each event, in
PERF_RECORD_LOST_SAMPLES: the larger sum counts.
"""

import re
from typing import Any, Final

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS
from xpfo_model.errors import ClockError, MalformedEventError
from xpfo_model.events import EVENT_NAMES
from xpfo_model.traces import layout
from xpfo_model.traces.findings import Findings
from xpfo_model.traces.scan import REQUIRED
from xpfo_model.traces.words import WORD_LIMIT

_OVERRUN: Final = re.compile(rb"# entries-in-buffer/entries-written: (\d+)/(\d+)")
_LOST: Final = (
    # ftrace, trace-cmd, perf script --show-lost-events
    re.compile(rb"CPU:\d+ \[LOST (?P<count>\d*) ?EVENTS\]"),
    re.compile(rb"CPU:\d+ \[(?P<count>\d*) ?EVENTS DROPPED\]"),
    re.compile(rb"PERF_RECORD_LOST(?P<samples>_SAMPLES)?:? lost (?P<count>\d+)"),
    re.compile(rb"^\s*LOST (?P<count>\d+) events"),
)
# what trace-cmd report says first
_PREAMBLE: Final = re.compile(rb"\s*(?:version = \S+|cpus=\d+)\s*$")
# where option stacktrace is on
_STACK: Final = re.compile(rb"<(?:user )?stack trace>")
_FRAME: Final = re.compile(rb"\s*=> ")
_NAMED: Final = re.compile(
    rb"(?<!\w)(" + "|".join(EVENT_NAMES).encode() + rb"):(?:\s|$)"
)
# what is left of an event in a line that is something else
_SWALLOWED: Final = re.compile(rb"[\d:][:\s]\s*(?:kmem:)?mm_page_\w+: .*pfn=")
_FUNCTION: Final = re.compile(rb"\S+ <-\S+\s*$")
_LATENCY: Final = re.compile(rb"\d+us.?: \w")
_MARK: Final = re.compile(rb"(?:ip=)?(?:tracing_mark_write|0x[0-9a-f]+)(?:: ?| buf=)")
_FIELD: Final = re.compile(rb"(\w+)=\s*(\S+)")

# One more than the largest value of a field.
_LIMITS: Final = {
    layout.PFN: MAX_PFN,
    layout.ORDER: MAX_PAGE_ORDER + 1,
    layout.MIGRATETYPE: layout.MIGRATE_TYPES,
    layout.REFILL: 2,
    layout.ALLOC_ORDER: MAX_PAGE_ORDER + 1,
    layout.FALLBACK_ORDER: MAX_PAGE_ORDER + 1,
    layout.ALLOC_MIGRATETYPE: layout.MIGRATE_TYPES,
    layout.FALLBACK_MIGRATETYPE: layout.MIGRATE_TYPES,
    layout.OWNERSHIP: 2,
}
_RERECORD: Final = "the line is damaged: record the trace again"
_SHOWN: Final = 60
_LONGEST: Final = 1 << 12
"""Bytes of a line that are looked at; enough for any event."""


class Puzzle:
    """The lines of one trace that are no events; `state` is the scanner's."""

    def __init__(self, about: Findings, state: Any) -> None:
        self._about = about
        self._state = state
        self._headers: list[int] = []
        self._overrun = 0
        self._marked = 0
        self._samples = 0
        self.header = False
        """Whether the text has the header of a trace."""

    def solve(self, line: bytes, rows_before: int) -> None:
        """Take up the line that the scanner stands on.

        `rows_before` are the rows that were given away before those of the state.
        Raises `MalformedEventError` and `ClockError`.
        """
        line = line[:_LONGEST]
        text = line.strip()
        if not text:
            return
        if text.startswith(b"#"):
            self._comment(line)
        elif self._state[layout.NAME_START]:
            self._entry(line, rows_before)
        elif not self._lost(text) and not _FRAME.match(text):
            self._stranger(line)

    def finish(self, rest: bytes) -> None:
        """Look at what follows the last newline; sum up what was lost."""
        about, state = self._about, self._state
        about.lost = self._overrun + max(self._marked, self._samples)
        if rest.strip():
            about.warn(
                "cut-line",
                "the last line has no newline, so its end may be missing: left out",
                state[layout.LINE] + 1,
            )
        if len(self._headers) == 1 and state[layout.ENTRIES] < self._headers[0]:
            about.warn(
                "missing-lines",
                f"the header counts {self._headers[0]:,} entries, the text has "
                f"{state[layout.ENTRIES]:,}",
                None,
                self._headers[0] - state[layout.ENTRIES],
            )

    def _comment(self, line: bytes) -> None:
        text = line.strip()
        if text.startswith((b"# tracer:", b"# entries-in-buffer", b"# captured on")):
            self.header = True
        if _SWALLOWED.search(text):
            self._stranger(line)
        if not self._state[layout.ENTRIES]:
            self._about.comment(text, self._state[layout.LINE] + 1)
        found = _OVERRUN.match(text)
        if found:
            there, written = int(found[1]), int(found[2])
            self._headers.append(there)
            if written > there:
                self._overrun = max(self._overrun, written - there)
                self._warn_lost()

    def _lost(self, text: bytes) -> bool:
        for pattern in _LOST:
            found = pattern.search(text)
            if found:
                count = int(found["count"] or 0)
                if found.groupdict().get("samples"):
                    self._samples += count
                else:
                    self._marked += count
                self._warn_lost()
                return True
        return False

    def _warn_lost(self) -> None:
        self._about.warn(
            "lost-events",
            "events were lost while the trace was recorded: use a larger buffer",
            self._state[layout.LINE] + 1,
        )

    def _entry(self, line: bytes, rows_before: int) -> None:
        """Take up a line with task, CPU and time that is no event in order."""
        state = self._state
        start = state[layout.NAME_START] - state[layout.AT]
        word, _, body = line[start:].strip().partition(b" ")
        name = word.removesuffix(b":").rpartition(b":")[2].decode(errors="replace")
        if not word.endswith(b":") or not name:
            self._nameless(line, line[start:].strip())
        elif name in EVENT_NAMES:
            self._check_clock()
            raise self._malformed(line, self._fault(EVENT_NAMES.index(name), body))
        elif len(word) > WORD_LIMIT or _SWALLOWED.search(line, start + len(word)):
            self._stranger(line)
        elif name == "tracing_mark_write":
            self._mark(body, rows_before)
        elif name == "print" and (writer := _MARK.match(body.strip())):
            self._mark(body.strip()[writer.end() :], rows_before)
        else:
            self._skip(name)

    def _nameless(self, line: bytes, body: bytes) -> None:
        word = body.rpartition(b":")[2].decode(errors="replace")
        if self._lost(body):
            return
        if _FUNCTION.match(body):
            self._skip("function")
        elif _STACK.match(body):
            self._skip("stack trace")
        elif any(name.startswith(word) for name in EVENT_NAMES):
            raise self._malformed(line, "the line ends before its event does")
        else:
            self._stranger(line)

    def _skip(self, name: str) -> None:
        self._state[layout.ENTRIES] += 1
        self._about.skipped[name] = self._about.skipped.get(name, 0) + 1

    def _mark(self, text: bytes, rows_before: int) -> None:
        state = self._state
        self._check_clock()
        state[layout.CLOCK] = state[layout.LINE_CLOCK]
        state[layout.ENTRIES] += 1
        row = rows_before + state[layout.ROW]
        mark = text.strip().decode(errors="backslashreplace")
        self._about.marks.append((row, state[layout.TIME], mark))

    def _check_clock(self) -> None:
        state = self._state
        if state[layout.CLOCK] not in {layout.NO_CLOCK, state[layout.LINE_CLOCK]}:
            raise ClockError(
                "this line has another clock than those before it: seconds in one, "
                "ticks in the other",
                file=self._about.name,
                line=state[layout.LINE] + 1,
                remedy="record the whole trace with one trace_clock",
            )

    def _stranger(self, line: bytes) -> None:
        if _PREAMBLE.match(line):
            self.header = True
            return
        found = _NAMED.search(line)
        if found and _LATENCY.search(line):
            raise MalformedEventError(
                "the trace is in the latency format",
                file=self._about.name,
                line=self._state[layout.LINE] + 1,
                remedy="record it with: echo 0 > /sys/kernel/tracing/options/"
                "latency-format",
            )
        if found:
            raise self._malformed(
                line, f"{found[1].decode()} without a readable task, CPU and time"
            )
        self._about.warn(
            "unrecognised-lines",
            f"no line of a trace: {_show(line)}",
            self._state[layout.LINE] + 1,
        )

    def _malformed(self, line: bytes, what: str) -> MalformedEventError:
        return MalformedEventError(
            f"{what}: {_show(line)}",
            file=self._about.name,
            line=self._state[layout.LINE] + 1,
            remedy=_RERECORD,
        )

    def _fault(self, kind: int, body: bytes) -> str:
        """Say what is wrong with an event, from its text."""
        name = EVENT_NAMES[kind]
        state = self._state
        if kind == EVENT_NAMES.index("sched_switch"):
            return f"{name} does not say who follows whom"
        found = {key.decode(): text for key, text in _FIELD.findall(body)}
        for key, slot in layout.KEYS.items():
            if REQUIRED[kind] >> slot & 1 and key not in found:
                return f"{name} lacks {key}"
            limit = _LIMITS.get(slot)
            if limit and key in found and not _is_below(found[key], limit):
                text = found[key].decode(errors="backslashreplace")
                return f"{name} has {key}={text}, not a number from 0 to {limit - 1}"
        if state[layout.CPU] >= NR_CPUS:
            return f"{name} on CPU {state[layout.CPU]}; there are at most {NR_CPUS}"
        return f"{name} is not in order"


def _is_below(text: bytes, limit: int) -> bool:
    try:
        return 0 <= int(text, 0) < limit
    except ValueError:
        return False


def _show(line: bytes) -> str:
    """The line as it may be printed, shortened."""
    text = line.strip()
    return ascii(text[:_SHOWN].decode(errors="replace")) + "…" * (len(text) > _SHOWN)
