# SPDX-License-Identifier: GPL-2.0-only
"""GFP flags by kernel version: names to bits, bits to names, and who is *user*.

The same bit means different things in different kernels, so a mask is only
readable together with its version. A table is named by the first release that has
it, and stands for all kernels up to the next one in `KERNELS`: where a function
takes a version, v6.6 is as good as v6.4.

The tables are those of x86-64: flags that CONFIG_KASAN_HW_TAGS (arm64) alone gives
a bit, SKIP_ZERO and SKIP_KASAN*, are in none. They moved nothing that is tested here.
"""

import re
from functools import cache
from typing import Any, Final

from xpfo_model.errors import UnknownGfpFlagError, UnknownKernelError

__all__ = [
    "KERNELS",
    "POSTED",
    "USER_TESTS",
    "WIDE",
    "decode",
    "encode",
    "is_user",
    "is_zeroed",
    "mask",
    "may_wait",
    "migratetype",
    "names",
    "parts",
    "table_of",
    "version",
]

# One name a bit, from bit 0; "-" is a bit that the version leaves unnamed.
# include/linux/gfp.h, from v6.0 on gfp_types.h; read in the versions of the comments.
_LOW = "DMA HIGHMEM DMA32 MOVABLE RECLAIMABLE HIGH IO FS"
_RETRIES = "NOFAIL NORETRY MEMALLOC COMP"
_PLACE = "NOMEMALLOC HARDWALL THISNODE"
_OLD = f"{_RETRIES} ZERO {_PLACE} ATOMIC"
_REPEAT = f"{_LOW} COLD NOWARN REPEAT {_OLD}"
_MAYFAIL = f"{_LOW} COLD NOWARN RETRY_MAYFAIL {_OLD}"
_OTHER_NODE = "NOTRACK DIRECT_RECLAIM OTHER_NODE WRITE KSWAPD_RECLAIM"
_V4_10 = "ACCOUNT NOTRACK DIRECT_RECLAIM WRITE KSWAPD_RECLAIM"
_RECLAIM = "DIRECT_RECLAIM KSWAPD_RECLAIM"
_NEW = f"{_RECLAIM} WRITE NOWARN RETRY_MAYFAIL {_RETRIES} {_PLACE} ACCOUNT"
_V5_1 = f"{_LOW} ZERO ATOMIC {_NEW}"
_V6_3 = f"{_LOW} ZERO - {_NEW} ZEROTAGS"
_TABLES: Final = {
    # v4.4.155
    "v4.4": f"{_REPEAT} NOACCOUNT {_OTHER_NODE}",
    # v4.6.2: ACCOUNT for NOACCOUNT
    "v4.5": f"{_REPEAT} ACCOUNT {_OTHER_NODE}",
    # v4.6.2: mmflags.h is new, single flags are printed with their underscores
    "v4.6": f"{_REPEAT} ACCOUNT {_OTHER_NODE}",
    # v4.8, v4.9.0: GFP_TRANSHUGE_LIGHT
    "v4.8": f"{_REPEAT} ACCOUNT {_OTHER_NODE}",
    # v4.12; also in updates of v4.9, such as v4.9.76: without OTHER_NODE
    "v4.10": f"{_REPEAT} {_V4_10}",
    # v4.12: NOLOCKDEP
    "v4.12": f"{_REPEAT} {_V4_10} NOLOCKDEP",
    # v4.14.177: RETRY_MAYFAIL for REPEAT
    "v4.13": f"{_MAYFAIL} {_V4_10} NOLOCKDEP",
    # v4.14.177, whose NOTRACK an update has removed: without GFP_TEMPORARY
    "v4.14": f"{_MAYFAIL} {_V4_10} NOLOCKDEP",
    # v4.15.18, v4.17: without COLD and NOTRACK, whose bits stay free
    "v4.15": f"{_LOW} - NOWARN RETRY_MAYFAIL {_OLD} ACCOUNT - DIRECT_RECLAIM WRITE "
    "KSWAPD_RECLAIM NOLOCKDEP",
    # v4.18, 4.18.0-147.el8, v4.20, v5.0.1: mm: save two stranding bit in gfp_mask
    "v4.18": f"{_LOW} WRITE NOWARN RETRY_MAYFAIL {_OLD} ACCOUNT {_RECLAIM} NOLOCKDEP",
    # v5.2.1, v5.3.1, v5.9.1, v5.11, v5.12: mm: shuffle GFP_* flags
    "v5.1": f"{_V5_1} NOLOCKDEP",
    # v5.14, v5.15.55, v5.16.10, v5.17
    "v5.14": f"{_V5_1} ZEROTAGS SKIP_KASAN_POISON NOLOCKDEP",
    # v5.18.12, v5.19, v6.0, v6.2.1: SKIP_KASAN_POISON with KASAN_HW_TAGS only
    "v5.18": f"{_V5_1} ZEROTAGS - - - NOLOCKDEP",
    # v6.3.8: without ATOMIC
    "v6.3": f"{_V6_3} - - - NOLOCKDEP",
    # v6.4.6, v6.5, v6.6.47: one SKIP_KASAN for two
    "v6.4": f"{_V6_3} - - NOLOCKDEP",
    # v6.8.1: gfp: Include __GFP_NOWARN in GFP_NOWAIT
    "v6.8": f"{_V6_3} - - NOLOCKDEP",
    # v6.10, v6.12, v6.13.2, v6.14: 772dd0342727, from bit 24 the configuration
    # decides; this is with SLAB_OBJ_EXT, without LOCKDEP
    "v6.10": f"{_V6_3} NO_OBJ_EXT",
    # v6.17, v6.18.35: printed in the order of the bits
    "v6.15": f"{_V6_3} NO_OBJ_EXT",
}
_BITS: Final = {kernel: table.split() for kernel, table in _TABLES.items()}

POSTED: Final = "posted"
"""The test for a user's page that every posted version has."""
WIDE: Final = "wide"
"""The test that also takes in THP and what a NOFS scope allocates for users."""
USER_TESTS: Final = (POSTED, WIDE)
"""Tests for a user's page."""
_USER: Final = {
    POSTED: ("GFP_HIGHUSER",),
    WIDE: ("__GFP_HIGHMEM", "__GFP_HARDWALL"),
}

KERNELS: Final = tuple(_BITS)
"""The versions that begin a table, oldest first."""
CHECKED: Final = "v6.18"
"""The newest version whose include/linux/gfp_types.h the tables were held against."""

# In the order of include/trace/events/mmflags.h: largest masks first.
_COMPOSITES: Final = {
    "GFP_TRANSHUGE": "GFP_TRANSHUGE_LIGHT|__GFP_DIRECT_RECLAIM",
    "GFP_TRANSHUGE_LIGHT": "__GFP_IO|__GFP_FS|__GFP_HARDWALL|__GFP_HIGHMEM"
    "|__GFP_MOVABLE|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_NOWARN",
    "GFP_HIGHUSER_MOVABLE": "GFP_HIGHUSER|__GFP_MOVABLE",
    "GFP_HIGHUSER": "GFP_USER|__GFP_HIGHMEM",
    "GFP_USER": "GFP_KERNEL|__GFP_HARDWALL",
    "GFP_TEMPORARY": "GFP_KERNEL|__GFP_RECLAIMABLE",
    "GFP_KERNEL_ACCOUNT": "GFP_KERNEL|__GFP_ACCOUNT",
    "GFP_KERNEL": "__GFP_RECLAIM|__GFP_IO|__GFP_FS",
    "GFP_NOFS": "__GFP_RECLAIM|__GFP_IO",
    "GFP_ATOMIC": "__GFP_HIGH|__GFP_ATOMIC|__GFP_KSWAPD_RECLAIM",
    "GFP_NOIO": "__GFP_RECLAIM",
    "GFP_NOWAIT": "__GFP_KSWAPD_RECLAIM",
    "GFP_DMA": "__GFP_DMA",
    "GFP_DMA32": "__GFP_DMA32",
    "__GFP_RECLAIM": "__GFP_DIRECT_RECLAIM|__GFP_KSWAPD_RECLAIM",
}
# What is otherwise from a version on, until the next one here; "" is no name.
_CHANGED_COMPOSITES: Final = {
    "v4.4": {
        "GFP_TRANSHUGE": "__GFP_DIRECT_RECLAIM|__GFP_IO|__GFP_FS|__GFP_HARDWALL"
        "|__GFP_HIGHMEM|__GFP_MOVABLE|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_NORETRY"
        "|__GFP_NOWARN",
        "GFP_TRANSHUGE_LIGHT": "",
        "GFP_KERNEL_ACCOUNT": "",
    },
    "v4.5": {"GFP_KERNEL_ACCOUNT": _COMPOSITES["GFP_KERNEL_ACCOUNT"]},
    "v4.6": {
        "GFP_TRANSHUGE": "__GFP_IO|__GFP_FS|__GFP_HARDWALL|__GFP_HIGHMEM|__GFP_MOVABLE"
        "|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_NORETRY|__GFP_NOWARN"
    },
    "v4.8": {
        "GFP_TRANSHUGE": _COMPOSITES["GFP_TRANSHUGE"],
        "GFP_TRANSHUGE_LIGHT": _COMPOSITES["GFP_TRANSHUGE_LIGHT"],
    },
    "v4.14": {"GFP_TEMPORARY": ""},
    "v5.14": {
        "GFP_HIGHUSER_MOVABLE": "GFP_HIGHUSER|__GFP_MOVABLE|__GFP_SKIP_KASAN_POISON",
        "GFP_TRANSHUGE_LIGHT": _COMPOSITES["GFP_TRANSHUGE_LIGHT"]
        + "|__GFP_SKIP_KASAN_POISON",
    },
    "v5.18": {
        name: _COMPOSITES[name]
        for name in ("GFP_HIGHUSER_MOVABLE", "GFP_TRANSHUGE_LIGHT")
    },
    "v6.3": {"GFP_ATOMIC": "__GFP_HIGH|__GFP_KSWAPD_RECLAIM"},
    "v6.8": {"GFP_NOWAIT": "__GFP_KSWAPD_RECLAIM|__GFP_NOWARN"},
}
_MOVABLE_SHIFT: Final = 3
_VERSION: Final = re.compile(r"v(\d{1,3})\.(\d{1,3})")


def version(kernel: str) -> tuple[int, int]:
    """Major and minor number of a version such as ``v6.1``, for comparisons.

    Raises `UnknownKernelError` for text that is no version.
    """
    found = _VERSION.fullmatch(kernel)
    if not found:
        raise _unknown(kernel)
    return int(found[1]), int(found[2])


def table_of(kernel: str) -> str:
    """The one of `KERNELS` that has the table of a version.

    Raises `UnknownKernelError` for text that is no version, and for one that is
    older than the first table.
    """
    wanted = version(kernel)
    older = [known for known in KERNELS if version(known) <= wanted]
    if not older:
        raise _unknown(kernel)
    return older[-1]


def _unknown(kernel: str) -> UnknownKernelError:
    return UnknownKernelError(
        f"no table of GFP flags for kernel {kernel!r}",
        remedy=f"name a version from {KERNELS[0]} on, such as v6.1",
    )


@cache
def names(kernel: str) -> dict[str, int]:
    """All GFP names of a kernel version with their masks, largest masks first.

    Raises `UnknownKernelError`. Mirrors include/trace/events/mmflags.h:
    __def_gfpflag_names, and gfpflags.h: show_gfp_flags before v4.6.
    """
    table = table_of(kernel)
    single = {
        f"__GFP_{name}": 1 << bit
        for bit, name in enumerate(_BITS[table])
        if name != "-"
    }
    texts = dict(_COMPOSITES)
    for known, changed in _CHANGED_COMPOSITES.items():
        if version(known) <= version(table):
            texts |= changed

    def expand(text: str) -> int:
        return sum({single[n] for n in _flatten(text, texts)})

    return {name: expand(text) for name, text in texts.items() if text} | single


def _flatten(text: str, composites: dict[str, str]) -> set[str]:
    flat: set[str] = set()
    for name in text.split("|"):
        inner = composites.get(name)
        flat |= {name} if inner is None else _flatten(inner, composites)
    return flat


def parts(name: str, kernel: str) -> list[str]:
    """The single flags of one GFP name of a version.

    Raises `UnknownGfpFlagError` and `UnknownKernelError`.
    """
    bits = mask(name, kernel)
    single = _BITS[table_of(kernel)]
    return [f"__GFP_{flag}" for bit, flag in enumerate(single) if bits >> bit & 1]


def mask(name: str, kernel: str) -> int:
    """The mask of one GFP name, such as ``GFP_HIGHUSER``, in a kernel version.

    Raises `UnknownGfpFlagError`, `UnknownKernelError`.
    """
    table = names(kernel)
    if name not in table:
        others = [k for k in KERNELS if name in names(k)]
        hint = f"it is known from {others[0]} on" if others else "it is in none"
        if others and others[-1] != KERNELS[-1]:
            hint = f"it is known in {others[0]} to {others[-1]}"
        raise UnknownGfpFlagError(
            f"kernel {kernel} has no GFP flag {name!r}", remedy=f"{hint}: see --kernel"
        )
    return table[name]


def decode(text: str, kernel: str) -> int:
    """Bits of a mask from the text of a trace: ``A|B|0x100``, ``none``, ``0xcc0``.

    Raises `UnknownGfpFlagError` for a name that the version does not have, so
    that no flag is lost.
    """
    if text == "none":
        return 0
    bits = 0
    for part in text.split("|"):
        if part[:1].isdigit():
            try:
                bits |= int(part, 0)
            except ValueError:
                raise UnknownGfpFlagError(
                    f"{part!r} in {text!r} is neither a GFP flag nor a number"
                ) from None
        elif part.startswith("GFP_") and part not in names(kernel):
            # perf and trace-cmd of old write GFP_ZERO for __GFP_ZERO
            bits |= mask("__" + part, kernel)
        else:
            bits |= mask(part, kernel)
    return bits


def encode(bits: int, kernel: str) -> str:
    """Text of a mask as ftrace prints it; what has no name follows in hex.

    Mirrors kernel/trace/trace_output.c: trace_print_flags_seq.
    """
    if bits == 0:
        return "none"
    parts = []
    for name, value in names(kernel).items():
        if bits & value == value:
            parts.append(name)
            bits &= ~value
    if bits:
        parts.append(hex(bits))
    return "|".join(parts)


def is_user(gfp: Any, kernel: str, test: str = POSTED) -> Any:
    """Whether a mask, or each of an array of masks, passes a test for a user's page.

    Parameters
    ----------
    gfp : int or array
        Bits in the kernel version.
    kernel : str
        The version.
    test : str
        POSTED: ``(gfp & GFP_HIGHUSER) == GFP_HIGHUSER``, in every posted version.
        WIDE: `POSTED` without the bits that say how an allocation may wait, which
        NOFS scopes and THP strip. vmalloc() has __GFP_HIGHMEM without __GFP_HARDWALL;
        with cpusets in use prepare_alloc_pages() adds that to every mask, v6.1.

    Raises `UnknownKernelError`.
    """
    bits = sum(mask(name, kernel) for name in _USER[test])
    return (gfp & bits) == bits


def may_wait(gfp: Any, kernel: str) -> Any:
    """Whether a mask, or each of an array of masks, allows direct reclaim.

    Mirrors include/linux/gfp.h: gfpflags_allow_blocking, v4.4 to v6.18.
    """
    return (gfp & mask("__GFP_DIRECT_RECLAIM", kernel)) != 0


def is_zeroed(gfp: Any, kernel: str) -> Any:
    """Whether a mask, or each of an array of masks, asks for zeroed pages."""
    return (gfp & mask("__GFP_ZERO", kernel)) != 0


def migratetype(gfp: Any) -> Any:
    """The migratetype that a mask asks for, scalar or array.

    Mirrors include/linux/gfp.h: gfp_migratetype (gfpflags_to_migratetype in
    v4.14), mobility grouping enabled. The two bits are the same in all versions.
    """
    both = 0b11 << _MOVABLE_SHIFT
    return (gfp & both) >> _MOVABLE_SHIFT
