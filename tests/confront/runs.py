# SPDX-License-Identifier: GPL-2.0-only
"""Runs of the simulated kernel, by chance, and their confrontation."""

import io

from hypothesis import strategies as st
from simulated import Kernel

from xpfo_model import traces
from xpfo_model.confront import confront

RUNS = [
    ("none", "mapped"),
    ("v6", "mapped"),
    ("per_frame", "mapped"),
    ("per_frame", "unmapped"),
    ("pcp_batch", "mapped"),
    ("pcp_batch", "unmapped"),
    ("pcp_batch_local", "mapped"),
    ("pcp_batch_local", "unmapped"),
    ("pageblock", "mapped"),
    ("pageblock", "unmapped"),
]
STRATEGIES = list(dict.fromkeys(name for name, _ in RUNS))
# a pageblock flips by who has its frames, which a trace tells only afterwards
INTERLEAVED = [run for run in RUNS if run[0] != "pageblock"]
_SOME = st.integers(0, 1 << 20)
_KINDS = (
    *("user", "user", "zeroed", "kernel", "free", "free", "access", "access"),
    *("nested", "fall_back", "bulk", "isolate", "fault", "other_way", "softirq"),
)
ACTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(_KINDS), _SOME), max_size=60
)


def act(kernel, cpu, what, number):
    """Let a CPU do something."""
    kernel.cpu = cpu
    order, migratetype = (0, 0, 0, 1)[number % 4], number // 4 % 2
    users = kernel.users()
    user = users[number % len(users)] if users else None
    if what in {"user", "zeroed"}:
        kernel.allocate(order, migratetype, user=True, zeroed=what == "zeroed")
    elif what == "kernel":
        kernel.allocate((0, 2)[number % 2], migratetype, user=False, zeroed=False)
    elif what == "bulk":
        kernel.allocate(0, 0, user=False, zeroed=False, silent="bulk")
    elif what == "free" and kernel.pages:
        kernel.free(sorted(kernel.pages)[number % len(kernel.pages)])
    elif what == "fall_back":
        kernel.fall_back(number % kernel.blocks, number // 2 % 3)
    elif what == "isolate":
        kernel.isolate()
    elif what == "fault":
        kernel.fault(number % kernel.end)
    elif user is not None:
        access(kernel, what, user)


def access(kernel, what, user):
    """Reach a user's page: once, nested, directly, or in a soft interrupt."""
    way = "direct" if what == "other_way" and kernel.kmap != "none" else None
    kernel.context = "..s.." if what == "softirq" else "....."
    kernel.begin_access(user, "copy_page_to_iter", way)
    if what == "nested":
        kernel.cpu = (kernel.cpu + 1) % kernel.cpus
        kernel.begin_access(user, "wp_page_copy")
        kernel.end_access(user, "wp_page_copy")
    kernel.end_access(user, "copy_page_to_iter", way)
    kernel.context = "....."


def run(strategy, start, acts, **facts):
    """A kernel that has run through acts."""
    kernel = Kernel(strategy, start, cpus=3, **facts)
    for one in acts:
        act(kernel, *one)
    return kernel


def interleaved(strategy, start, acts):
    """The same, but each CPU traces its allocation only when it acts again."""
    kernel = Kernel(strategy, start, cpus=3)
    waiting = {}

    def tell(cpu):
        if cpu in waiting:
            kernel.cpu = cpu
            kernel.tell(waiting.pop(cpu))

    for cpu, what, number in acts:
        tell(cpu)
        kernel.cpu = cpu
        if what in {"user", "zeroed", "kernel"}:
            page = kernel.hand_out(
                0, number % 2, user=what != "kernel", zeroed=what == "zeroed"
            )
            if page is not None:
                waiting[cpu] = page
        else:
            if what == "nested":
                tell((cpu + 1) % kernel.cpus)
            if what == "fault":  # nobody knows a page that is being handed out
                handed = {page[0]: other for other, page in waiting.items()}
                tell(handed.get(number % kernel.end))
            act(kernel, cpu, what, number)
    for cpu in list(waiting):
        tell(cpu)
    return kernel


def log_of(lines, folder):
    """The log of a text."""
    path = folder / "trace.txt"
    path.write_text(lines)
    return traces.read(path)


def confronted(text, folder, **replaced):
    """The confrontation of a text."""
    return confront(log_of(text, folder), **replaced)


def again(kernel, lines):
    """The text of a kernel with other lines."""
    kernel.lines = lines
    return kernel.text()


def written(log):
    """A log as text."""
    text = io.StringIO()
    traces.write_text(log, text)
    return text.getvalue()
