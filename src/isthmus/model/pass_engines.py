"""The inference engine for the passes of an entropy model, each loaded when it is first needed."""

from __future__ import annotations

from threading import Lock

from isthmus.coding.definition import Definition, Pass
from isthmus.model.engine import Engine
from isthmus.model.pass_graph import Arrays, pass_graph


class PassEngines:
    """engines(pass) -> what runs its network in one thread.

    Args:
        definition, stored, numbers: as of `isthmus.model.pass_graph.pass_graph`.
    """

    def __init__(self, definition: Definition, stored: Arrays, numbers: Arrays):
        self._definition, self._stored, self._numbers = definition, stored, numbers
        self._loaded: dict[str, Engine] = {}
        self._loading = Lock()

    def __call__(self, one: Pass) -> Engine:
        with self._loading:
            if one.name not in self._loaded:
                graph = pass_graph(self._definition, one, self._stored, self._numbers)
                self._loaded[one.name] = Engine(graph, threads=1)
            return self._loaded[one.name]
