"""Memory that was freed, given back to the system: glibc keeps what threads free, in pieces that rarely fit again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back(more_than: int = 0) -> None:
    """Return what is free to the system, where its allocator has to be asked; nothing is changed for later.

    Args:
        more_than: bytes; where no more are free, they stay: whoever needs them next has them at once.
    """
    trim = _function("malloc_trim")
    if trim is not None and _free() >= more_than:
        trim(0)


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
