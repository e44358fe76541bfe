# SPDX-License-Identifier: GPL-2.0-only
"""The command ``explore``."""

import argparse
from collections.abc import Callable
from typing import Any, Final

from xpfo_model import clone
from xpfo_model.cli.common import number, positive
from xpfo_model.machine import MAPPED, STARTS


def run(arguments: argparse.Namespace) -> int:
    """Count flushes on one made-up machine, for each strategy, as the explorer does."""
    from xpfo_model.claims import explorer as claims  # noqa: PLC0415 - quick --help
    from xpfo_model.claims.inputs import Inputs  # noqa: PLC0415
    from xpfo_model.replay.table import columns  # noqa: PLC0415
    from xpfo_model.studies import explorer as study  # noqa: PLC0415
    from xpfo_model.studies.evidence import Evidence  # noqa: PLC0415

    frames = arguments.memory * claims.FRAMES_OF_GIB
    at = (arguments.pipes, frames, arguments.cpus, arguments.batch)
    found = [study.run_task(study.point_of(*at), seed) for seed in study.SEEDS]
    rows = [r for r in study.rows_of(at, found) if r["start"] == arguments.start]
    if arguments.ipi is None:
        ipi = claims.ipi_interval(Inputs(Evidence(clone.traces())))
    else:
        ipi = dict.fromkeys(claims.ENDS, arguments.ipi)
    table = claims.table(rows, arguments.kmap, ipi)
    print(
        f"{claims.told(rows[0])},\n"
        f"memory starts {arguments.start}, kmap {arguments.kmap}.\n"
        "Flushes for 1,000 user pages; CPU s of them for 1,000,000,\n"
        f"an interrupt of {claims.with_ends(list(ipi.values()), claims.RATE)} cycles;\n"
        f"median of {len(study.SEEDS)} seeds (least to most).\n"
    )
    print("\n".join(columns(table.columns, table.rows)))
    return 0


_PERCENT: Final = number(int, "percentage", lambda value: 0 <= value <= 100)  # noqa: PLR2004
_CYCLES: Final = number(float, "number of cycles", lambda value: value >= 0)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""

    def add(name: str, kind: Callable[[str], Any], default: Any, text: str) -> None:
        shown = text if default is None else f"{text}; {default} by default"
        command.add_argument(name, type=kind, default=default, metavar="N", help=shown)

    add("--pipes", _PERCENT, 10, "percent of the allocations that are for pipes")
    add("--memory", positive(int), 4, "memory in GiB")
    add("--cpus", positive(int), 4, "CPUs")
    add("--batch", positive(int), 63, "frames of a refill of a pcp list")
    command.add_argument(
        "--start", choices=STARTS, default=MAPPED, help="how memory starts"
    )
    command.add_argument(
        "--kmap",
        choices=("direct", "local"),
        default="direct",
        help="through the direct map, or by a mapping of one CPU",
    )
    add(
        "--ipi",
        _CYCLES,
        None,
        "cycles that an interrupt costs each CPU; without it what the published tables "
        "leave, for which the traces are read",
    )
