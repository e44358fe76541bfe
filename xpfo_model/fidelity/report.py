# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as text of 72 columns."""

from xpfo_model.fidelity.compare import Fidelity, Level


def _level(name: str, level: Level) -> list[str]:
    share = level.pfn_exact / level.allocations if level.allocations else 0.0
    lines = [
        f"level {name} (model): {level.pfn_exact:,} of {level.allocations:,} "
        f"allocations exact, {share:.3%}",
        f"  {'':22}{'kernel':>12}{'model':>12}",
    ]
    for what, both in (*level.numbers.items(), *level.flushes.items()):
        lines.append(f"  {what:22}{both.kernel:>12,}{both.model:>12,}")
    for title, reasons in (
        ("put right", level.resynchronised),
        ("missed", level.missed),
    ):
        text = ", ".join(f"{reason} {n:,}" for reason, n in reasons.items() if n)
        lines.append(f"  {title}: {text or 'nothing'}")
    return lines


def tell(found: Fidelity) -> str:
    """Both levels: exact frames, numbers beside the kernel's, what was put right."""
    lines = [f"trace {found.trace}, allocator of {found.kernel}"]
    if found.zoneinfo:
        lines.append(f"sizes of the pcps: {found.zoneinfo}")
    else:
        lines.append(
            "sizes of the pcps: learnt from the trace, as no zoneinfo is there"
        )
    for name, level in found.levels.items():
        lines += ["", *_level(name, level)]
    return "\n".join(lines) + "\n"
