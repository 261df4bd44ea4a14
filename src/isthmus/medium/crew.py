"""Parts of a file side by side in threads: results in order, few in flight, errors and Ctrl-C where one waits.

NumPy and the inference engine release Python's lock while they work, and each does the work on a part in one thread. So
the threads meet nowhere but at the end of a part, and those without work sleep: beside other programs, several are
hardly slower than one. Threads inside of a matrix product wait for the slowest of them hundreds of times a part.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, Protocol, TypeVar

from isthmus.memory import give_back

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MOST_BY_DEFAULT = 2
"""A tile of a picture takes up to 250 MB (decoding, `best`): more at once are for those who ask for them."""
FREE_MEMORY = 384 << 20
"""Bytes that threads keep between two parts. The next part takes them again: to ask the system for them anew costs
up to a seventh of the time of decoding."""

Given = ParamSpec("Given")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def default_threads() -> int:
    """One for each core that this process may use, but not more than a few."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_BY_DEFAULT)


class Pending(Protocol[T_co]):
    """What will be there when it is asked for, like `concurrent.futures.Future`."""

    def result(self) -> T_co:
        """What the work returned, or what it raised."""
        ...


class _Done(Generic[T]):
    def __init__(self, value: T):
        self._value = value

    def result(self) -> T:
        return self._value


def _tidily(work: Callable[Given, T], *args: Given.args, **kwargs: Given.kwargs) -> T:
    """Work in a thread, which leaves little memory behind: each has a heap of its own, and all would only grow."""
    try:
        return work(*args, **kwargs)
    finally:
        give_back(FREE_MEMORY)


class Crew:
    """Threads for as long as the context lasts; a crew of one works at once, in the caller's own thread.

    Leaving the context drops what has not begun, waits for what has, and gives back the memory that threads leave
    behind.

    Args:
        threads: how many pieces of work are done at the same time.
    """

    def __init__(self, threads: int):
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    @property
    def ahead(self) -> int:
        """How many pieces of work beyond the next one to hand out, so that nobody has to wait for some."""
        return self._threads if self._threads > 1 else 0

    def __enter__(self) -> Crew:
        if self._threads > 1:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="isthmus")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
            give_back()

    def submit(self, work: Callable[Given, T], *args: Given.args, **kwargs: Given.kwargs) -> Pending[T]:
        """Hands out a piece of work."""
        if self._pool:
            return self._pool.submit(lambda: _tidily(work, *args, **kwargs))
        return _Done(work(*args, **kwargs))

    def in_order(self, pending: Iterable[Pending[T]]) -> Iterator[T]:
        """The results; the iterable, which hands out the work, is asked for no more than `ahead` in advance."""
        waiting: deque[Pending[T]] = deque()
        for one in pending:
            waiting.append(one)
            if len(waiting) > self.ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
