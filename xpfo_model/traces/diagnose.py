# SPDX-License-Identifier: GPL-2.0-only
"""Lines that the scanner cannot read: what each one is, or what is wrong with it.

Comments, marks and notes of lost events are taken up here. A line that names a
kmem event, or the beginning of one, and does not hold it stops the reading; a
line that has nothing of an event is counted.

What the kernel says about losses. The header of `trace` counts the events that
were overwritten before the reading began: entries-written less
entries-in-buffer; it repeats the same two counters at the head of every CPU's
file, so that each pair counts once, and those of several recordings add up. A line
in between, ``[LOST n EVENTS]``, counts what went missing while it was read, or does
not say how much did. No event is in both, and `lost` is their sum.
kernel/trace/trace.c: print_event_info, print_trace_line. perf counts what is missing
where it is missing, in PERF_RECORD_LOST, and the same once more for each event, in
PERF_RECORD_LOST_SAMPLES: the larger sum counts.
"""

import re
from typing import Any, Final

from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.errors import ClockError, MalformedEventError
from xpfo_model.events import EVENT_NAMES
from xpfo_model.traces import fault, perf_header, scan_state
from xpfo_model.traces.findings import Findings
from xpfo_model.traces.symbols import WORD_LIMIT
from xpfo_model.xpfo_events import XPFO_NAMES, XPFO_START, XpfoStart

_OVERRUN: Final = re.compile(rb"# entries-in-buffer/entries-written: (\d+)/(\d+)")
_LOST: Final = (
    # ftrace, trace-cmd, perf script --show-lost-events
    re.compile(rb"CPU:\d+ \[LOST (?P<count>\d*) ?EVENTS\]"),
    re.compile(rb"CPU:\d+ \[(?P<count>\d*) ?EVENTS DROPPED\]"),
    re.compile(rb"PERF_RECORD_LOST(?P<samples>_SAMPLES)?:? lost (?P<count>\d+)"),
    re.compile(rb"^\s*LOST (?P<count>\d+) events"),
    # tools/perf/util/session.c: perf_session__warn_about_errors
    re.compile(rb"^Processed \d+ (?:events|samples) and lost (?P<count>)[\d.]+"),
)
# what is once in the head of a recording: of perf script --header, trace-cmd report
_BEGINS: Final = re.compile(rb"# captured on\b|cpus=\d+\s*$")
# what trace-cmd report says first, and perf between its lines
_PREAMBLE: Final = re.compile(
    rb"\s*(?:version = \S+|cpus=\d+|Warning:|Check IO/CPU overload!|\[ perf record: .*)"
    rb"\s*$"
)
# where option stacktrace is on
_STACK: Final = re.compile(rb"<(?:user )?stack trace>")
_FRAME: Final = re.compile(rb"\s*=> ")
_NAMED: Final = re.compile(
    rb"(?<!\w)(" + "|".join(EVENT_NAMES + XPFO_NAMES).encode() + rb"):(?:\s|$)"
)
# what is left of an event in a line that is something else
_SWALLOWED: Final = re.compile(rb"[\d:][:\s]\s*(?:kmem:)?mm_page_\w+: .*pfn=")
_FUNCTION: Final = re.compile(rb"\S+ <-\S+\s*$")
_MARK: Final = re.compile(rb"(?:ip=)?(?:tracing_mark_write|0x[0-9a-f]+)(?:: ?| buf=)")

_START: Final = re.compile(
    rb"strategy=(\S+) start=(\S+) kmap=(\S+) test=(\S+) "
    rb"end_pfn=(\d+) block_order=(\d+) cpus=(\d+)"
)
_DIGITS: Final = 18
_SHOWN: Final = 60
_LONGEST: Final = 1 << 12
"""Bytes of a line that are looked at; enough for any event."""


class Diagnostics:
    """The lines of one trace that are no events; `state` is the scanner's."""

    def __init__(self, about: Findings, state: Any) -> None:
        self._about = about
        self._state = state
        self._headers: dict[tuple[int, int], int] = {}
        self._marked = 0
        self._samples = 0
        self.header = False
        """Whether the text has the header of a trace."""

    def solve(self, line: bytes) -> None:
        """Take up the line that the scanner stands on.

        Raises `MalformedEventError` and `ClockError`.
        """
        line = line[:_LONGEST]
        text = line.strip()
        if not text:
            return
        if text.startswith(b"#"):
            self._comment(line)
        elif self._state[scan_state.NAME_START]:
            self._entry(line)
        elif not self._lost(text):
            if _FRAME.match(text) and not _NAMED.search(text):
                self._state[scan_state.FRAMES] += 1
            else:
                self._stranger(line)

    def finish(self, rest: bytes) -> None:
        """Look at what follows the last newline; sum up what was lost."""
        about, state = self._about, self._state
        overrun = sum(written - there for there, written in self._headers)
        about.lost = overrun + max(self._marked, self._samples)
        if state[scan_state.FRAMES]:
            about.skipped["stack frame"] = state[scan_state.FRAMES]
        self._warn_of_blocks()
        self._warn_of_sources()
        if rest.strip():
            about.warn(
                "cut-line",
                "the last line has no newline, so its end may be missing: left out",
                state[scan_state.LINE] + 1,
            )
        counted = sum(there for there, _ in self._headers)
        once = all(count == 1 for count in self._headers.values())
        if once and state[scan_state.ENTRIES] < counted:
            about.warn(
                "missing-lines",
                f"the header counts {counted:,} entries, the text has "
                f"{state[scan_state.ENTRIES]:,}",
                None,
            )

    def _warn_of_blocks(self) -> None:
        state = self._state
        if state[scan_state.BLOCK_ORDER_COUNT]:
            self._about.warn(
                "pageblock-order",
                "the kernel's pageblocks are of order "
                f"{state[scan_state.BLOCK_ORDER]}; "
                f"those that are counted are the model's, of order {PAGEBLOCK_ORDER}",
                state[scan_state.BLOCK_ORDER_LINE],
                state[scan_state.BLOCK_ORDER_COUNT],
            )

    def _warn_of_sources(self) -> None:
        state = self._state
        if count := state[scan_state.OTHER_SOURCE]:
            self._about.skipped["of another instance or machine"] = count
            self._about.warn(
                "several-sources",
                "the events are of more than one instance or machine: those of the "
                "first are counted, the others skipped. Report one of them alone",
                state[scan_state.OTHER_SOURCE_LINE],
                count,
            )

    def _comment(self, line: bytes) -> None:
        text = line.strip()
        if text.startswith((b"# tracer:", b"# entries-in-buffer", b"# captured on")):
            self.header = True
        if _SWALLOWED.search(text):
            self._stranger(line)
        if _BEGINS.match(text) and self._state[scan_state.ENTRIES]:
            self._begin()
        if not self._state[scan_state.ENTRIES]:
            self._about.comment(text, self._state[scan_state.LINE] + 1)
        found = _OVERRUN.match(text)
        if found:
            there, written = int(found[1]), int(found[2])
            pair = (there, max(there, written))
            if self._headers and pair not in self._headers:
                self._begin()
            # the head of every CPU's file repeats it
            if written > there and pair not in self._headers:
                self._warn_lost()
            self._headers[pair] = self._headers.get(pair, 0) + 1
        code = "partial-recording"
        # a header says it once for each event
        if code not in self._about.warnings and (part := perf_header.partial(text)):
            self._about.warn(
                code,
                f"only a part of the events is there: {part}. Record all of them: "
                "perf record -a -c 1 -e 'kmem:mm_page_*'",
                self._state[scan_state.LINE] + 1,
            )

    def _begin(self) -> None:
        """Warn that another recording begins."""
        self._about.warn(
            "several-recordings",
            "another recording begins here: who has a frame is not known from one to "
            "the next. Give each by itself",
            self._state[scan_state.LINE] + 1,
        )

    def _lost(self, text: bytes) -> bool:
        for pattern in _LOST:
            found = pattern.search(text)
            if found:
                count = int(found["count"] or 0)
                self._about.lost_unknown |= not found["count"]
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
            self._state[scan_state.LINE] + 1,
        )

    def _entry(self, line: bytes) -> None:
        """Take up a line with task, CPU and time that is no event in order."""
        state = self._state
        start = state[scan_state.NAME_START] - state[scan_state.AT]
        word, _, body = line[start:].strip().partition(b" ")
        name = word.removesuffix(b":").rpartition(b":")[2].decode(errors="replace")
        if not word.endswith(b":") or not name:
            self._nameless(line, line[start:].strip())
        elif name == XPFO_NAMES[XPFO_START]:
            self._start(line, body)
        elif name in EVENT_NAMES or name in XPFO_NAMES:
            self._check_clock()
            cpu = state[scan_state.CPU]
            raise self._malformed(line, *fault.of_event(name, body, cpu))
        elif len(word) > WORD_LIMIT or _SWALLOWED.search(line, start + len(word)):
            self._stranger(line)
        elif name == "tracing_mark_write":
            self._mark(body)
        elif name == "print" and (writer := _MARK.match(body.strip())):
            self._mark(body.strip()[writer.end() :])
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
        elif any(name.startswith(word) for name in EVENT_NAMES + XPFO_NAMES):
            raise self._malformed(line, "the line ends before its event does")
        else:
            self._stranger(line)

    def _skip(self, name: str) -> None:
        self._state[scan_state.ENTRIES] += 1
        self._about.skipped[name] = self._about.skipped.get(name, 0) + 1

    def _mark(self, text: bytes) -> None:
        row = self._stamped()
        mark = text.strip().decode(errors="backslashreplace")
        self._about.marks.append((row, self._state[scan_state.TIME], mark))

    def _stamped(self) -> int:
        """Take up an entry that is no row; the number of the next row."""
        state = self._state
        self._check_clock()
        state[scan_state.CLOCK] = state[scan_state.LINE_CLOCK]
        state[scan_state.ENTRIES] += 1
        return int(state[scan_state.ROWS_BEFORE] + state[scan_state.ROW])

    def _start(self, line: bytes, body: bytes) -> None:
        """Take up the event xpfo_start. Raises `MalformedEventError`."""
        found = _START.fullmatch(body.strip())
        if found is None or any(len(n) > _DIGITS for n in found.groups()[4:]):
            raise self._malformed(line, *fault.of_start())
        state, about = self._state, self._about
        strategy, start, kmap, test = (
            word.decode(errors="backslashreplace") for word in found.groups()[:4]
        )
        end_pfn, block_order, cpus = map(int, found.groups()[4:])
        row = self._stamped()
        event = about.xpfo_rows + int(state[scan_state.XPFO_ROW])
        time = int(state[scan_state.TIME])
        about.xpfo.append(
            XpfoStart(
                row,
                event,
                time,
                strategy,
                start,
                kmap,
                test,
                end_pfn,
                block_order,
                cpus,
            )
        )

    def _check_clock(self) -> None:
        state = self._state
        if state[scan_state.CLOCK] not in {
            scan_state.NO_CLOCK,
            state[scan_state.LINE_CLOCK],
        }:
            raise ClockError(
                "this line has another clock than those before it: seconds in one, "
                "ticks in the other",
                file=self._about.file,
                line=state[scan_state.LINE] + 1,
                remedy="record the whole trace with one trace_clock",
            )

    def _stranger(self, line: bytes) -> None:
        if _PREAMBLE.match(line):
            self.header = True
            if _BEGINS.match(line) and self._state[scan_state.ENTRIES]:
                self._begin()
            return
        if found := _NAMED.search(line):
            raise self._malformed(line, *fault.of_line(line, found[1].decode()))
        self._about.warn(
            "unrecognised-lines",
            f"no line of a trace: {_show(line)}",
            self._state[scan_state.LINE] + 1,
        )

    def _malformed(
        self, line: bytes, what: str, remedy: str = fault.RERECORD
    ) -> MalformedEventError:
        return MalformedEventError(
            f"{what}: {_show(line)}",
            file=self._about.file,
            line=self._state[scan_state.LINE] + 1,
            remedy=remedy,
        )


def _show(line: bytes) -> str:
    """The line as it may be printed, shortened."""
    text = line.strip()
    return ascii(text[:_SHOWN].decode(errors="replace")) + "…" * (len(text) > _SHOWN)
