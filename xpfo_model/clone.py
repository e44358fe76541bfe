# SPDX-License-Identifier: GPL-2.0-only
"""The clone that the package lies in, if it lies in one: its traces and its version."""

import subprocess
from pathlib import Path
from typing import Final

from xpfo_model import __version__

ROOT: Final = Path(__file__).resolve().parents[1]
"""The clone's, of a package that is used or installed from one (``pip install -e``)."""
_TRACES: Final = Path("docs", "traces")
_DIGITS: Final = 12
"""Of a commit, as scripts/setlocalversion of the kernel writes them."""


def traces(root: Path = ROOT) -> Path:
    """The traces beside the package, or in the current directory if it has none."""
    beside = root / _TRACES
    return beside if beside.is_dir() else _TRACES


def docs(traces_: Path, root: Path = ROOT) -> Path:
    """The docs/ with the kept studies: that of the traces, or else the clone's."""
    beside = traces_.parent
    return beside if (beside / "data").is_dir() else root / "docs"


def commit(root: Path = ROOT) -> str:
    """The commit that is checked out, with ``-dirty`` if files differ from it.

    Empty without git, and where `root` is not the top of a repository: an installed
    package may lie within a repository of something else.
    """
    answer = _git(root, "rev-parse", "--show-toplevel", "HEAD")
    if answer is None:
        return ""
    top, head = answer.splitlines()
    if Path(top).resolve() != root.resolve():
        return ""
    return (
        head if _git(root, "diff", "--quiet", "HEAD") is not None else f"{head}-dirty"
    )


def version(of: str) -> str:
    """The package's version with a commit: ``0.1.0-g`` and the commit's digits."""
    head, _, dirty = of.partition("-")
    parts = [__version__, f"g{head[:_DIGITS]}" if head else "", dirty]
    return "-".join(part for part in parts if part)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the git of the PATH
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout if not done.returncode else None
