# SPDX-License-Identifier: GPL-2.0-only
"""GFP flags by kernel version: names to bits, bits to names, and who is *user*.

The same bit means different things in different kernels, so a mask is only
readable together with its version. A version stands for all kernels up to the
next one in `KERNELS`.
"""

from functools import cache
from typing import Any, Final

from xpfo_model.errors import UnknownGfpFlagError, UnknownKernelError

__all__ = [
    "KERNELS",
    "decode",
    "encode",
    "is_user",
    "is_zeroed",
    "mask",
    "migratetype",
    "names",
]

_LOW = ("DMA", "HIGHMEM", "DMA32", "MOVABLE", "RECLAIMABLE", "HIGH", "IO", "FS")

# One name a bit, from bit 0; None is a bit that the version leaves unnamed.
_MIDDLE_V5 = (
    "DIRECT_RECLAIM",
    "KSWAPD_RECLAIM",
    "WRITE",
    "NOWARN",
    "RETRY_MAYFAIL",
    "NOFAIL",
    "NORETRY",
    "MEMALLOC",
    "COMP",
    "NOMEMALLOC",
    "HARDWALL",
    "THISNODE",
    "ACCOUNT",
)
_BITS: Final[dict[str, tuple[str | None, ...]]] = {
    # include/linux/gfp.h, v4.14
    "v4.14": (
        *_LOW,
        *("COLD", "NOWARN", "RETRY_MAYFAIL", "NOFAIL", "NORETRY", "MEMALLOC"),
        *("COMP", "ZERO", "NOMEMALLOC", "HARDWALL", "THISNODE", "ATOMIC"),
        *("ACCOUNT", "NOTRACK", "DIRECT_RECLAIM", "WRITE", "KSWAPD_RECLAIM"),
        "NOLOCKDEP",
    ),
    # include/linux/gfp.h, v4.19: COLD and NOTRACK went in v4.15
    "v4.19": (
        *_LOW,
        *("WRITE", "NOWARN", "RETRY_MAYFAIL", "NOFAIL", "NORETRY", "MEMALLOC"),
        *("COMP", "ZERO", "NOMEMALLOC", "HARDWALL", "THISNODE", "ATOMIC"),
        *("ACCOUNT", "DIRECT_RECLAIM", "KSWAPD_RECLAIM", "NOLOCKDEP"),
    ),
    # include/linux/gfp.h, v5.4
    "v5.4": (*_LOW, "ZERO", "ATOMIC", *_MIDDLE_V5, "NOLOCKDEP"),
    # include/linux/gfp_types.h, v6.1, without KASAN_HW_TAGS
    "v6.1": (*_LOW, "ZERO", "ATOMIC", *_MIDDLE_V5, "ZEROTAGS", "NOLOCKDEP"),
    # include/linux/gfp_types.h, v6.18: from bit 24 the configuration decides;
    # this is x86-64 with SLAB_OBJ_EXT, without KASAN_HW_TAGS and LOCKDEP
    "v6.18": (*_LOW, "ZERO", None, *_MIDDLE_V5, "ZEROTAGS", "NO_OBJ_EXT"),
}

KERNELS: Final = tuple(_BITS)
"""The versions that have a table, oldest first."""

# In the order of include/trace/events/mmflags.h: largest masks first.
_COMPOSITES: Final = {
    "GFP_TRANSHUGE": "GFP_TRANSHUGE_LIGHT|__GFP_DIRECT_RECLAIM",
    "GFP_TRANSHUGE_LIGHT": "__GFP_IO|__GFP_FS|__GFP_HARDWALL|__GFP_HIGHMEM"
    "|__GFP_MOVABLE|__GFP_COMP|__GFP_NOMEMALLOC|__GFP_NOWARN",
    "GFP_HIGHUSER_MOVABLE": "GFP_HIGHUSER|__GFP_MOVABLE",
    "GFP_HIGHUSER": "GFP_USER|__GFP_HIGHMEM",
    "GFP_USER": "GFP_KERNEL|__GFP_HARDWALL",
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
_CHANGED_COMPOSITES: Final = {
    "v6.18": {
        "GFP_ATOMIC": "__GFP_HIGH|__GFP_KSWAPD_RECLAIM",
        "GFP_NOWAIT": "__GFP_KSWAPD_RECLAIM|__GFP_NOWARN",
    },
}
_MOVABLE_SHIFT: Final = 3


@cache
def names(kernel: str) -> dict[str, int]:
    """All GFP names of a kernel version with their masks, largest masks first.

    Raises `UnknownKernelError`. Mirrors include/trace/events/mmflags.h:
    __def_gfpflag_names.
    """
    if kernel not in _BITS:
        raise UnknownKernelError(
            f"no table of GFP flags for kernel {kernel!r}",
            remedy=f"choose one of {', '.join(KERNELS)}",
        )
    single = {
        f"__GFP_{name}": 1 << bit
        for bit, name in enumerate(_BITS[kernel])
        if name is not None
    }
    texts = _COMPOSITES | _CHANGED_COMPOSITES.get(kernel, {})

    def expand(text: str) -> int:
        return sum({single[n] for n in _flatten(text, texts)})

    return {name: expand(text) for name, text in texts.items()} | single


def _flatten(text: str, composites: dict[str, str]) -> set[str]:
    flat: set[str] = set()
    for name in text.split("|"):
        inner = composites.get(name)
        flat |= {name} if inner is None else _flatten(inner, composites)
    return flat


def mask(name: str, kernel: str) -> int:
    """The mask of one GFP name, such as ``GFP_HIGHUSER``, in a kernel version.

    Raises `UnknownGfpFlagError`, `UnknownKernelError`.
    """
    table = names(kernel)
    if name not in table:
        others = [k for k in KERNELS if name in names(k)]
        hint = f"it is known in {', '.join(others)}" if others else "it is in none"
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


def is_user(gfp: Any, kernel: str) -> Any:
    """Whether a mask, or each of an array of masks, passes XPFO's posted test.

    ``(gfp & GFP_HIGHUSER) == GFP_HIGHUSER``, in every posted version.
    """
    highuser = mask("GFP_HIGHUSER", kernel)
    return (gfp & highuser) == highuser


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
