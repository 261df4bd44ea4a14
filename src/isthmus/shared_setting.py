"""Settings of the whole process that several threads need at once: changed by the first, put back by the last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedSetting(Generic[T]):
    """A setting that is changed while anybody needs it, and afterwards is what it was.

    Each who remembers what was there and puts that back would not do: of two who overlap, the second remembers what
    the first has set.

    Args:
        change: makes the change, and returns what undoes it.
    """

    def __init__(self, change: Callable[[T], Callable[[], None]]) -> None:
        self._change = change
        self._lock, self._inside = Lock(), 0
        self._undo: Callable[[], None] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    @contextmanager
    def __call__(self, value: T) -> Iterator[None]:
        """Inside, the setting has the value; of several at once, that of the first."""
        with self._lock:
            if self._undo is None:
                self._undo = self._change(value)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside <= 0:
                    self._put_back()

    def _put_back(self) -> None:
        undo, self._undo, self._inside = self._undo, None, 0
        if undo is not None:
            undo()

    def _after_fork(self) -> None:
        # The threads that were inside, or held the lock, are not in this process.
        self._lock = Lock()
        self._put_back()
