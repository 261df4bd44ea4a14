"""Items through the workers of a Dask cluster: a few at a time for each, and again where a worker or scheduler dies.

Dask gives what a dead worker had in hand to another one. What is left to do here: hand out no more than keeps the
workers busy, find the item that kills its workers, and hand out again what a scheduler forgot.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Generic, TypeVar

from distributed import Client, Future, KilledWorker

from isthmus import __version__
from isthmus.batch.job import Item
from isthmus.distributed.workers import Prepared
from isthmus.errors import InputError

T = TypeVar("T")

_AHEAD = 3
"""Tasks handed out for each thread of a worker."""
_ITEMS = 16
_BYTES = 2**20
"""Small files travel together: a task costs the scheduler about a millisecond, whatever is in it."""
_LOOK = 5.0
"""Seconds after which the workers are counted again; clusters grow and shrink."""


class Fleet(Generic[T]):
    """The workers of a cluster, prepared for one kind of work.

    Args:
        client: connected to the cluster.
        work: what is done to an item. It travels to the workers with every task.
        lost: the result of an item that kills each worker that it is given to.
        models: files of models that are not in the package.
        patience_seconds: how long to wait for a first worker.

    Raises:
        ConnectionError: no worker came.
        InputError: the workers have no isthmus, or another version of it.
    """

    def __init__(
        self,
        client: Client,
        work: Callable[[Item], T],
        lost: Callable[[Item], T],
        models: tuple[bytes, ...] = (),
        patience_seconds: float = 60,
    ) -> None:
        self._client, self._work, self._lost, self._models = client, work, lost, models
        try:
            client.wait_for_workers(1, timeout=patience_seconds)
        except TimeoutError:
            raise ConnectionError(f"no worker of the cluster came within {patience_seconds:g} seconds") from None
        self._prepare()
        self._running: dict[Future[list[T]], list[Item]] = {}
        self._ended: queue.SimpleQueue[Future[list[T]]] = queue.SimpleQueue()
        self._again: deque[list[Item]] = deque()
        self._threads, self._counted = 1, float("-inf")

    def results(self, todo: Iterable[Item | T]) -> Iterator[T]:
        """The result of every item in the order in which they end; what is a result already is passed on.

        Raises:
            ConnectionError: the scheduler is gone for good.
        """
        rest, batch, more = iter(todo), list[Item](), True
        try:
            while True:
                while more and len(self._running) + len(self._again) < self._most():
                    try:
                        one = next(rest)
                    except StopIteration:
                        more = False
                        break
                    if not isinstance(one, Item):
                        yield one
                        continue
                    batch.append(one)
                    if self._is_enough(batch):
                        self._again.append(batch)
                        batch = []
                if batch and not more:
                    self._again.append(batch)
                    batch = []
                while self._again:
                    self._submit(self._again.popleft())
                if not self._running:
                    return
                yield from self._collect(self._ended.get())
        finally:
            # Whoever stops early wants no more of it; what is half done is written by nobody.
            self._client.cancel(list(self._running))
            self._running.clear()

    def _most(self) -> int:
        """Tasks that may be out at once."""
        if time.monotonic() > self._counted + _LOOK and self._client.status == "running":
            # A scheduler that has just died is noticed where its tasks end.
            with suppress(OSError):
                self._threads = max(sum(self._client.nthreads().values()), 1)
            self._counted = time.monotonic()
        return self._threads * _AHEAD

    def _is_enough(self, batch: list[Item]) -> bool:
        # While workers are without work, one by one.
        hungry = len(self._running) + len(self._again) < 2 * self._threads
        return hungry or len(batch) >= _ITEMS or sum(item.size for item in batch) >= _BYTES

    def _submit(self, batch: list[Item]) -> None:
        future = self._client.submit(_do, self._work, batch, __version__, pure=False)
        self._running[future] = batch
        future.add_done_callback(self._ended.put)

    def _collect(self, future: Future[list[T]]) -> Iterator[T]:
        batch = self._running.pop(future)
        try:
            found = future.result()
        except KilledWorker:
            # It may have been the neighbour of the one that did it: each alone is told apart.
            if len(batch) == 1:
                yield self._lost(batch[0])
            else:
                self._again.extend([item] for item in batch)
        except CancelledError:
            self._again.append(batch)
            self._wait_for_scheduler()
        except ImportError as error:
            raise _without_isthmus(error) from error
        else:
            yield from found

    def _wait_for_scheduler(self) -> None:
        """Until the client, which tries by itself, has found a scheduler again; it knows nothing of this run."""
        while self._client.status == "connecting":
            time.sleep(0.1)
        if self._client.status != "running":
            raise ConnectionError("the scheduler is gone; the same command goes on where this one was")
        # Of all that was out, one after another comes here.
        if all(future.cancelled() for future in self._running):
            self._prepare()

    def _prepare(self) -> None:
        try:
            self._client.register_plugin(Prepared(self._models))
        except ImportError as error:
            raise _without_isthmus(error) from error


def _do(work: Callable[[Item], T], batch: list[Item], version: str) -> list[T]:
    """One task, on a worker."""
    if version != __version__:
        raise InputError("a worker has another isthmus", expected=version, got=__version__)
    return [work(item) for item in batch]


def _without_isthmus(error: ImportError) -> InputError:
    return InputError(
        f"a worker cannot import what it needs: {error}",
        hint='Install the same version there: pip install "isthmus[distributed]", and the backends of its addresses.',
    )
