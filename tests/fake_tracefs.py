# SPDX-License-Identifier: GPL-2.0-only
"""A folder that behaves like tracefs: making an instance fills it with files."""

import errno
import os
import shutil
from pathlib import Path

from xpfo_model.events import EVENT_NAMES, SCHED_SWITCH

TRACE = """\
# tracer: nop
#
# entries-in-buffer/entries-written: 1/1   #P:2
#
    sh-7  [001] .....  1.000000: mm_page_alloc: page=1 pfn=0x10 order=0 \
migratetype=0 gfp_flags=GFP_KERNEL
"""
STATS = """\
entries: {entries}
overrun: {overrun}
commit overrun: 0
bytes: {bytes}
oldest event ts:     1.000000
now ts:     2.000000
dropped events: {dropped}
read events: 0
"""


class FakeTracefs:
    """What an instance held when it was removed is in `last`; `busy` are in use."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.last = {}
        self.missing = ()
        self.busy = ()
        self.trace = TRACE
        self.cpus = [
            {"entries": 1, "overrun": 0, "bytes": 32, "dropped": 0} for _ in range(2)
        ]
        (root / "instances").mkdir(parents=True)
        mkdir, rmdir = Path.mkdir, Path.rmdir

        def make(path, *args, **kwargs):
            mkdir(path, *args, **kwargs)
            if path.parent == root / "instances":
                self._fill(path)

        def remove(path):
            if path.parent != root / "instances":
                rmdir(path)
                return
            if path.name in self.busy:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            files = [file for file in path.rglob("*") if file.is_file()]
            self.last = {str(f.relative_to(path)): f.read_text() for f in files}
            shutil.rmtree(path)

        monkeypatch.setattr(Path, "mkdir", make)
        monkeypatch.setattr(Path, "rmdir", remove)

    @property
    def instances(self):
        return list((self.root / "instances").iterdir())

    def _fill(self, path):
        events = [f"kmem/{name}" for name in EVENT_NAMES[:SCHED_SWITCH]]
        events += ["sched/sched_switch", "exceptions/page_fault_user"]
        events += ["raw_syscalls/sys_enter", "raw_syscalls/sys_exit"]
        files = {f"events/{event}/enable": "0" for event in events}
        for number, cpu in enumerate(self.cpus):
            files[f"per_cpu/cpu{number}/stats"] = STATS.format(**cpu)
        files |= {"tracing_on": "1", "trace_marker": "", "trace": self.trace}
        for missing in self.missing:
            del files[missing]
        for name, text in files.items():
            file = path / name
            os.makedirs(file.parent, exist_ok=True)  # noqa: PTH103 - mkdir is ours
            file.write_text(text)
