# SPDX-License-Identifier: GPL-2.0-only
"""The text of a trace to events: `scan` does the lines, this does the rest.

Wherever the scanner stops, at a word that it has not seen or at a line that is no
event, it is this module's turn: it teaches it the word, or has `puzzle` look at
the line, and lets it go on.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from xpfo_model import gfp, jit
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.errors import (
    EmptyTraceError,
    NotATraceError,
    TraceError,
    UnknownGfpFlagError,
)
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    NANOSECONDS,
    PERCPU_REFILL,
    SCHED_SWITCH,
    TICKS,
    About,
    Events,
    Observer,
)
from xpfo_model.traces import kernel_version, scan_state, symbols
from xpfo_model.traces.diagnose import Diagnostics
from xpfo_model.traces.findings import Findings
from xpfo_model.traces.lines import BLOCK, LineBuffer
from xpfo_model.traces.scan import scan
from xpfo_model.traces.source import Bytes
from xpfo_model.xpfo_events import MOST_WORDS, XPFO_NAMES, XpfoEvents

CHUNK: Final = 1 << 17
"""Rows of a chunk, about 6 MB."""

_MARK_NAMES: Final = ("tracing_mark_write", "print")
_NO_PFN: Final = ("-1", "0xffffffffffffffff", "18446744073709551615")
_LARGEST_MASK: Final = (1 << 63) - 1
_FIRST_COUNTERS: Final = 64
_COSTLY_ORDER: Final = 3
"""include/linux/mmzone.h: PAGE_ALLOC_COSTLY_ORDER, v5.14."""

RECORD: Final = (
    "record the kmem events mm_page_alloc, mm_page_free, mm_page_free_batched, "
    "mm_page_alloc_zone_locked, mm_page_pcpu_drain and mm_page_alloc_extfrag: "
    "xpfo-model record does"
)
"""The remedy for a trace without the events."""


class Text:
    """A reader of trace text; one trace, one reader.

    Its head has been read when it is made, so that `head` is known before the first
    event. `about` is complete when the chunks are exhausted.

    Parameters
    ----------
    source : Bytes
        Where the text comes from.
    name : str
        Name of the file, for the result.
    kernel : str, optional
        The GFP table; guessed from the head of the text if not given.
    release : str, optional
        The kernel release that it was written by, if something else says so.
    file : str, optional
        The file as it was named, for errors; `name` if not given.
    block : int
        Bytes to scan at a time.
    """

    def __init__(
        self,
        source: Bytes,
        name: str,
        kernel: str | None = None,
        release: str | None = None,
        *,
        file: str | None = None,
        block: int = BLOCK,
    ) -> None:
        if kernel is not None:
            gfp.names(kernel)  # UnknownKernelError before any work
        self._given = kernel is not None
        self._blocks = LineBuffer(source, block)
        self._ends = iter(self._blocks)
        self._first = next(self._ends, 0)
        found = kernel_version.of_head(
            self._blocks.text(0, self._first), release, kernel, name=file or name
        )
        self._named = found.named
        self._refill_by_order = found.refill_by_order
        self._unknown: list[str] = []
        self._unknown_line = 0
        self.head = About(
            name,
            format=found.format,
            kernel=found.kernel,
            kernel_from=found.chosen,
            release=found.release,
            cpus=found.cpus,
            recorded=found.events,
        )
        """The facts that the head of the text tells."""
        self._about = Findings(self.head, file or name)
        if found.refill_by_order and not found.named:
            self._about.warn(
                "refills-by-order",
                "percpu_refill is 0 where pages of an order above 0 come in runs: "
                "taken for refills, as in Linux 5.14 to 5.18",
                None,
            )
        if gfp.version(found.kernel) > gfp.version(gfp.CHECKED):
            self._about.warn(
                "newer-kernel",
                f"{found.kernel} is newer than all tables: its masks are read with "
                f"that of {gfp.table_of(found.kernel)}, which was checked up to "
                f"{gfp.CHECKED}",
                None,
            )
        self._words = symbols.SymbolTable()
        for kind, event in enumerate(EVENT_NAMES):
            self._words[symbols.NAME, event.encode()] = kind
        for kind, event in enumerate(XPFO_NAMES):
            self._words[symbols.NAME, event.encode()] = scan_state.XPFO + kind
        for key, value in scan_state.KEYS.items():
            self._words[symbols.KEY, key.encode()] = value
        self._skipped: list[str] = []
        self._counts = np.zeros(_FIRST_COUNTERS, np.int64)
        self._array = np.zeros(scan_state.STATE_LENGTH, np.int64)
        # the same memory, whose elements are Python's integers
        self._state = memoryview(self._array.data)
        self._state[scan_state.SOURCE] = scan_state.NO_SOURCE
        self._state[scan_state.BY_SOURCE] = int(
            found.format == kernel_version.TRACE_CMD
        )
        self._kmem = False
        self._interned: dict[str, int] = {}
        self._xpfo = XpfoEvents.empty(CHUNK)  # takes no memory before it is written
        self._new_chunk()
        self._puzzle = Diagnostics(self._about, self._state)

    def chunks(self, observe: Observer | None = None) -> Iterator[Events]:
        """The events of the text, in chunks of at most CHUNK rows.

        `observe` gets those of group xpfo. Raises the `TraceError` that says what is
        wrong with the text.
        """
        end = self._first
        while end:
            self._state[scan_state.AT] = 0
            for _ in self._block(end):
                yield from self._take(observe)
                self._new_chunk()
            end = next(self._ends, 0)
        yield from self._take(observe)
        self._finish()

    def about(self) -> About:
        """The facts, complete when the chunks are exhausted."""
        return self._about.about()

    def _block(self, end: int) -> Iterator[None]:
        """Scan a block; stops wherever no row is free."""
        run = jit.compiled(scan)
        blocks = self._blocks
        state = self._state
        given = self._array
        while True:
            outcome = run(
                blocks.data,
                end,
                given,
                self._words.table,
                self._counts,
                self._rows,
                self._xpfo,
            )
            if outcome == scan_state.DONE:
                return
            if outcome == scan_state.FULL:
                yield
                continue
            if outcome == scan_state.NEW_WORD:
                start, stop = state[scan_state.WORD_START], state[scan_state.WORD_STOP]
                word = blocks.text(start, stop)
                if len(word) <= symbols.WORD_LIMIT:
                    self._learn(state[scan_state.WORD_SPACE], word)
                    continue
            start = state[scan_state.AT]
            stop = blocks.line_end(start)
            self._puzzle.solve(blocks.text(start, stop))
            state[scan_state.AT] = stop + 1
            state[scan_state.LINE] += 1

    def _learn(self, space: int, word: bytes) -> None:
        text = word.decode(errors="backslashreplace")
        value = scan_state.IGNORED
        if space == symbols.NAME:
            value = self._name(text)
        elif space == symbols.NUMBER:
            value = scan_state.MINUS_ONE if text in _NO_PFN else scan_state.NO_NUMBER
        elif space == symbols.GFP:
            value = self._gfp(text)
        elif space == symbols.WORD:
            value = self._intern(text)
        self._words[space, word] = value
        self._state[scan_state.GFP_WORD] = 0  # the records may have moved

    def _name(self, text: str) -> int:
        # perf writes kmem:mm_page_alloc
        name = text.rpartition(":")[2]
        if name in EVENT_NAMES:
            return EVENT_NAMES.index(name)
        if name in XPFO_NAMES:
            return scan_state.XPFO + XPFO_NAMES.index(name)
        if name in _MARK_NAMES:
            return scan_state.MARK
        if name.startswith("mm_page"):
            self._about.warn(
                "unknown-mm-page-events",
                f"{name} is an event of the page allocator that no table of events "
                "here has: it is not counted",
                self._state[scan_state.LINE] + 1,
            )
        self._skipped.append(name)
        if len(self._skipped) > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        return scan_state.SKIPPED + len(self._skipped) - 1

    def _intern(self, text: str) -> int:
        if len(self._interned) == MOST_WORDS:
            raise TraceError(
                f"it names more than {MOST_WORDS:,} different causes and callers",
                file=self._about.file,
                line=self._state[scan_state.LINE] + 1,
                remedy="the trace is damaged: record it again",
            )
        return self._interned.setdefault(text, len(self._interned))

    def _gfp(self, text: str) -> int:
        about = self._about
        line = self._state[scan_state.LINE] + 1
        try:
            bits = gfp.decode(text, about.kernel)
        except UnknownGfpFlagError:
            bits = self._lenient(text, line)
        if not self._named and text[:1].isdigit():
            about.warn(
                "raw-gfp-masks",
                f"GFP masks are bare numbers, taken for those of {about.kernel}: "
                "say which kernel it was with --kernel",
                line,
            )
        if bits > _LARGEST_MASK:
            raise TraceError(
                f"gfp_flags={text} is larger than any mask",
                file=about.file,
                line=line,
                remedy="the line is damaged: record the trace again",
            )
        return bits

    def _lenient(self, text: str, line: int) -> int:
        """Read a mask that has a flag which the table lacks."""
        about = self._about
        try:
            bits, owner, unknown = kernel_version.lenient(text, about.kernel)
        except UnknownGfpFlagError as error:
            raise UnknownGfpFlagError(
                error.what,
                file=about.file,
                line=line,
                remedy=f"the line is damaged, or the kernel is another: {error.remedy}",
            ) from None
        if owner is not None:
            doubt = (
                "" if self._named else ": if it was that kernel, say so with --kernel"
            )
            about.warn(
                "foreign-gfp-flags",
                f"{about.kernel} does not have all flags of {text}, {owner} has{doubt}",
                line,
            )
        self._unknown += [name for name in unknown if name not in self._unknown]
        self._unknown_line = self._unknown_line or line * bool(unknown)
        return bits

    def _new_chunk(self) -> None:
        self._rows = Events.empty(CHUNK)

    def _take(self, observe: Observer | None) -> Iterator[Events]:
        """The rows that are written, if there are any."""
        if observed := self._state[scan_state.XPFO_ROW]:
            if observe is not None:
                observe(self._xpfo.rows(slice(0, observed)))
            self._xpfo = XpfoEvents.empty(CHUNK)
            self._about.xpfo_rows += observed
            self._state[scan_state.XPFO_ROW] = 0
        count = self._state[scan_state.ROW]
        if not count:
            return
        rows = self._rows.rows(slice(0, count))
        if self._refill_by_order:
            _mark_refills(rows)
        if self._unknown:
            self._count_unknown(rows)
        self._kmem = self._kmem or bool((rows.kind < SCHED_SWITCH).any())
        self._state[scan_state.ROWS_BEFORE] += count
        self._state[scan_state.ROW] = 0
        yield rows

    def _count_unknown(self, rows: Events) -> None:
        """Count the masks that have a flag of no version, and take the mark away."""
        marked = rows.gfp & np.uint64(kernel_version.UNKNOWN_FLAG) != 0
        rows.gfp[marked] &= np.uint64(kernel_version.UNKNOWN_FLAG - 1)
        if count := int(np.count_nonzero(marked)):
            self._about.warn(
                "unknown-gfp-flags",
                f"flags that no table has are left out of their masks: "
                f"{', '.join(self._unknown)}",
                self._unknown_line,
                count,
            )

    def _finish(self) -> None:
        about, blocks, state = self._about, self._blocks, self._state
        about.sha256 = blocks.sha256()
        about.words = tuple(self._interned)
        about.lines = state[scan_state.LINE] + bool(blocks.rest)
        about.clock = (
            TICKS if state[scan_state.CLOCK] == scan_state.TICKS else NANOSECONDS
        )
        for name, count in zip(self._skipped, self._counts, strict=False):
            if count:
                about.skipped[name] = about.skipped.get(name, 0) + int(count)
        if state[scan_state.BACKWARDS]:
            about.warn(
                "time-backwards",
                "an event is earlier than the one before it: use trace_clock "
                "global, or merge the CPUs by time",
                state[scan_state.BACKWARDS_LINE],
                state[scan_state.BACKWARDS],
            )
        self._puzzle.finish(blocks.rest)
        if not about.lines:
            raise EmptyTraceError("it is empty", file=about.file, remedy=RECORD)
        if not self._kmem and not state[scan_state.ENTRIES] and not self._puzzle.header:
            raise NotATraceError(
                "not one of its lines is a line of a trace",
                file=about.file,
                remedy="give the text of /sys/kernel/tracing/trace, of trace-cmd "
                "report or of perf script, or a trace.dat or perf.data",
            )
        if not self._kmem:
            found = ", ".join(sorted(about.skipped)[:3]) or "none at all"
            raise EmptyTraceError(
                f"it has no kmem event; its events are: {found}",
                file=about.file,
                remedy=RECORD,
            )


def _mark_refills(rows: Events) -> None:
    """Set PERCPU_REFILL where v5.14 to v5.18 refill a list of an order above 0.

    Pages of all orders that a pcp list may have come from it, so that an event is a
    refill. Mirrors mm/page_alloc.c: pcp_allowed_order, v5.14.
    """
    listed = (rows.order <= _COSTLY_ORDER) | (rows.order == PAGEBLOCK_ORDER)
    refills = (rows.kind == MM_PAGE_ALLOC_ZONE_LOCKED) & listed
    rows.flags[refills] |= PERCPU_REFILL
