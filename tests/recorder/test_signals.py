# SPDX-License-Identifier: GPL-2.0-only
import os
import signal
import subprocess
import threading
import time

import pytest

from xpfo_model.recorder.signals import ENDING, Interrupts

QUIET = {"capture_output": True, "text": True}


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_noted_and_ends_the_wait(number, dispositions):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        began = time.monotonic()
        interrupts.wait(30)
        assert time.monotonic() - began < 20
        assert interrupts.received == [number]
    assert signal.getsignal(number) == before


def test_the_end_of_a_child_ends_the_wait_and_is_no_interrupt():
    with Interrupts() as interrupts, subprocess.Popen(["sleep", "0.05"]) as child:
        began = time.monotonic()
        while child.poll() is None:
            interrupts.wait(30)
        assert time.monotonic() - began < 20
        assert interrupts.received == []


def test_a_wait_ends_by_itself():
    with Interrupts() as interrupts:
        interrupts.wait(0.01)
        assert interrupts.received == []


@pytest.mark.parametrize("number", ENDING)
def test_what_was_ignored_stays_ignored_for_a_child_too(number, dispositions):
    signal.signal(number, signal.SIG_IGN)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.received == []
        assert interrupts.ignored == {number}
        child = subprocess.run(
            ["sh", "-c", f"kill -{number} $$; echo alive"], check=False, **QUIET
        )
        assert child.stdout == "alive\n"
    assert signal.getsignal(number) == signal.SIG_IGN


def test_what_was_not_ignored_ends_a_child(dispositions):
    with Interrupts() as interrupts:
        assert interrupts.ignored == set()
        child = subprocess.run(
            ["sh", "-c", "kill -TERM $$; echo alive"], check=False, **QUIET
        )
        assert child.returncode == -signal.SIGTERM
