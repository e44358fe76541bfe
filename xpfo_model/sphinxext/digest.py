# SPDX-License-Identifier: GPL-2.0-only
"""The digest of a build's inputs: model, traces, lock file, libraries.

jupyter-cache looks at the cells of a notebook and at nothing else. The digest
in the name of its folder makes a changed model a cache miss. Pages print sources, so
that here a comment counts as well.
"""

import hashlib
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Final

from xpfo_model.jit import PACKAGE

LIBRARIES: Final = ("numpy", "matplotlib", "sphinx", "myst-nb", "numba")
_LENGTH: Final = 16


def build_digest(root: Path) -> str:
    """Hex digest of all that the pages of a checkout are computed from."""
    whole = hashlib.sha256(platform.python_version().encode())
    for library in LIBRARIES:
        whole.update(f"{library} {version(library)}\0".encode())
    files = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ""}]
    for folder in ("traces", "data"):
        files += list((root / "docs" / folder).rglob("*"))
    files.append(root / "requirements.lock")
    for path in sorted(files):
        if path.is_file():
            whole.update(path.name.encode() + b"\0")
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:_LENGTH]


def fresh(folder: Path, name: str, digest: str) -> Path:
    """The folder ``name-digest`` in `folder`; those of other digests are removed."""
    wanted = folder / f"{name}-{digest}"
    for old in folder.glob(f"{name}-*"):
        if old != wanted:
            shutil.rmtree(old, ignore_errors=True)
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted
