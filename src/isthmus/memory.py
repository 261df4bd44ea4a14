"""Memory that was freed, given back to the system: glibc keeps what threads free, in pieces that rarely fit again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_ARENA_MAX = -8
"""Of glibc's mallopt: how many heaps there are at most."""


def give_back(more_than: int = 0) -> None:
    """Return what is free to the system, where its allocator has to be asked; nothing is changed for later.

    Args:
        more_than: bytes; where no more are free, they stay: whoever needs them next has them at once.
    """
    trim = _function("malloc_trim")
    if trim is not None and _free() >= more_than:
        trim(0)


def share_heap() -> None:
    """Has all threads take memory from one heap, where the allocator would give each its own.

    What a thread frees is then there for the others, and need not be taken from the system anew, page by page. To be
    called before there are other threads; it changes the whole process, so commands do it and the library does not.
    """
    mallopt(_M_ARENA_MAX, 1)


def mallopt(parameter: int, value: int) -> bool:
    """Sets a parameter of the allocator; False where it is not glibc's, or takes no such value."""
    function = _function("mallopt")
    return function is not None and bool(function(parameter, value))


class _MallInfo(ctypes.Structure):
    """What glibc says of its heaps (struct mallinfo2)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def _free() -> int:
    """Bytes that are free in all heaps; many where the C library does not tell."""
    info = _function("mallinfo2")
    if info is None:
        return sys.maxsize
    info.restype = _MallInfo
    return int(info().fordblks)


@cache
def _function(name: str) -> Any:
    """One of the C library's; None where it has none of the name."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), name, None)
