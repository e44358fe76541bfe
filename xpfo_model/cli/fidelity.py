# SPDX-License-Identifier: GPL-2.0-only
"""The command ``fidelity``."""

import argparse
import io
import json

from xpfo_model.allocator.profiles import PROFILES, version_of
from xpfo_model.cli.common import add_kernel, opened, refuse_same, warn


def run(arguments: argparse.Namespace) -> int:
    """Compare the allocator model's choices with those of the traced kernel."""
    from xpfo_model import fidelity  # noqa: PLC0415 - quick --help
    from xpfo_model.traces.output import ready, whole  # noqa: PLC0415 - the same

    if arguments.dump:
        refuse_same(arguments.trace, arguments.dump)
        ready(arguments.dump)
    with opened(arguments, arguments.trace) as trace:
        zoneinfo = arguments.zoneinfo or fidelity.zoneinfo_beside(arguments.trace)
        found = fidelity.compare(trace, zoneinfo, arguments.allocator)
    if arguments.json:
        warn(found.about.notes() + found.notes())
    if arguments.dump:
        with whole(arguments.dump) as file:
            text = io.TextIOWrapper(file, encoding="utf-8")
            found.write_dump(text, arguments.level)
            text.detach()
    if arguments.json:
        print(json.dumps(found.as_json(arguments.level)))
    else:
        print(fidelity.tell(found), end="")
    return 0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("trace", metavar="TRACE", help="any trace that compare reads")
    command.add_argument(
        "--zoneinfo",
        metavar="FILE",
        help="/proc/zoneinfo of the machine when the trace began; NAME.zoneinfo.start "
        "beside the trace by default",
    )
    command.add_argument(
        "--allocator",
        choices=sorted(PROFILES, key=version_of),
        help="allocator of this kernel version; by default the last one that is not "
        "newer than the trace's masks",
    )
    command.add_argument("--json", action="store_true", help="one object")
    command.add_argument(
        "--dump", metavar="FILE", help="CSV: event, predicted pfn, actual pfn"
    )
    command.add_argument(
        "--level",
        choices=("pcp", "full"),
        default="full",
        help="of the dump and of the JSON",
    )
    add_kernel(command)
