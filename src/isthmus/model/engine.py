"""Runs exported networks; the only module that imports the inference engine (ONNX Runtime)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import ModelError
from isthmus.shared_setting import SharedSetting


def _onnxruntime() -> Any:
    """The engine's module, which from version 1.29 on would write to the user's home and report to its maker."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


class Engine:
    """One exported network, ready to run.

    Args:
        graph: the ONNX file's bytes.
        threads: how many threads one run uses; None leaves the choice to the engine.

    Raises:
        ModelError: the engine refuses the graph.
    """

    def __init__(self, graph: npt.NDArray[np.uint8], threads: int | None = None):
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.inter_op_num_threads = 1
        # Buffers follow the input's size; an arena would keep the largest for ever.
        options.enable_cpu_mem_arena = False
        # Threads that wait by spinning would take the cores from NumPy's matrix products, which run in between.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(graph.tobytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the engine's own exception classes share no public base
            raise ModelError(
                "the model's network cannot be loaded",
                got=str(error),
                hint="The model file may be damaged, or made for another version: get it again.",
            ) from error

    def __call__(self, **inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Runs the network on named inputs and returns its one output; raises ModelError if it takes others."""
        return self.all(**inputs)[0]

    def all(self, **inputs: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Runs the network on named inputs and returns all its outputs; raises ModelError if it takes others."""
        try:
            outputs: list[npt.NDArray[Any]] = self._session.run(None, inputs)
        except Exception as error:  # as above
            raise ModelError(
                "the model's network cannot be run",
                got=str(error),
                hint="The model file may be damaged, or made for another version: get it again.",
            ) from error
        return outputs


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _aside(work: Callable[[], None]) -> None:
    """Does something in a thread of its own.

    For threadpoolctl the thread that limits OpenBLAS owns the limit as long as it lives, and no other can lift it: the
    last who is done with a limit is seldom the one who asked for it. A thread that has ended owns nothing.
    """
    thread = Thread(target=work)
    thread.start()
    thread.join()


def _libraries(per_thread: bool) -> list[Any]:
    """NumPy's libraries for matrix products: those that count threads for each thread, or those with one count."""
    found = (library for library in _controller().lib_controllers if library.user_api == "blas")
    return [library for library in found if (getattr(library, "threading_layer", "") == "openmp") == per_thread]


def _limit(per_thread: bool, threads: int) -> Callable[[], None]:
    """Sets the limit; what is returned lifts it, but where somebody else has changed it since."""
    changed = []
    for library in _libraries(per_thread):
        before = library.num_threads
        library.set_num_threads(threads)
        changed.append((library, before, library.num_threads))

    def undo() -> None:
        for library, before, limited in changed:
            if library.num_threads == limited:
                library.set_num_threads(before)

    return undo


def _limit_process(threads: int) -> Callable[[], None]:
    if all(library.num_threads == threads for library in _libraries(False)):
        # Two threads would be begun and joined for nothing. Should somebody lift that limit meanwhile, it takes longer.
        return lambda: None
    undo: list[Callable[[], None]] = []
    _aside(lambda: undo.append(_limit(False, threads)))
    return lambda: _aside(undo[0])


_process_limit = SharedSetting(_limit_process)


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    with _process_limit(threads):
        lift = _limit(True, threads)
        try:
            yield
        finally:
            lift()


def limit_threads(threads: int | None) -> AbstractContextManager[None]:
    """A context in which NumPy's matrix products use at most this many threads; None for as many as they like.

    Most libraries have one limit for the process: of several contexts at once, in threads of one process, the first
    one's number holds, and the last one to end lifts it.
    """
    return nullcontext() if threads is None else _limited(threads)
