"""Worker processes: spawned, one thread each, gone when their parent is. Knows nothing of what they do."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from isthmus.shared_setting import SharedSetting

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _set_one_thread(names: tuple[str, ...]) -> Callable[[], None]:
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))

    def undo() -> None:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    return undo


_one_thread = SharedSetting(_set_one_thread)


def one_thread() -> AbstractContextManager[None]:
    """Processes that start inside take one thread for each library: together they fill the cores already."""
    return _one_thread(_THREADS)


@contextmanager
def process_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that Ctrl-C and the death of their parent do not leave behind."""
    # Spawned, not forked: codec libraries keep threads of their own.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_follow_parent)
    try:
        with one_thread():
            yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _follow_parent() -> None:
    # The parent hears Ctrl-C and shuts the pool down; a second traceback from each worker helps nobody.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # A killed parent closes no queue: without this, its workers would wait for ever.
        os._exit(1)
