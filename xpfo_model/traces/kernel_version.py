# SPDX-License-Identifier: GPL-2.0-only
"""The head of a trace: kernel, CPUs, recorded events, format.

Which kernel version's GFP table a trace was written with, it seldom says outright.
What it does say:

* the release, in a header of perf, trace-cmd, xpfo-model or a latency trace. Then
  the version is the release's, and a release that is older than all tables is
  refused: before v4.4 the migratetypes had other numbers;
* how it writes a pfn: in decimal up to v5.12, in hexadecimal from v5.14 on;
  `cold=` in mm_page_free_batched, up to v4.14;
* the GFP texts. The kernel prints the names of its table greedily, in the order
  of the table, so that not every text is *possible* in a version:
  ``__GFP_COMP|__GFP_ZERO`` is not in v6.18, whose table is in the order of the
  bits, ``__GFP_ZERO|__GFP_COMP`` is only there; ``GFP_NOWAIT|__GFP_NOWARN`` is
  not in v6.18, where the one contains the other;
* where the masks are numbers, which of them an allocation can have.

The version in which most of that is possible wins; between equals the order of
preference decides. Text that `write_text` has written names its table outright.

The guess is made once, on the head of the file, because the masks of one log are
in one table. A name that turns up later and is not in it is kept apart, see
`lenient`.
"""

import difflib
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from xpfo_model import gfp
from xpfo_model.errors import TraceError, UnknownGfpFlagError, UnknownKernelError

FOREIGN_SHIFT: Final = 32
"""gfp_t has 32 bits: a flag of another version is kept above them."""
UNKNOWN_FLAG: Final = 1 << 62
"""Set in a mask that has a flag of no version."""
GUESSED: Final = "guessed from its GFP flags"
DEFAULT: Final = "taken by default, no GFP flag in its head"
NAMED: Final = "named by the user"
TRACE_CMD: Final = "trace-cmd"

_RELEASE: Final = re.compile(
    rb"^# ?(?:os release : |kernel: |\S+ latency trace v\S+ on )(\d+\.\d\S*)",
    re.MULTILINE,
)
_NAMED: Final = re.compile(r"v?(\d{1,3}\.\d{1,3})(?:[-.+_].*)?")
_OLDER: Final = (
    f"before Linux {gfp.KERNELS[0][1:]} flags, migratetypes and events were others"
)
# online before possible: a flush goes to the CPUs that are online
_CPUS: Final = (
    re.compile(rb"^#.*#P:(\d{1,6})", re.MULTILINE),
    re.compile(rb"^# cpus: (\d{1,6})", re.MULTILINE),
    re.compile(rb"^# nrcpus online : (\d{1,6})", re.MULTILINE),
    re.compile(rb"^# nrcpus avail : (\d{1,6})", re.MULTILINE),
    re.compile(rb"^cpus=(\d{1,6})", re.MULTILINE),
)
_EVENTS: Final = re.compile(rb"^# events: (.*)", re.MULTILINE)
_PERF_EVENT: Final = re.compile(rb"^# event : name = ([\w:]+)", re.MULTILINE)
_GROUPS: Final = b"kmem|sched|raw_syscalls|exceptions"
_FORMATS: Final = (
    ("perf", re.compile(rb"^# ========|\b(?:%s):\w+:\s" % _GROUPS, re.MULTILINE)),
    (TRACE_CMD, re.compile(rb"^(?:version = \d+|cpus=\d+)\s*$", re.MULTILINE)),
    ("ftrace", re.compile(rb"^# tracer:", re.MULTILINE)),
    # without a header: trace-cmd pads behind the colon of a name
    (TRACE_CMD, re.compile(rb": (?:mm_page_\w+|sched_switch): {2}", re.MULTILINE)),
)
_TABLE: Final = re.compile(rb"^# GFP flags of (v\d+\.\d+)\s*$", re.MULTILINE)
# without IGNORECASE, which would look at every byte
_GFP: Final = re.compile(rb"gfp_flags=([A-Za-z_][A-Za-z0-9_|]*)")
_RAW: Final = re.compile(rb"gfp_flags=(0x[0-9a-f]{1,8})\b")
_HEADER: Final = 1 << 14
"""Bytes in which a header ends."""
_DECIMAL_PFN: Final = re.compile(rb" pfn=[1-9]")
_COLD: Final = re.compile(rb" order=0 cold=")

# include/trace/events/mmflags.h: __def_gfpflag_names, v4.6 to v6.14. What all
# versions print first, as GFP_KERNEL, is not in it.
_NAMES: Final = (
    "HIGHMEM HIGH ATOMIC IO FS COLD NOWARN REPEAT RETRY_MAYFAIL NOFAIL NORETRY COMP "
    "ZERO NOMEMALLOC MEMALLOC HARDWALL THISNODE RECLAIMABLE MOVABLE ACCOUNT NOTRACK "
    "WRITE RECLAIM DIRECT_RECLAIM KSWAPD_RECLAIM OTHER_NODE ZEROTAGS SKIP_KASAN_POISON"
)
_PRINTED: Final = _NAMES.split()
_BIT_ORDER: Final = (6, 15)
"""From this version on, names are printed in the order of their bits."""

_WITH_COLD: Final = ("v4.14", "v4.9", "v4.4")
_DECIMAL: Final = ("v5.4", "v4.19", "v4.15", *_WITH_COLD)
_HEXADECIMAL: Final = ("v6.1", "v6.18", "v6.12", "v5.15", *_DECIMAL)
"""In the order of preference between equally possible ones."""
_UPDATED: Final = "v4.10"
"""The masks of v4.9 after its updates."""
# Red Hat takes over mm of later versions within a release.
_BACKPORTS: Final = re.compile(r"5\.14\.0-.*\.el9")

# 44042b449872 ("mm/page_alloc: allow high-order pages to be stored on the per-cpu
# lists"); the field is the kernel's own from v5.19 on. mm/page_alloc.c, v5.12,
# v5.14; include/trace/events/kmem.h, v5.12 to v5.19.
_HIGH_ORDER_LISTS: Final = (5, 14)
_REFILL_FIELD: Final = (5, 19)
_LOCKED: Final = re.compile(
    # bounded, because a line may be as long as the block
    rb"(?:\[|-\d{1,10} {1,9})(\d{1,5})[^\s\d].{0,60}mm_page_alloc"
    rb"(?:_zone_locked: .{0,60}order=(\d{1,2}) migratetype=\d percpu_refill=(\d)|: )"
)
_TRUE_FIELD: Final = re.compile(
    rb"order=(?:0 migratetype=\d+ percpu_refill=0|[1-9]\d* migratetype=\d+ "
    rb"percpu_refill=1)\b"
)
_RUN: Final = 3
"""Pages of an order above 0 one after another that only a refill takes."""

# The flags that a strategy, the totals or the allocator look at.
_COUNT: Final = (
    "DMA HIGHMEM DMA32 MOVABLE RECLAIMABLE HIGH IO FS ZERO ATOMIC RECLAIM "
    "DIRECT_RECLAIM KSWAPD_RECLAIM NOMEMALLOC MEMALLOC HARDWALL COMP"
)
_HEEDED: Final = frozenset(f"__GFP_{name}" for name in _COUNT.split())
_NEAR: Final = 0.88
"""How alike a flag and what a damaged byte has made of it are."""
_FIRST: Final = len("__GFP_")
_FLAG: Final = re.compile(r"__GFP_[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Head:
    """Facts that a trace tells before its first event."""

    kernel: str
    """The version whose GFP table the masks are in, such as ``v6.6``."""
    chosen: str
    """How the table was chosen, such as ``release 6.6.12``; GUESSED, DEFAULT."""
    release: str | None = None
    """The kernel release, such as ``6.6.12-amd64``."""
    cpus: int | None = None
    """CPUs of the machine that were online."""
    events: tuple[str, ...] | None = None
    """Names of the events that were recorded, without their subsystem."""
    format: str = "ftrace"
    """``ftrace``, ``trace-cmd`` or ``perf``."""
    refill_by_order: bool = False
    """Whether percpu_refill=0 is also printed for refills of orders above 0."""

    @property
    def named(self) -> bool:
        """Whether something names the table or the release."""
        return self.chosen not in {GUESSED, DEFAULT}


def of_release(release: str) -> str:
    """The version of a kernel release: ``v6.6`` for ``6.6.12-amd64``.

    Raises `UnknownKernelError` if it is older than every table.
    """
    kernel = "v{}.{}".format(*_version(release))
    gfp.table_of(kernel)
    return kernel


def of_user(text: str) -> str:
    """The version that a user names: ``v6.1``, ``6.1``, or as uname -r prints it.

    Raises `UnknownKernelError`.
    """
    if not (found := _NAMED.fullmatch(text)):
        return gfp.table_of(text)
    try:
        return of_release(found[1])
    except UnknownKernelError:
        raise UnknownKernelError(
            f"Linux {found[1]} is older than all tables of GFP flags",
            remedy=f"{_OLDER}: name a version from {gfp.KERNELS[0]} on",
        ) from None


def of_head(
    head: bytes,
    release: str | None = None,
    given: str | None = None,
    name: str | None = None,
) -> Head:
    """The facts in the first block of a trace.

    `release` is the kernel release where something else knows it, `given` the
    table that the user has named, which decides. Raises `TraceError` for a release
    that is older than every table, with the `name` of the file.
    """
    header = head[:_HEADER]
    if release is None and (found := _RELEASE.search(header)):
        release = found[1].decode(errors="replace")
    try:
        released = None if release is None else of_release(release)
    except UnknownKernelError:
        raise TraceError(
            f"it is a trace of Linux {release}, which is older than all tables",
            file=name,
            remedy=f"{_OLDER}: record it with a newer kernel",
        ) from None
    kernel, chosen = given, NAMED
    if kernel is None:
        kernel, chosen = _table(head, release, released)
    known = given or released
    if release is not None and _BACKPORTS.match(release):
        known = None
    return Head(
        kernel,
        chosen,
        release=release,
        cpus=_cpus(header),
        events=_events(header),
        format=next((name for name, sign in _FORMATS if sign.search(header)), "ftrace"),
        # what `write_text` has written says it as it is
        refill_by_order=not _TABLE.search(header) and _refill_by_order(head, known),
    )


def _table(head: bytes, release: str | None, released: str | None) -> tuple[str, str]:
    """The version of a trace's masks, and how it was chosen."""
    table = _TABLE.search(head, 0, _HEADER)
    if table and _is_known(table[1].decode()):
        return table[1].decode(), "named in the trace"
    candidates: tuple[str, ...] = _HEXADECIMAL
    if released is not None and release is not None:
        candidates = (released,)
        if gfp.version(released) == (4, 9):
            candidates = (_UPDATED, released)
        elif _BACKPORTS.match(release):
            newer = (k for k in gfp.KERNELS if gfp.version(k) > gfp.version(released))
            candidates = (released, *newer)
    elif _COLD.search(head):
        candidates = _WITH_COLD
    elif _DECIMAL_PFN.search(head):
        candidates = _DECIMAL
    texts = {text.decode() for text in set(_GFP.findall(head))}
    masks = {int(mask, 16) for mask in set(_RAW.findall(head))}
    # max() keeps the first of equals
    kernel = max(candidates, key=lambda kernel: _likelihood(texts, masks, kernel))
    if release is not None:
        return kernel, f"release {release}"
    return kernel, GUESSED if texts or masks else DEFAULT


def _is_known(kernel: str) -> bool:
    try:
        gfp.table_of(kernel)
    except UnknownKernelError:
        return False
    return True


def _refill_by_order(head: bytes, kernel: str | None) -> bool:
    """Whether the trace prints percpu_refill=0 for refills of orders above 0.

    v5.14 to v5.18 do. Without a version, pages of an order above 0 that a CPU takes
    one after another, none of them refill, show it; one page whose field is not
    `order == 0` shows the opposite.
    """
    if kernel is not None:
        return _HIGH_ORDER_LISTS <= gfp.version(kernel) < _REFILL_FIELD
    if _TRUE_FIELD.search(head):
        return False
    runs: dict[bytes, tuple[bytes, int]] = {}
    for cpu, order, refill in _LOCKED.findall(head):
        before, length = runs.get(cpu, (b"", 0))
        if refill != b"0" or order not in (b"1", b"2", b"3"):
            runs[cpu] = (b"", 0)
            continue
        runs[cpu] = (order, length + 1 if order == before else 1)
        if runs[cpu][1] >= _RUN:
            return True
    return False


def _cpus(header: bytes) -> int | None:
    for pattern in _CPUS:
        if found := pattern.search(header):
            return int(found[1])
    return None


def _events(header: bytes) -> tuple[str, ...] | None:
    if found := _EVENTS.search(header):
        names = found[1].split()
    else:
        names = _PERF_EVENT.findall(header)
    kept = tuple(name.rpartition(b":")[2].decode(errors="replace") for name in names)
    return kept or None


def _likelihood(texts: set[str], masks: set[int], kernel: str) -> tuple[int, int]:
    """How many masks have only flags of a version, and how many it could print."""
    known = sum(_is_possible(mask, kernel) for mask in masks)
    possible = 0
    for text in texts:
        flags = [name for name in text.split("|") if _owner(name) or name[:1].isdigit()]
        try:
            bits = gfp.decode("|".join(flags) or "none", kernel)
        except UnknownGfpFlagError:
            continue
        known += 1
        greedy = set(flags) == set(gfp.encode(bits, kernel).split("|"))
        places = [_place(name, kernel) for name in flags]
        possible += greedy and places == sorted(places)
    return known, possible


def _is_possible(mask: int, kernel: str) -> bool:
    """Whether an allocation of a version can have a mask.

    All bits have names, and who may start I/O may reclaim both ways, but for huge
    pages, which have NOMEMALLOC.
    """
    flags = gfp.names(kernel)
    named = sum({bits for name, bits in flags.items() if bits & (bits - 1) == 0})
    reclaim = flags["__GFP_RECLAIM"]
    return not mask & ~named and (
        not mask & flags["__GFP_IO"]
        or mask & reclaim == reclaim
        or mask & flags["__GFP_NOMEMALLOC"] != 0
    )


def _place(name: str, kernel: str) -> int:
    """Where in its table a version has a name; 0 for what comes first in all."""
    single = name.removeprefix("__GFP_")
    if gfp.version(kernel) >= _BIT_ORDER:
        return 0 if single in {name, "RECLAIM"} else gfp.mask(name, kernel)
    return 1 + _PRINTED.index(single) if single in _PRINTED else 0


@cache
def _owner(name: str) -> str | None:
    """The first version that has a flag, written with or without underscores."""
    for text in (name, f"__{name}"):
        for kernel in gfp.KERNELS:
            if text in gfp.names(kernel):
                return kernel
    return None


def lenient(text: str, kernel: str) -> tuple[int, str | None, list[str]]:
    """Bits of a mask some of whose names a version lacks.

    Returns the bits, a version that has the missing names, and the names that no
    version has, with UNKNOWN_FLAG for them. A flag of another version that this one
    has not is kept FOREIGN_SHIFT higher. Raises `UnknownGfpFlagError` for what may
    be the rest of a flag that counts, or is no name of a flag.
    """
    bits = 0
    owner = None
    unknown = []
    for name in text.split("|"):
        try:
            bits |= gfp.decode(name, kernel)
        except UnknownGfpFlagError:
            other = _owner(name)
            if other is not None:
                owner = other
                full = name if name in gfp.names(other) else f"__{name}"
                bits |= _translated(full, other, kernel)
            elif _FLAG.fullmatch(name) and not _is_damaged(name):
                unknown.append(name)
                bits |= UNKNOWN_FLAG
            else:
                raise
    return bits, owner, unknown


def _translated(name: str, owner: str, kernel: str) -> int:
    bits = 0
    for flag in gfp.parts(name, owner):
        if flag in gfp.names(kernel):
            bits |= gfp.mask(flag, kernel)
        else:
            bits |= gfp.mask(flag, owner) << FOREIGN_SHIFT
    return bits


def _is_damaged(name: str) -> bool:
    """Whether a name may be what is left of a flag that counts."""
    near = difflib.get_close_matches(name, _HEEDED, n=len(_HEEDED), cutoff=_NEAR)
    return any(flag.startswith(name) for flag in _HEEDED) or any(
        flag[_FIRST] == name[_FIRST] for flag in near
    )


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,3}", release)[:2])
