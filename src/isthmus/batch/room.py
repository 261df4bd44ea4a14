"""Memory that the pictures of one process share: large ones wait for each other, small ones hardly ever.

It is of use where several threads of a process work on pictures, as those of Dask's workers may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Condition
from typing import Any

BYTES_PER_PIXEL = 9
"""Of memory while a picture is encoded or decoded: docs/results/large_picture.json has 870 MB for 100 megapixels."""


class Room:
    """A semaphore that counts bytes.

    Args:
        size: bytes that pictures may take together; None for as many as they like.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size, self._used, self._free = size, 0, Condition()

    @property
    def size(self) -> int | None:
        """Bytes that pictures may take together."""
        return self._size

    @size.setter
    def size(self, size: int | None) -> None:
        with self._free:
            self._size = size
            self._free.notify_all()

    @contextmanager
    def taken(self, facts: Mapping[str, Any]) -> Iterator[None]:
        """Inside there is memory for a picture; one that is larger than the room is there alone.

        Args:
            facts: `width` and `height` in pixels; what has none is taken for small.
        """
        need = facts.get("width", 0) * facts.get("height", 0) * BYTES_PER_PIXEL
        with self._free:
            self._free.wait_for(lambda: not self._used or self._size is None or self._used + need <= self._size)
            self._used += need
        try:
            yield
        finally:
            with self._free:
                self._used -= need
                self._free.notify_all()


ROOM = Room()
"""That of this process."""
