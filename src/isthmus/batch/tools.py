"""What a worker process works with, made once a process: the codec with its weights, and the two trees."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from threading import Lock

from isthmus.batch.job import Job
from isthmus.batch.tree import Tree, opened
from isthmus.codec import Codec
from isthmus.effort import Effort
from isthmus.image.limits import Limits

_LOCK = Lock()


@dataclass(frozen=True)
class Tools:
    """What a process works with: the codec, the tree it reads from and the tree it writes to."""

    codec: Codec
    source: Tree
    target: Tree


def tools_for(job: Job) -> Tools:
    """The tools of a job; weights are loaded and trees are opened once a process, whichever thread comes first."""
    with _LOCK:
        return Tools(_codec(job.model, job.threads, job.limits, job.effort), opened(job.source), opened(job.target))


@functools.lru_cache(maxsize=1)
def _codec(model: str | None, threads: int, limits: Limits, effort: Effort) -> Codec:
    return Codec(model, threads, limits, effort)
