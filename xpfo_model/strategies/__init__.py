# SPDX-License-Identifier: GPL-2.0-only
"""The registry: one line a strategy, one file each, baseline first.

Every strategy module has the same functions in the same order, those of `HOOKS`.
Loops call the placeholders in `hooks`.
"""

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from xpfo_model.errors import UnknownStrategyError
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_PCPU_DRAIN,
    SCHED_SWITCH,
)
from xpfo_model.jit import Given
from xpfo_model.machine import XPFO_UNMAPPED, XPFO_USER
from xpfo_model.strategies import hooks
from xpfo_model.strategies.guarantee import go_on, ignore, leave

HOOKS: Final = {
    "alloc": "post_alloc_hook()",
    "free": "free_pages_prepare()",
    "kmap": "kmap(), kmap_atomic()",
    "kunmap": "kunmap(), kunmap_atomic()",
    "refill": "rmqueue_bulk()",
    "drain": "free_pcppages_bulk()",
    "change_block": "set_pageblock_migratetype() and the fallback",
    "context_switch": "switch_mm_irqs_off()",
}
"""The functions of a strategy, in order, and the kernel's place for each."""

OWN: Final = ("use",)
"""Functions of `hooks` that a strategy may replace by one of its own."""


@dataclass(frozen=True)
class Entry:
    """A strategy as it was posted or proposed."""

    what: str
    """In a line."""
    counted: bool = True
    """Whether `compare` shows it by default: the strategies of the thread."""
    safe: bool = False
    """Whether this document says that it is safe; `check` holds it to that."""
    marks: bool = False
    """Whether it keeps marks on frames."""
    unmapped_mark: bool = True
    """Whether XPFO_UNMAPPED is among them."""
    start_marks: int = 0
    """Marks of a frame that starts without an alias, as if a user had freed it."""
    irqs_off: tuple[str, ...] = ()
    """Hooks that its place in the kernel calls with interrupts off."""
    heeds_free: bool = True
    """Whether its counts over a trace depend on the calls of its free hook."""
    flips_free_blocks: bool = False
    """Whether a block flips only while it is free and out of the buddy lists."""


# In 4.14 to 5.0 rmqueue_pcplist() holds interrupts off around rmqueue_bulk(); a
# pageblock changes hands under the zone's lock, taken with interrupts off.
_BULK: Final = ("refill",)
_LOCKED: Final = ("refill", "change_block")

# What a mark of v4 and later says of a frame that a user freed and nobody maps back.
_UNMAPPED: Final = XPFO_USER | XPFO_UNMAPPED

REGISTRY: Final = {
    "none": Entry("no XPFO"),
    # as posted, its allocation unmaps nothing that a free could map back
    "v6": Entry(
        "flush at every user allocation, as posted",
        marks=True,
        start_marks=_UNMAPPED,
        heeds_free=False,
    ),
    "per_frame": Entry("unmap at allocation, free is a no-op"),
    "alternation": Entry("flush when the type of allocation alternates; not safe"),
    "pcp_batch": Entry("unmap a whole pcp refill, flush once", irqs_off=_BULK),
    "pcp_batch_consume": Entry(
        "flush when the list is consumed; not safe", irqs_off=_BULK
    ),
    "pageblock": Entry("flip whole pageblocks", irqs_off=_LOCKED),
    "cold_end": Entry(
        "v3: freed kernel frames to the cold end", counted=False, marks=True
    ),
    "v5": Entry("XPFO v5 as posted", counted=False, marks=True, start_marks=_UNMAPPED),
    "will_map": Entry(
        "v6 with the fixes of its thread",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
    ),
    "nov2017": Entry(
        "the first prototype",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
        irqs_off=_BULK,
    ),
    "v8": Entry(
        "XPFO v8 as posted",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
        irqs_off=_BULK,
    ),
    "v9": Entry(
        "XPFO v9 as posted",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
        irqs_off=_BULK,
    ),
    "freetype": Entry(
        "free lists by mapping, 2026", counted=False, flips_free_blocks=True
    ),
    "pcp_batch_prezero": Entry(
        "zero a refill, then unmap it",
        counted=False,
        marks=True,
        unmapped_mark=False,
        irqs_off=_BULK,
    ),
    "per_frame_local": Entry("per_frame with a local kmap", counted=False, safe=True),
    "pcp_batch_local": Entry(
        "recommended: lazy map, local kmap", counted=False, safe=True
    ),
}
"""A strategy by its name, which is also its module's."""

BASELINE: Final = "none"
"""The kernel without XPFO: whatever starts unmapped, its memory does not."""

RECOMMENDED: Final = "pcp_batch_local"
"""The strategy that this document recommends."""

COUNTED: Final = tuple(name for name, entry in REGISTRY.items() if entry.counted)
"""The strategies of the September 2017 thread."""

SHOWN: Final = (*COUNTED, RECOMMENDED)
"""What `compare` shows by default."""

_EVENTS: Final = {
    "alloc": (EVENT_NAMES[MM_PAGE_ALLOC],),
    "free": (EVENT_NAMES[MM_PAGE_FREE],),
    "refill": (EVENT_NAMES[MM_PAGE_ALLOC_ZONE_LOCKED],),
    "drain": (EVENT_NAMES[MM_PAGE_PCPU_DRAIN],),
    # a flip spares frames by their owner, who is known by allocation and free
    "change_block": (EVENT_NAMES[MM_PAGE_ALLOC_EXTFRAG], EVENT_NAMES[MM_PAGE_FREE]),
    "context_switch": (EVENT_NAMES[SCHED_SWITCH],),
}
"""Tracepoints that the calls of a hook are reconstructed from."""


def load(name: str) -> ModuleType:
    """The module of a strategy. Raises `UnknownStrategyError`."""
    if name not in REGISTRY:
        raise UnknownStrategyError(
            f"no strategy {name!r}", remedy=f"choose from {', '.join(REGISTRY)}"
        )
    return import_module(f"{__name__}.{name}")


def functions(name: str) -> dict[str, Callable[..., Any]]:
    """The functions of a strategy that loops call: its hooks, and of `OWN` its own.

    Raises `UnknownStrategyError`.
    """
    module = load(name)
    own = [function for function in OWN if hasattr(module, function)]
    return {hook: getattr(module, hook) for hook in (*HOOKS, *own)}


def sources(name: str) -> tuple[dict[str, Callable[..., Any]], Entry]:
    """What a result that looks a strategy up rests on; see `closure.parts`.

    Its hooks, and its entry without words for people. Raises `UnknownStrategyError`.
    """
    return functions(name), replace(REGISTRY[name], what="", counted=False)


def needs(name: str) -> tuple[str, ...]:
    """The tracepoints without which a strategy cannot be counted over a trace.

    Raises `UnknownStrategyError`.
    """
    found: dict[str, None] = {}
    for hook, function in functions(name).items():
        idle = function in (leave, ignore, go_on)
        if hook in _EVENTS and not idle:
            if hook == "free" and not REGISTRY[name].heeds_free:
                continue
            found.update(dict.fromkeys(_EVENTS[hook]))
    return tuple(found)


def given(taken: Mapping[str, Callable[..., Any]]) -> Given:
    """Functions by the placeholders whose place they take, for `jit.compiled`."""
    return {getattr(hooks, hook): function for hook, function in taken.items()}


def text(name: str) -> str:
    """All hooks of a strategy in their order, each with where it is written."""
    module = load(name)
    parts = []
    for hook in HOOKS:
        function = getattr(module, hook)
        home = function.__module__.rpartition(".")[2]
        origin = "" if home == name else f"  # {home}.{function.__name__}"
        source = inspect.getsource(function).replace(
            f"def {function.__name__}(", f"def {hook}(", 1
        )
        parts.append(f"# {HOOKS[hook]}{origin}\n{source}")
    return "\n".join(parts)


def diff(one: str, other: str) -> str:
    """Two strategies compared, hook by hook. Raises `UnknownStrategyError`."""
    return "".join(
        difflib.unified_diff(
            text(one).splitlines(keepends=True),
            text(other).splitlines(keepends=True),
            one,
            other,
            n=2,
        )
    )
