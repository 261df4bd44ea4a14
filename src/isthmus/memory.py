"""Memory that was freed, given back to the system: glibc keeps what threads free, in pieces that rarely fit again."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any


def give_back() -> None:
    """Return what is free to the system, where its allocator has to be asked; nothing is changed for later."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], Any] | None:
    if sys.platform != "linux":
        return None
    # Not in every C library.
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
