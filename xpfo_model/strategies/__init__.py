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
    PAGE_FAULT_USER,
    SCHED_SWITCH,
    SYS_ENTER,
    SYS_EXIT,
)
from xpfo_model.gfp import POSTED, WIDE
from xpfo_model.jit import Given
from xpfo_model.machine import XPFO_UNMAPPED, XPFO_USER
from xpfo_model.strategies import border, hooks
from xpfo_model.strategies.guarantee import go_on, ignore, leave
from xpfo_model.strategies.places import (
    BEFORE_THE_LIST,
    DIRECT_MAP,
    RMQUEUE_BULK,
    SET_MIGRATETYPE,
    context,
)

HOOKS: Final = {
    "alloc": "post_alloc_hook()",
    "free": "free_pages_prepare()",
    "kmap": "kmap(), kmap_atomic()",
    "kunmap": "kunmap(), kunmap_atomic()",
    "refill": "rmqueue_bulk()",
    "drain": "free_pcppages_bulk()",
    "change_block": "set_pageblock_migratetype() and the fallback",
    "isolate": "split_map_pages()",
    "migrate": "move_to_new_folio()",
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
    user_test: str = POSTED
    """By which it tells a user's page, of `gfp.USER_TESTS`."""
    start_marks: int = 0
    """Marks of a frame that starts without an alias, as if a user had freed it."""
    kernel: str = "v4.14"
    """The kernel that it is for, of those in `places.CONTEXTS`."""
    refill_at: str = RMQUEUE_BULK
    """Where its refill is called."""
    block_at: str = SET_MIGRATETYPE
    """Where its change of a block is called."""
    heeds_free: bool = True
    """Whether its counts over a trace depend on the calls of its free hook."""
    by_task: bool = False
    """Whether it keeps state for each task."""
    flips_free_blocks: bool = False
    """Whether a block that flips is out of the buddy lists until its flush is done."""

    @property
    def irqs_off(self) -> tuple[str, ...]:
        """Hooks that its places in its kernel call with interrupts off."""
        places = {"refill": self.refill_at, "change_block": self.block_at}
        return tuple(h for h, at in places.items() if context(at, self.kernel).irqs_off)


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
    "pcp_batch": Entry("unmap a whole pcp refill, flush once"),
    "pcp_batch_consume": Entry("flush when the list is consumed; not safe"),
    "pageblock": Entry("flip whole pageblocks"),
    "list_at_once": Entry(
        "unmap a whole refill, flush when it is consumed; not safe", counted=False
    ),
    "return_to_user": Entry(
        "unmap at allocation, flush before the return to user space", counted=False
    ),
    "kernel_entry": Entry(
        "v9 with its flush at each entry of the kernel, too",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
    ),
    "v3": Entry(
        "XPFO v3 as posted", counted=False, marks=True, start_marks=XPFO_UNMAPPED
    ),
    "v5": Entry("XPFO v5 as posted", counted=False, marks=True, start_marks=_UNMAPPED),
    "will_map": Entry(
        "v6 with the fixes of its thread",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
    ),
    "nov2017": Entry(
        "the first prototype", counted=False, marks=True, start_marks=_UNMAPPED
    ),
    "v7": Entry(
        "XPFO v7 as posted, with xpfotlbflush",
        counted=False,
        marks=True,
        start_marks=_UNMAPPED,
        by_task=True,
    ),
    "v8": Entry("XPFO v8 as posted", counted=False, marks=True, start_marks=_UNMAPPED),
    "v9": Entry("XPFO v9 as posted", counted=False, marks=True, start_marks=_UNMAPPED),
    "freetype": Entry(
        "free lists by mapping, 2026",
        counted=False,
        marks=True,
        unmapped_mark=False,
        flips_free_blocks=True,
        safe=True,
        kernel="v7.0",
        refill_at=DIRECT_MAP,
        block_at=DIRECT_MAP,
    ),
    "pcp_batch_prezero": Entry(
        "zero a refill, then unmap it", counted=False, marks=True, unmapped_mark=False
    ),
    "per_frame_local": Entry("per_frame with a local kmap", counted=False, safe=True),
    "per_frame_closed": Entry(
        "pcp_batch_closed without a batch", counted=False, user_test=WIDE, safe=True
    ),
    "pcp_batch_local": Entry(
        "pcp_batch, lazy map, local kmap",
        counted=False,
        kernel="v6.1",
        refill_at=BEFORE_THE_LIST,
    ),
    "pcp_batch_closed": Entry(
        "recommended, with its holes closed",
        counted=False,
        user_test=WIDE,
        safe=True,
        kernel="v6.1",
        refill_at=BEFORE_THE_LIST,
    ),
}
"""A strategy by its name, which is also its module's."""

BASELINE: Final = "none"
"""The kernel without XPFO: whatever starts unmapped, its memory does not."""

RECOMMENDED: Final = "pcp_batch_closed"
"""The strategy that this document recommends."""

COUNTED: Final = tuple(name for name, entry in REGISTRY.items() if entry.counted)
"""The strategies of the September 2017 thread."""

SHOWN: Final = (*COUNTED, "pcp_batch_local", RECOMMENDED)
"""The strategies that `compare` shows by default."""

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


_ENTER, _EXIT, _FAULT = (EVENT_NAMES[k] for k in (SYS_ENTER, SYS_EXIT, PAGE_FAULT_USER))

AT_BORDER: Final = {
    "return_to_user": (_ENTER, _EXIT, _FAULT),
    "kernel_entry": (_ENTER, _FAULT),
}
"""Functions of `border` that a strategy may have, and the
tracepoints that their calls follow from."""


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


def at_border(name: str) -> dict[str, Callable[..., Any]]:
    """The functions of `border` that a strategy has. Raises `UnknownStrategyError`."""
    module = load(name)
    return {hook: getattr(module, hook) for hook in AT_BORDER if hasattr(module, hook)}


def sources(name: str) -> tuple[dict[str, Callable[..., Any]], Entry]:
    """The parts of a strategy that a result rests on; see `closure.parts`.

    Its hooks, and its entry without words for people. Raises `UnknownStrategyError`.
    """
    entry = replace(REGISTRY[name], what="", counted=False)
    return functions(name) | at_border(name), entry


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
    for hook in at_border(name):
        found.update(dict.fromkeys(AT_BORDER[hook]))
    return tuple(found)


def given(taken: Mapping[str, Callable[..., Any]]) -> Given:
    """Functions by those of `hooks` and `border` whose place they take.

    For `jit.compiled` and `jit.bound`.
    """
    return {
        getattr(border if hook in AT_BORDER else hooks, hook): function
        for hook, function in taken.items()
    }


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
