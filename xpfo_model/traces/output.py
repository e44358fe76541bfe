# SPDX-License-Identifier: GPL-2.0-only
"""A file to write, compressed by its name, that appears when it is whole."""

import contextlib
import errno
import fcntl
import gzip
import lzma
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from xpfo_model.errors import RecordError

GZIP_LEVEL: Final = 6
"""gzip's own default: level 9 makes trace text 3 % smaller in twice the time."""

STDOUT: Final = "-"

_DESCRIPTORS: Final = re.compile(r"/proc/(\d+)(?:/task/\d+)?/fd")
"""Where /dev/stdout, /dev/fd/N and /proc/self/fd/N end, links resolved."""
_MOST_LINKS: Final = 40
"""include/linux/namei.h: MAXSYMLINKS."""


@contextlib.contextmanager
def whole(
    path: str | Path, leftover: Callable[[str], None] | None = None
) -> Iterator[BinaryIO]:
    """Give a file to write to, as .gz, .xz, .zst or plain by the suffix of its name.

    ``-`` is standard output. If the writing fails there is no file, and what was
    there before stays; `leftover` is told the name of the unfinished file that a
    killed process left, which is replaced. A symlink stays one. What is no file of
    its own, as a pipe, a device or /dev/stdout, is written in place. Every `OSError`
    inside is taken for one of the writing and becomes a `RecordError`, but for
    `BrokenPipeError`.
    """
    try:
        if str(path) == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif (file := _in_place(Path(path))) is not None:
            with file, _packed(path, file) as packed:
                yield packed
        else:
            with _replacing(Path(path), leftover) as packed:
                yield packed
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RecordError(
            f"cannot write it: {error.strerror or error}",
            file="<stdout>" if str(path) == STDOUT else str(path),
            remedy="make room, or choose another place for it",
        ) from None


@contextlib.contextmanager
def _replacing(
    path: Path, leftover: Callable[[str], None] | None
) -> Iterator[BinaryIO]:
    """Write to NAME.part, which takes the place of the file at the end."""
    target = _target(path)
    partial = target.with_name(f"{target.name}.part")
    found = partial.exists()
    opened = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    with os.fdopen(opened, "r+b") as file:
        if not _alone(file, partial):
            raise RecordError(
                "another process is writing it",
                file=str(path),
                remedy="wait for it, or choose another name",
            )
        try:
            if found and leftover is not None:
                leftover(str(partial))
            file.truncate(0)
            with _packed(path, file) as packed:
                yield packed
            file.flush()
            partial.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def ready(path: str | Path) -> None:
    """Raise `RecordError` where no file can be, before any work is done for it."""
    if str(path) == STDOUT or _descriptor(Path(path)) is not None:
        return
    target = Path(os.path.realpath(path))
    folder = target.parent
    why = None
    if not str(path):
        why = "its name is empty"
    elif target.is_dir():
        why = "it is a folder"
    elif not folder.is_dir():
        why = f"there is no folder {folder}"
    elif target.is_file() or not target.exists():
        try:  # what may be written to, only a try tells
            _target(Path(path))
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            why = f"no file can be made in {folder}: {error.strerror or error}"
    if why is not None:
        raise RecordError(
            f"cannot write it: {why}",
            file=str(path),
            remedy="choose another place for it",
        )


def is_replaced(path: str | Path) -> bool:
    """Whether a new file takes the place of what is there, if anything is."""
    here = Path(path)
    return _descriptor(here) is None and (here.is_file() or not here.exists())


def _in_place(path: Path) -> BinaryIO | None:
    """What is written where it is, open; None for what is replaced."""
    found = _descriptor(path)
    if found is not None and found[0] == os.getpid():
        # the same place in the file as the shell's: `>>` stays one
        return os.fdopen(os.dup(found[1]), "wb")
    return None if is_replaced(path) else path.open("wb")


def _descriptor(path: Path) -> tuple[int, int] | None:
    """The process and the number of the open file that a name stands for."""
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        found = _DESCRIPTORS.fullmatch(folder)
        if found and path.name.isdecimal():
            return int(found[1]), int(path.name)
        if not path.is_symlink():
            break
        path = Path(folder, path.readlink())
    return None


def _target(path: Path) -> Path:
    """The file that a name stands for, links followed. Raises `OSError` for a ring."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _alone(file: BinaryIO, path: Path) -> bool:
    """Lock a file until it is closed; whether that was possible and it still is there.

    A killed process leaves the file, but no lock.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a file system without locks
        return True


def _packed(path: str | Path, file: BinaryIO) -> Any:
    """A context that gives the file, or what compresses into it."""
    suffix = Path(path).suffix
    if suffix == ".gz":
        return gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0)
    if suffix == ".xz":
        return lzma.open(file, "wb")
    if suffix == ".zst":
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - new in 3.14

            return zstd.open(file, "wb")
        try:
            import zstandard  # noqa: PLC0415 - an extra, for this one format
        except ImportError:
            raise RecordError(
                "writing zstd needs Python 3.14 or the package zstandard",
                remedy="pip install 'xpfo-model[zst]', or give a name in .gz",
            ) from None
        return zstandard.open(file, "wb")
    return contextlib.nullcontext(file)
