"""What all work on one file shares: the model, where the dial stands, and how many threads there are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np
import numpy.typing as npt

from isthmus.medium.crew import Crew, default_threads
from isthmus.model.engine import Engine, limit_threads
from isthmus.model.model import Model
from isthmus.quality import Quality
from isthmus.tune import EYE, Tune

Graph = Callable[[Model, npt.NDArray[np.float32]], npt.NDArray[np.uint8]]
"""graph(model, weights (points,) of the quality points) writes one of its networks as an ONNX file, see
`isthmus.model.engine`."""


@dataclass(frozen=True)
class Setting:
    """What all work on one file shares; networks are looked up once.

    Attributes:
        weights: the model, or what finds it when it is first needed: not all work needs one.
        quality: where the dial stands.
        threads: how many parts are worked on side by side; None for the number of cores, up to a few. The work on a
            part takes one thread, so nothing that is computed depends on their number.
        tune: where the second dial stands, of a coder that has one.
    """

    weights: Model | Callable[[], Model]
    quality: Quality
    threads: int | None = None
    tune: Tune = EYE

    @cached_property
    def model(self) -> Model:
        """The model; raises what finding it raises."""
        return self.weights() if callable(self.weights) else self.weights

    @cached_property
    def quality_weights(self) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each of the model's quality points counts; two of them at most do."""
        return self.quality.weights(self.model.definition.points)

    def network(self, graph: Graph) -> Engine:
        """A network of the model where the quality dial stands, ready to run in one thread; the last ones are kept."""
        with _loading:
            return _network(self.model, graph, self.quality)

    def one_thread(self) -> AbstractContextManager[None]:
        """A context in which NumPy's matrix products keep to the thread that asks for them."""
        return limit_threads(1)

    def crew(self, parts: int) -> Crew:
        """Threads for the work on so many parts."""
        return Crew(min(self.threads or default_threads(), parts))


_loading = Lock()
"""Threads that need a network at the same time load it once."""


@lru_cache(maxsize=16)
def _network(model: Model, graph: Graph, quality: Quality) -> Engine:
    return Engine(graph(model, quality.weights(model.definition.points)), threads=1)
