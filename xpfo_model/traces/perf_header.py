# SPDX-License-Identifier: GPL-2.0-only
"""Whether a recording of perf has all events, from the header of perf script.

    # cmdline : /usr/bin/perf record -F 99 -e kmem:* -a
    # event : name = kmem:mm_page_alloc, …, { sample_period, sample_freq } = 1, …

Mirrors tools/perf/util/header.c: print_cmdline, print_event_desc, v6.1.
"""

import re
from typing import Final

_CMDLINE: Final = re.compile(r"# cmdline : (.*)")
_EVENT: Final = re.compile(r"# event : name = (kmem:\w+)\b")
_PERIOD: Final = re.compile(r"sample_period(?:, sample_freq \})? = (\d+)")
_FREQUENCY: Final = re.compile(r"\bfreq = 1\b")

_WITH_VALUE: Final = "eptrCcoFmuGjkDI"
"""Short options of perf record that take a value."""
_PART: Final = {
    "F": "it was sampled with a frequency (-F)",
    "p": "only some processes were recorded (-p)",
    "t": "only some threads were recorded (-t)",
    "u": "only one user's processes were recorded (-u)",
    "C": "only some CPUs were recorded (-C)",
    "G": "only some cgroups were recorded (-G)",
    "filter": "a filter chose among them (--filter)",
}
_LONG: Final = {
    "freq": "F",
    "pid": "p",
    "tid": "t",
    "uid": "u",
    "cpu": "C",
    "cgroup": "G",
    "filter": "filter",
    "count": "c",
    "all-cpus": "a",
    "event": "e",
    "output": "o",
    "mmap-pages": "m",
    "clockid": "k",
}


def partial(comment: bytes) -> str | None:
    """Why only a part of the events is there, if a line of the header says so."""
    text = comment.decode(errors="replace")
    if found := _EVENT.match(text):
        period = _PERIOD.search(text)
        if _FREQUENCY.search(text) or (period and period[1] not in {"0", "1"}):
            return f"{found[1]} was sampled"
        return None
    found = _CMDLINE.match(text)
    return None if found is None else _of_command(found[1].split())


def _of_command(words: list[str]) -> str | None:
    """Why `perf record` with these arguments leaves out events."""
    if "record" not in words[1:]:
        return None
    place = words.index("record", 1)
    options, command = _options(words[place + 1 :])
    for option, value in options:
        if option in _PART:
            return _PART[option]
        if option == "c" and value != "1":
            return f"one event of {value} was taken (-c)"
    # perf kmem record and its like add -a themselves
    if command and place == 1 and "a" not in dict(options):
        return "only one command was recorded (no -a)"
    return None


def _options(words: list[str]) -> tuple[list[tuple[str, str]], bool]:
    """Options with their values, and whether a command follows them."""
    found: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if word == "--" or not word.startswith("-"):
            return found, True
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            short = _LONG.get(name, name)
            if not equals and (short in _WITH_VALUE or short == "filter"):
                value = next(rest, "")
            found.append((short, value))
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter in _WITH_VALUE:
                found.append((letter, word[place:] or next(rest, "")))
                break
            found.append((letter, ""))
    return found, False
