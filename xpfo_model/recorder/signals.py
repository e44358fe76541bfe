# SPDX-License-Identifier: GPL-2.0-only
"""Signals that end a piece of work in order instead of the process at once."""

import contextlib
import os
import select
import signal
from types import FrameType
from typing import Final, Self

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals with which a user or a system ends a program."""

_BYTES: Final = 4096


class Interrupts:
    """Notes the signals of `ENDING` while its context lasts; main thread only.

    A handler that raised could strike in the middle of cleaning up, so that this one
    notes and wakes. The end of a child wakes too, so that a wait for one needs no
    ticking, which a trace would show.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        """Numbers of the signals that came, in their order."""
        self.ignored = frozenset(
            number for number in ENDING if signal.getsignal(number) == signal.SIG_IGN
        )
        """Signals that were ignored before, as nohup and a shell's & have it; they
        stay ignored, for a child, too."""

    def __enter__(self) -> Self:
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        self._before = {
            number: signal.signal(number, self._receive)
            for number in (*ENDING, signal.SIGCHLD)
            if number not in self.ignored
        }
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._wake)
        os.close(self._woken)

    def wait(self, seconds: float) -> None:
        """Sleep so long, or until a signal or the end of a child."""
        if select.select([self._wake], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, _BYTES)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if number in ENDING:
            self.received.append(number)
