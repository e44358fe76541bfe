# SPDX-License-Identifier: GPL-2.0-only
"""Errors that a user can act on: each says where, what, and what to do."""

from collections.abc import Sequence


class XpfoModelError(Exception):
    """Base of every error that the command line prints without a traceback.

    Parameters
    ----------
    what : str
        What is wrong, one sentence without a full stop.
    file : str, optional
        The file, or ``<stdin>``.
    line : int, optional
        The line in it, from 1.
    remedy : str, optional
        What to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.file = file
        self.line = line
        self.remedy = remedy
        where = "" if file is None else file
        if line is not None:
            where += f":{line}"
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}\n  {remedy}" if remedy else text)


class UnknownGfpFlagError(XpfoModelError):
    """A GFP name that the chosen kernel version does not have."""


class UnknownKernelError(XpfoModelError):
    """A kernel version for which there is no table of GFP flags."""


class UnknownStrategyError(XpfoModelError):
    """A strategy that is not in the registry."""


class UnboundHookError(XpfoModelError):
    """A loop that calls a strategy's hook, for which no function was given."""


class TraceError(XpfoModelError):
    """Base of what can be wrong with a trace."""


class MalformedEventError(TraceError):
    """A line that names a kmem event but does not hold one."""


class TruncatedTraceError(TraceError):
    """A compressed trace that ends before its own end mark."""


class ClockError(TraceError):
    """Time stamps of two clocks in one trace."""


class NotATraceError(TraceError):
    """Text, or bytes, without a single trace line."""


class EmptyTraceError(TraceError):
    """A trace without any kmem event."""


class MissingToolError(TraceError):
    """A program or library that is needed to read a file is not installed."""


class RecordError(XpfoModelError):
    """A recording that could not be made on this machine."""


class WorkloadError(XpfoModelError):
    """A workload that is not in the registry, or does not fit its machine."""


class StaleDataError(XpfoModelError):
    """Kept results that other sources than today's have given."""


class SweepError(XpfoModelError):
    """A sweep whose points or journal are not what they should be."""


class CannotJudgeError(XpfoModelError):
    """A claim that the given traces can neither confirm nor refute.

    Parameters
    ----------
    reason : str
        What the traces lack.
    traces : sequence of str
        Their names.
    """

    def __init__(self, reason: str, traces: Sequence[str]) -> None:
        super().__init__(f"cannot be judged on {', '.join(traces)}: {reason}")
