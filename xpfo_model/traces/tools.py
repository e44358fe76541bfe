# SPDX-License-Identifier: GPL-2.0-only
"""Binary traces through the programs that wrote them: trace-cmd and perf.

Their formats are their own and change; what they print does not. The text is read
while the program runs.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

from xpfo_model.errors import MissingToolError, TraceError
from xpfo_model.traces.source import Source

_SHOWN: Final = 2000
_PIECE: Final = 1 << 20


class Tool(NamedTuple):
    """A program, how to have it print a file, and what its files begin with."""

    command: tuple[str, ...]
    """The file follows."""
    release: tuple[str, ...]
    """Prints the kernel release first, if the text of `command` lacks it."""
    magics: tuple[bytes, ...]
    package: str
    file: str


TOOLS: Final = (
    Tool(
        # -l: flags and preemption depth, which it leaves out otherwise; -t: ns
        ("trace-cmd", "report", "-t", "-l", "-i"),
        ("trace-cmd", "report", "--uname", "-i"),
        (b"\x17\x08\x44tracing",),
        "trace-cmd",
        "trace.dat",
    ),
    Tool(
        # --header: the kernel release
        (
            *("perf", "script", "--header", "--ns", "--show-lost-events"),
            *("-F", "trace:comm,pid,tid,cpu,time,event,trace", "-i"),
        ),
        (),
        (b"PERFILE2", b"2ELIFREP"),
        "linux-perf",
        "perf.data",
    ),
)

_UNAME: Final = re.compile(r"^Linux \S+ (\d+\.\d\S*)", re.MULTILINE)


def of_magic(magic: bytes) -> Tool | None:
    """The program whose file begins with these bytes."""
    for tool in TOOLS:
        if magic.startswith(tool.magics):
            return tool
    return None


class Printed:
    """The output of a tool for a file, as bytes to read; a context manager.

    Raises `MissingToolError` if it is not installed, and at the end `TraceError`
    with its own words if it failed.
    """

    def __init__(self, tool: Tool, path: Path, name: str) -> None:
        program = tool.command[0]
        if shutil.which(program) is None:
            command = " ".join(tool.command)
            raise MissingToolError(
                f"it is a {tool.file}, and {program} is not installed",
                file=name,
                remedy=f"install {tool.package}, or where it is installed: "
                f"{command} {shlex.quote(name)} | xpfo-model ... -",
            )
        self._tool = tool
        self._name = name
        self._path = path
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        self._child = subprocess.Popen(  # noqa: S603 - one of TOOLS
            [*tool.command, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._empty = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.kill()
        self._child.communicate()
        self._errors.close()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        assert self._child.stdout is not None
        piece = self._child.stdout.read(size)
        if piece:
            self._empty = False
            return piece
        status = self._child.wait()
        if status or self._empty:
            self._errors.seek(0)
            words = self._errors.read(_SHOWN).decode(errors="replace").strip()
            program = " ".join(self._tool.command[:2])
            how = f"failed with status {status}" if status else "printed nothing"
            raise TraceError(
                f"{program} {how}: {words or 'it does not say why'}",
                file=self._name,
                remedy="the file may be cut or damaged: copy or record it again",
            )
        return b""

    def release(self) -> str | None:
        """The kernel release in the file, where the text does not have it."""
        if not self._tool.release:
            return None
        said = subprocess.run(  # noqa: S603 - one of TOOLS
            [*self._tool.release, self._path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        found = _UNAME.search(said.stdout.decode(errors="replace"))
        return found[1] if found else None


@contextmanager
def on_disk(source: Source) -> Iterator[Path]:
    """A file with the bytes of a source: its own, if they are plain, or a copy."""
    source.magic()
    if source.path is not None and not source.compressed:
        yield source.path
        return
    with tempfile.NamedTemporaryFile(prefix="xpfo-model-") as copy:
        while piece := source.read(_PIECE):
            copy.write(piece)
        copy.flush()
        yield Path(copy.name)
