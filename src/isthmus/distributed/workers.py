"""What a worker gets once, whenever it joins: models that are not in the package, and how much memory pictures take."""

from __future__ import annotations

import hashlib
import os

from distributed import Worker, WorkerPlugin

from isthmus.batch.room import ROOM
from isthmus.model.file import FORMAT_DELTA, SUFFIX, model_bytes
from isthmus.model.model import Model
from isthmus.model.registry import added_models, added_path, lend_model, model_named, releases

_SHARE = 0.6
"""Of a worker's memory limit for pictures: the rest is Python's, the weights' and the networks'."""


class Prepared(WorkerPlugin):
    """Dask sends it to every worker, those that come later included; doing so twice changes nothing.

    Args:
        models: files of models that are not in the package, bases before their deltas.
    """

    def __init__(self, models: tuple[bytes, ...] = ()) -> None:
        self.models = models
        self.name = f"isthmus-{hashlib.sha256(b''.join(models)).hexdigest()[:16]}"

    def setup(self, worker: Worker) -> None:
        """On the worker, before its first task."""
        for data in self.models:
            lend_model(data)
        limit = worker.memory_manager.memory_limit
        ROOM.size = None if limit is None else int(limit * _SHARE)


def model_to_send(spec: str | None) -> tuple[str | None, tuple[bytes, ...]]:
    """What workers call the model of a name, an id or a file, and the files that they need for it.

    Raises:
        ModelError, UnknownModelError, OSError: there is no such model here.
    """
    if spec is None:
        return None, ()
    model = model_named(spec)
    if model.id.hex() in releases():
        return model.id.hex(), ()
    path = spec if os.path.isfile(spec) or spec.endswith(SUFFIX) else str(added_path(model.id.hex()))
    return model.id.hex(), (*_base(model), model_bytes(path))


def models_to_send() -> tuple[bytes, ...]:
    """Every model that was added on this machine and can be used: what is decoded may name any of them."""
    found: dict[bytes, None] = {}
    for path, model in added_models():
        if isinstance(model, Model):
            found |= dict.fromkeys((*_base(model), model_bytes(path)))
    return tuple(found)


def _base(model: Model) -> tuple[bytes, ...]:
    if model.metadata["format"] != FORMAT_DELTA:
        return ()
    return model_to_send(model.metadata["base"])[1]
