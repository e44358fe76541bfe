# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel version's GFP table a trace was written with.

A trace seldom says so. What it does say:

* the release, in a header of perf, trace-cmd or a latency trace;
* how it writes a pfn: in decimal before v5.18, in hexadecimal since;
  `cold=` in mm_page_free_batched, v4.14 only;
* the GFP texts. The kernel prints the names of its table greedily, in the order
  of the table, so that not every text is *possible* in a version:
  ``__GFP_COMP|__GFP_ZERO`` is not in v6.18, whose table is in the order of the
  bits, ``__GFP_ZERO|__GFP_COMP`` is only there; ``GFP_NOWAIT|__GFP_NOWARN`` is
  not in v6.18, where the one contains the other.

The version in which most texts are possible wins, because tables changed between
the versions that have a name here: v6.12 has that of v6.18. The rest decides
between equals. Text that `write_text` has written names its table outright.

The guess is made once, on the head of the file, because the masks of one log are
in one table. A name that turns up later and is not in it is kept apart, see
`foreign`.
"""

import re
from dataclasses import dataclass
from typing import Final

from xpfo_model import gfp
from xpfo_model.errors import UnknownGfpFlagError

FOREIGN_SHIFT: Final = 32
"""gfp_t has 32 bits: a flag of another version is kept above them."""
GUESSED: Final = "guessed from its GFP flags"
NAMED: Final = "named by the user"

_RELEASE: Final = re.compile(
    rb"^# ?(?:os release : |kernel: |\S+ latency trace v\S+ on )(\d+\.\d\S*)",
    re.MULTILINE,
)
# online before possible: a flush goes to the CPUs that are online
_CPUS: Final = (
    re.compile(rb"^#.*#P:(\d{1,6})", re.MULTILINE),
    re.compile(rb"^# nrcpus online : (\d{1,6})", re.MULTILINE),
    re.compile(rb"^# nrcpus avail : (\d{1,6})", re.MULTILINE),
    re.compile(rb"^cpus=(\d{1,6})", re.MULTILINE),
)
_EVENTS: Final = re.compile(rb"^# events: (.*)", re.MULTILINE)
_PERF_EVENT: Final = re.compile(rb"^# event : name = ([\w:]+)", re.MULTILINE)
_FORMATS: Final = (
    ("perf", re.compile(rb"^# ========|\b(?:kmem|sched):\w+:\s", re.MULTILINE)),
    ("trace-cmd", re.compile(rb"^(?:version = \d+|cpus=\d+)\s*$", re.MULTILINE)),
    ("ftrace", re.compile(rb"^# tracer:", re.MULTILINE)),
    # without a header: trace-cmd pads behind the colon of a name
    ("trace-cmd", re.compile(rb": (?:mm_page_\w+|sched_switch): {2}", re.MULTILINE)),
)
_TABLE: Final = re.compile(rb"^# GFP flags of (v\d+\.\d+)\s*$", re.MULTILINE)
# without IGNORECASE, which would look at every byte
_GFP: Final = re.compile(rb"gfp_flags=([A-Za-z_][A-Za-z0-9_|]*)")
_HEADER: Final = 1 << 14
"""Bytes in which a header ends."""
_DECIMAL_PFN: Final = re.compile(rb" pfn=[1-9]")
_COLD: Final = re.compile(rb" order=0 cold=")

# include/trace/events/mmflags.h: __def_gfpflag_names, v6.1; those of v4.14 at their
# place there. What all versions print first, as GFP_KERNEL, is not in it.
_PRINTED: Final = (
    *("HIGHMEM", "HIGH", "ATOMIC", "IO", "FS", "COLD", "NOWARN"),
    *("RETRY_MAYFAIL", "NOFAIL", "NORETRY", "COMP", "ZERO", "NOMEMALLOC"),
    *("MEMALLOC", "HARDWALL", "THISNODE", "RECLAIMABLE", "MOVABLE", "ACCOUNT"),
    *("NOTRACK", "WRITE", "RECLAIM", "DIRECT_RECLAIM", "KSWAPD_RECLAIM"),
    *("ZEROTAGS",),
)
_BIT_ORDER: Final = "v6.18"

_DECIMAL: Final = ("v5.4", "v4.19", "v4.14")
_HEXADECIMAL: Final = ("v6.1", "v6.18", "v5.4", "v4.19", "v4.14")
"""In the order of preference between equally possible ones."""


@dataclass(frozen=True)
class Head:
    """What a trace says of itself before its first event."""

    kernel: str
    """The GFP table, one of `gfp.KERNELS`."""
    chosen: str
    """How the table was chosen, such as ``release 6.6.12``; GUESSED."""
    release: str | None = None
    """The kernel release, such as ``6.6.12-amd64``."""
    cpus: int | None = None
    """CPUs of the machine that were online."""
    events: tuple[str, ...] | None = None
    """Names of the events that were recorded, without their subsystem."""
    format: str = "ftrace"
    """``ftrace``, ``trace-cmd`` or ``perf``."""

    @property
    def named(self) -> bool:
        """Whether something names the table or the release."""
        return self.chosen != GUESSED


def of_release(release: str) -> str:
    """The table for a kernel release such as ``6.6.12-amd64``.

    The last one that is not newer; the oldest for anything older.
    """
    wanted = _version(release)
    older = [k for k in gfp.KERNELS if _version(k.removeprefix("v")) <= wanted]
    return older[-1] if older else gfp.KERNELS[0]


def of_head(head: bytes, release: str | None = None, given: str | None = None) -> Head:
    """What the first block of a trace says.

    `release` is the kernel release where something else knows it, `given` the
    table that the user has named, which decides.
    """
    header = head[:_HEADER]
    if release is None and (found := _RELEASE.search(header)):
        release = found[1].decode(errors="replace")
    kernel, chosen = given, NAMED
    if kernel is None:
        kernel, chosen = _table(head, release)
    return Head(
        kernel,
        chosen,
        release=release,
        cpus=_cpus(header),
        events=_events(header),
        format=next((name for name, sign in _FORMATS if sign.search(head)), "ftrace"),
    )


def _table(head: bytes, release: str | None) -> tuple[str, str]:
    """The GFP table of a trace, and how it was chosen."""
    table = _TABLE.search(head, 0, _HEADER)
    if table and table[1].decode() in gfp.KERNELS:
        return table[1].decode(), "named in the trace"
    candidates: tuple[str, ...] = _HEXADECIMAL
    if _COLD.search(head):
        candidates = ("v4.14",)
    elif _DECIMAL_PFN.search(head):
        candidates = _DECIMAL
    if release is not None:
        candidates = (of_release(release), *gfp.KERNELS)
    texts = {text.decode() for text in set(_GFP.findall(head))}
    # max() keeps the first of equals
    kernel = max(candidates, key=lambda kernel: _likelihood(texts, kernel))
    return kernel, GUESSED if release is None else f"release {release}"


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


def _likelihood(texts: set[str], kernel: str) -> tuple[int, int]:
    """How many texts have only names of a version, and how many it could print."""
    known = possible = 0
    for text in texts:
        try:
            bits = gfp.decode(text, kernel)
        except UnknownGfpFlagError:
            continue
        known += 1
        names = text.split("|")
        greedy = set(names) == set(gfp.encode(bits, kernel).split("|"))
        places = [_place(name, kernel) for name in names]
        possible += greedy and places == sorted(places)
    return known, possible


def _place(name: str, kernel: str) -> int:
    """Where in its table a version has a name; 0 for what comes first in all."""
    single = name.removeprefix("__GFP_")
    if single == name or single not in _PRINTED:
        return 0
    if kernel == _BIT_ORDER:
        return gfp.mask(name, kernel)
    return 1 + _PRINTED.index(single)


def foreign(text: str, kernel: str) -> tuple[int, str]:
    """Bits of a text with a name that a guessed version lacks, and who has it.

    Names of the guessed version give its bits, others those of the first version
    that has them, FOREIGN_SHIFT higher. Raises `UnknownGfpFlagError` for a name
    that no version has.
    """
    bits = 0
    owner = kernel
    for part in text.split("|"):
        try:
            bits |= gfp.decode(part, kernel)
        except UnknownGfpFlagError:
            owners = [k for k in gfp.KERNELS if part in gfp.names(k)]
            if not owners:
                raise
            owner = owners[0]
            bits |= gfp.decode(part, owner) << FOREIGN_SHIFT
    return bits, owner


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release)[:2])
