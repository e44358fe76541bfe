# SPDX-License-Identifier: GPL-2.0-only
"""A small kernel that runs XPFO, and traces itself as docs/kernel does.

It has frames, pcp lists, pages of the kernel's and of users, and hooks that are
written here once more, from docs/kernel: mm/xpfo, so that nothing of the model is
in it. What it traces are texts; the order is the kernel's: the hook, the zeroing, then
the event of the allocation.
"""

import re
from dataclasses import dataclass, field

BLOCK = 9
BATCH = 4
FREE, KERNEL, USER = "free", "kernel", "user"
USER_MASKS = {
    (1, False): "GFP_HIGHUSER_MOVABLE",
    (1, True): "GFP_HIGHUSER_MOVABLE|__GFP_ZERO",
    (0, False): "GFP_HIGHUSER|__GFP_ACCOUNT",
    (0, True): "GFP_HIGHUSER|__GFP_ACCOUNT|__GFP_ZERO",
}
WAYS = {"pcp_batch_local": "local", "none": "none"}
BATCHED = ("pcp_batch", "pcp_batch_local")


@dataclass
class Frame:
    owner: str = FREE
    mapped: bool = True
    kmapped: int = 0


@dataclass
class Kernel:
    """The kernel; its trace so far is `lines`."""

    strategy: str
    start: str = "mapped"
    kmap: str | None = None
    cpus: int = 2
    blocks: int = 2
    held: int = 70
    missing: int = 20
    """Frames that the last block lacks."""
    lines: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.end = (self.blocks << BLOCK) - self.missing
        self.frames = [Frame() for _ in range(self.end)]
        self.kmap = self.kmap or WAYS.get(self.strategy, "direct")
        self.pcp = {}
        self.user_blocks = set()
        self.split = set()
        self.pages = {}  # first frame: (order, owner)
        self.time = 100
        self.context = "....."
        self.cpu = 0
        for pfn in range(self.held):
            self.frames[pfn].owner = KERNEL
        self.unused = set(range(self.held, self.end))
        if self.start == "unmapped":
            for frame in self.frames[self.held :]:
                frame.mapped = False
            block = self.held >> BLOCK
            if self.held & ((1 << BLOCK) - 1):
                self.split.add(block)
        self.emit(
            "mm_page_alloc: page=(____ptrval____) pfn=0x3 order=0 migratetype=0 "
            "gfp_flags=GFP_KERNEL"
        )
        self.emit(f"xpfo_held: pfn=0 nr={self.held}")
        self.emit(
            f"xpfo_start: strategy={self.strategy} start={self.start} "
            f"kmap={self.kmap} test=posted end_pfn={self.end} block_order={BLOCK} "
            f"cpus={self.cpus}"
        )

    # --- the trace

    def emit(self, text):
        self.time += 3
        stamp = f"{self.time // 1000000:5}.{self.time % 1000000:06}"
        self.lines.append(
            f"           task-{77 + self.cpu}      [{self.cpu:03}] {self.context} "
            f"{stamp}: {text}"
        )

    def text(self):
        head = [
            "# tracer: nop",
            "#",
            f"# entries-in-buffer/entries-written: {len(self.lines)}/{len(self.lines)}"
            f"   #P:{self.cpus}",
            "# kernel: 6.1.0-xpfo",
            "#",
        ]
        return "\n".join([*head, *self.lines]) + "\n"

    # --- core.c

    def differs(self, pfn, splits):
        if splits and pfn >> BLOCK not in self.split:
            self.split.add(pfn >> BLOCK)
            self.emit(f"xpfo_split: block={pfn >> BLOCK}")

    def clear_pte(self, pfn, cause, splits=True):
        if not self.frames[pfn].mapped:
            return []
        self.frames[pfn].mapped = False
        self.emit(f"xpfo_unmap: pfn={pfn} cause={cause}")
        self.differs(pfn, splits)
        return [pfn]

    def set_pte(self, pfn, cause, splits=True):
        if not self.frames[pfn].mapped:
            self.frames[pfn].mapped = True
            self.emit(f"xpfo_map: pfn={pfn} cause={cause}")
            self.differs(pfn, splits)

    def flush(self, cause, first, last, frames):
        span = last - first + 1
        waits = int(self.context[0] == "." and self.context[2] == ".")
        self.emit(
            f"xpfo_flush: cause={cause} pfn={first} span={span} frames={frames} "
            f"full={int(span > 33)} waits={waits}"
        )

    def unmap_all(self, pfns, cause):
        cleared = [pfn for one in pfns for pfn in self.clear_pte(one, cause)]
        if cleared:
            self.flush(cause, min(cleared), max(cleared), len(cleared))

    def counters(self):
        """What it has counted, as debugfs tells it."""
        counts = {"strategy": self.strategy, "start": self.start}
        for cause in ("alloc", "refill", "block", "kunmap", "free", "kmap", "fault"):
            for name in ("flush", "unmap", "map"):
                counts[f"{name}_{cause}"] = self.times(f"xpfo_{name}: ", cause)
        counts["splits"] = self.times("xpfo_split: ")
        counts["kmap_direct"] = self.times("xpfo_kmap: ", "way=direct")
        counts["free"] = self.times("mm_page_free: ")
        return "".join(f"{name} {value}\n" for name, value in counts.items())

    def times(self, *words):
        """How many lines have all of the words."""
        return sum(
            all(re.search(rf"\b{word}", line) for word in words) for line in self.lines
        )

    # --- strategies.c

    def alloc_hook(self, pfns, user, cause="alloc"):
        for pfn in pfns:
            self.frames[pfn].owner = USER if user else KERNEL
            self.frames[pfn].kmapped = 0
        if self.strategy == "none":
            return
        if self.strategy == "v6" and user:
            self.flush("alloc", pfns[0], pfns[-1], 0)
        elif user:
            self.unmap_all(pfns, cause)
        elif self.strategy != "v6":
            for pfn in pfns:
                self.set_pte(pfn, cause)

    def free_hook(self, pfns):
        for pfn in pfns:
            if self.strategy == "v6" and self.frames[pfn].owner == USER:
                self.set_pte(pfn, "free")
            self.frames[pfn].owner = FREE
            self.frames[pfn].kmapped = 0

    def refill_hook(self, pfns, migratetype):
        if self.strategy in BATCHED and migratetype == 1:
            self.unmap_all(pfns, "refill")
        elif self.strategy == "pcp_batch":
            for pfn in pfns:
                self.set_pte(pfn, "refill")
        elif self.strategy == "pageblock" and migratetype == 1:
            for pfn in pfns:
                self.change_block(pfn >> BLOCK, 1)

    def change_block(self, block, migratetype):
        first, end = block << BLOCK, min((block + 1) << BLOCK, self.end)
        whole = range(first, end)
        if migratetype == 1 and block not in self.user_blocks:
            self.user_blocks.add(block)
            splits = any(self.frames[pfn].owner == KERNEL for pfn in whole)
            cleared = []
            for pfn in whole:
                if self.frames[pfn].owner != KERNEL:
                    cleared += self.clear_pte(pfn, "block", splits)
            self.flush("block", first, end - 1, len(cleared))
        elif migratetype != 1 and block in self.user_blocks:
            self.user_blocks.discard(block)
            splits = any(self.frames[pfn].owner == USER for pfn in whole)
            for pfn in whole:
                if self.frames[pfn].owner != USER:
                    self.set_pte(pfn, "block", splits)

    # --- kmap.c

    def begin_access(self, pfn, caller, way=None):
        way = way or self.kmap
        self.emit(f"xpfo_kmap: pfn={pfn} way={way} caller={caller}")
        if way == "direct":
            self.frames[pfn].kmapped += 1
            self.set_pte(pfn, "kmap")

    def end_access(self, pfn, caller, way=None):
        way = way or self.kmap
        self.emit(f"xpfo_kunmap: pfn={pfn} way={way} caller={caller}")
        if way == "direct":
            self.frames[pfn].kmapped -= 1
            if not self.frames[pfn].kmapped:
                self.clear_pte(pfn, "kunmap")
                self.flush("kunmap", pfn, pfn, 1)

    # --- the allocator

    def lowest(self, size):
        """The first frames that are free side by side, or None."""
        for pfn in range(-(-self.held // size) * size, self.end - size + 1, size):
            if self.unused.issuperset(range(pfn, pfn + size)):
                return pfn
        return None

    def refill(self, order, migratetype):
        pages = []
        size = 1 << order
        for _ in range(max(2, BATCH >> order)):
            pfn = self.lowest(size)
            if pfn is None:
                break
            self.unused -= set(range(pfn, pfn + size))
            self.emit(
                f"mm_page_alloc_zone_locked: page=00000000deadbeef pfn={pfn:#x} "
                f"order={order} migratetype={migratetype} percpu_refill=1"
            )
            pages.append(pfn)
        if pages:
            frames = [pfn + i for pfn in pages for i in range(size)]
            self.refill_hook(frames, migratetype)
        self.pcp.setdefault((self.cpu, order, migratetype), []).extend(pages)

    def allocate(self, order, migratetype, *, user, zeroed, silent=None):
        """A page, or None if there is none; its event, too."""
        page = self.hand_out(order, migratetype, user=user, zeroed=zeroed)
        if page is None:
            return None
        self.tell(page, silent)
        return page[0]

    def hand_out(self, order, migratetype, *, user, zeroed):
        """A page as `tell` takes it, before its event."""
        key = (self.cpu, order, migratetype)
        if not self.pcp.get(key):
            self.refill(order, migratetype)
        if not self.pcp.get(key):
            return None
        pfn = self.pcp[key].pop(0)
        pfns = range(pfn, pfn + (1 << order))
        self.alloc_hook(pfns, user)
        if user and zeroed:
            for one in pfns:
                self.begin_access(one, "kernel_init_pages")
                self.end_access(one, "kernel_init_pages")
        mask = USER_MASKS[migratetype, zeroed] if user else "GFP_KERNEL"
        return pfn, order, migratetype, user, mask

    def tell(self, page, silent=None):
        """The event of an allocation."""
        pfn, order, migratetype, user, mask = page
        if silent:
            self.emit(
                f"xpfo_silent_alloc: pfn={pfn} order={order} "
                f"migratetype={migratetype} gfp_flags=0xcc0 by={silent}"
            )
        else:
            self.emit(
                f"mm_page_alloc: page=00000000deadbeef pfn={pfn:#x} order={order} "
                f"migratetype={migratetype} gfp_flags={mask}"
            )
        self.pages[pfn] = (order, migratetype, user)

    def free(self, pfn):
        order, migratetype, _ = self.pages.pop(pfn)
        self.emit(f"mm_page_free: page=00000000deadbeef pfn={pfn:#x} order={order}")
        self.free_hook(range(pfn, pfn + (1 << order)))
        self.pcp.setdefault((self.cpu, order, migratetype), []).append(pfn)

    def fall_back(self, block, migratetype):
        pfn = block << BLOCK
        self.emit(
            f"mm_page_alloc_extfrag: page=00000000deadbeef pfn={pfn:#x} alloc_order=0 "
            f"fallback_order=9 pageblock_order=9 alloc_migratetype={migratetype} "
            "fallback_migratetype=2 fragmenting=0 change_ownership=1"
        )
        if self.strategy == "pageblock":
            self.change_block(block, migratetype)

    def fault(self, pfn):
        owner = self.frames[pfn].owner
        self.emit(f"xpfo_fault: pfn={pfn} owner={owner} caller=careless_code")
        self.set_pte(pfn, "fault")

    def isolate(self):
        """Compaction takes a free frame, and moves a user's page to it."""
        if not self.unused:
            return
        pfn = max(self.unused)
        self.unused.remove(pfn)
        self.alloc_hook(range(pfn, pfn + 1), user=False)
        self.emit(
            f"xpfo_silent_alloc: pfn={pfn} order=0 migratetype=1 gfp_flags=0x8 "
            "by=isolate"
        )
        users = [p for p, (order, _, user) in self.pages.items() if user and not order]
        if users:
            self.emit(f"xpfo_migrate: src={users[0]} dst={pfn} nr=1 owner=user")
            self.free(users[0])
        self.pages[pfn] = (0, 1, False)

    def users(self):
        return [pfn for pfn, (_, _, user) in self.pages.items() if user]
