# SPDX-License-Identifier: GPL-2.0-only
"""The facts about a trace as JSON, and back, every field of its type."""

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from xpfo_model import gfp
from xpfo_model.errors import UnknownKernelError
from xpfo_model.events import NANOSECONDS, TICKS, About

_LARGEST: Final = (1 << 63) - 1


def as_json(about: About) -> dict[str, Any]:
    """Every field of the facts, as `json` writes it."""
    return dataclasses.asdict(about)


def of_json(fields: Any) -> About:
    """The facts of which `as_json` has made this; what is absent gets its default.

    Raises `ValueError`, `LookupError`, `TypeError` or `AttributeError` for anything
    else.
    """
    about: About = _typed(fields, About)
    try:
        gfp.table_of(about.kernel)
    except UnknownKernelError as error:
        raise ValueError(error.what) from None
    if about.clock not in {NANOSECONDS, TICKS}:
        raise ValueError(f"no clock {about.clock!r}")
    if min((mark[1] for mark in about.marks), default=0) < 0:
        raise ValueError("a mark is earlier than its trace")
    return about


def _typed(value: Any, hint: Any) -> Any:
    """A value of JSON as a value of a type that a field of `About` has."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is UnionType:
        return None if value is None else _typed(value, inner[0])
    if kind is Mapping:
        return {_typed(k, inner[0]): _typed(v, inner[1]) for k, v in value.items()}
    if kind is tuple and isinstance(value, list):
        each = inner[:1] * len(value) if inner[-1] is ... else inner
        return tuple(_typed(v, one) for v, one in zip(value, each, strict=True))
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return cast("Any", hint)(**{n: _typed(v, hints[n]) for n, v in value.items()})
    if type(value) is not hint:
        raise ValueError(f"{value!r:.40} is no {hint.__name__}")
    if hint is str:
        value.encode()  # a lone surrogate could not be printed
    elif abs(value) > _LARGEST:
        raise ValueError(f"{value} is larger than any number of a trace")
    return value
