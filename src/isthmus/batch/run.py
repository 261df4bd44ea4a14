"""The items of a job through worker processes, which a dying worker does not end.

The weights are loaded once a process; files are handed out a few at a time, so memory does not grow with their
number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from isthmus.batch.job import Item, Job, Result
from isthmus.batch.steps import process
from isthmus.processes import process_pool

_AHEAD = 4  # files handed out per worker: enough to keep it busy, few enough to lose


def run(job: Job, todo: Iterable[Item], workers: int) -> Iterator[Result]:
    """The result of every item, in the order in which they end."""
    rest = iter(todo)
    lost: list[Item] = []
    while True:
        yield from _through_a_pool(job, rest, workers, lost)
        if not lost:
            return
        for item in lost:
            yield Result(item, "failed", message="a worker process died, perhaps out of memory; run it again")
        lost = []


def _through_a_pool(job: Job, rest: Iterator[Item], workers: int, lost: list[Item]) -> Iterator[Result]:
    """Results until nothing is left, or until a worker dies; what it takes with it is `lost`."""
    running: dict[Future[Result], Item] = {}
    with process_pool(workers) as pool:
        while True:
            try:
                for item in itertools.islice(rest, workers * _AHEAD - len(running)):
                    running[pool.submit(process, job, item)] = item
            except BrokenProcessPool:
                lost.append(item)
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                item = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(item)
                else:
                    yield result
            if lost:
                lost.extend(running.values())
                return
