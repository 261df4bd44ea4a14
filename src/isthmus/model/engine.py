"""Runs exported networks; the only module that imports the inference engine (ONNX Runtime)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import ModelError


class Engine:
    """One exported network, ready to run.

    Args:
        graph: the ONNX file's bytes.
        threads: how many threads one run uses; None leaves the choice to the engine.

    Raises:
        ModelError: the engine refuses the graph.
    """

    def __init__(self, graph: npt.NDArray[np.uint8], threads: int | None = None):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.inter_op_num_threads = 1
        # Buffers follow the picture's size; an arena would keep the largest for ever.
        options.enable_cpu_mem_arena = False
        # Threads that wait by spinning would take the cores from NumPy's matrix products, which run in between.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(graph.tobytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the engine's own exception classes share no public base
            raise ModelError("the inference engine refuses the model's network", got=str(error)) from error

    def __call__(self, **inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Runs the network on named inputs and returns its one output; raises ModelError if it takes others."""
        try:
            output: npt.NDArray[Any] = self._session.run(None, inputs)[0]
        except Exception as error:  # as above
            raise ModelError("the model's network does not run on what it must take", got=str(error)) from error
        return output


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Limit:
    """NumPy's limit is one of the process: taken when the first asks for it, given back when the last is done."""

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0
        self._taken: AbstractContextManager[Any] = nullcontext()

    @contextmanager
    def __call__(self, threads: int) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._taken = _controller().limit(limits=threads, user_api="blas")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._taken.__exit__(None, None, None)


_limit = _Limit()


def limit_threads(threads: int | None) -> AbstractContextManager[None]:
    """A context in which NumPy's matrix products use at most this many threads; None for as many as they like.

    Of several at once, in threads of one process, the first one's number holds.
    """
    return nullcontext() if threads is None else _limit(threads)
