# SPDX-License-Identifier: GPL-2.0-only
"""The border of user space: what a strategy may do where a CPU crosses it.

Few strategies do anything there, and few recordings say when.
"""

from xpfo_model.machine import Machine


def return_to_user(m: Machine, cpu: int) -> None:
    """Let a CPU go back to user space: nothing, unless a strategy has its own.

    Called by arch/x86/entry/common.c: prepare_exit_to_usermode, v4.14;
    kernel/entry/common.c: exit_to_user_mode_prepare, v6.1.
    """


def kernel_entry(m: Machine, cpu: int) -> None:
    """Take a CPU into the kernel: nothing, unless a strategy has its own.

    Called by arch/x86/entry/entry_64.S: entry_SYSCALL_64, error_entry, v4.14 to v6.18.
    """
