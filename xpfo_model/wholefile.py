# SPDX-License-Identifier: GPL-2.0-only
"""A file to write, compressed by its name, that appears when it is whole."""

import contextlib
import gzip
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from xpfo_model.errors import RecordError

GZIP_LEVEL: Final = 6
"""gzip's own default: level 9 makes trace text 3 % smaller in twice the time."""


@contextlib.contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, as .gz, .xz, .zst or plain by the suffix of its name.

    If the writing fails there is no file, and what was there before stays. Every
    `OSError` inside is taken for one of the writing and becomes a `RecordError`.
    """
    # a pipe or a device is no file that another could take the place of
    special = path.exists() and not path.is_file()
    partial = path if special else path.with_name(f"{path.name}.part")
    try:
        with _open(path.suffix, partial) as file:
            yield file
        if not special:
            partial.replace(path)
    except OSError as error:
        raise RecordError(
            f"cannot write it: {error.strerror}",
            file=str(path),
            remedy="make room, or choose another place for it",
        ) from None
    finally:
        if not special:
            with contextlib.suppress(OSError):
                partial.unlink()


def _open(suffix: str, path: Path) -> Any:
    if suffix == ".gz":
        return gzip.open(path, "wb", GZIP_LEVEL)
    if suffix == ".xz":
        return lzma.open(path, "wb")
    if suffix == ".zst":
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - new in 3.14

            return zstd.open(path, "wb")
        try:
            import zstandard  # noqa: PLC0415 - an extra, for this one format
        except ImportError:
            raise RecordError(
                "writing zstd needs Python 3.14 or the package zstandard",
                remedy="pip install 'xpfo-model[zst]', or give a name in .gz",
            ) from None
        return zstandard.open(path, "wb")
    return path.open("wb")
