"""Settings of the process are put back by the last who needs them, in whatever order they leave."""

import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from isthmus.model import engine
from isthmus.processes import one_thread
from isthmus.shared_setting import SharedSetting


class Dial:
    """A setting of the process."""

    def __init__(self) -> None:
        self.value = 8

    def turn(self, value: int) -> Callable[[], None]:
        before, self.value = self.value, value

        def undo() -> None:
            self.value = before

        return undo


class Visitor:
    """A thread of its own that enters a context and leaves it when it is told to."""

    def __init__(self, context: AbstractContextManager[None]) -> None:
        self._inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._stay, args=(context,))
        self._thread.start()
        assert self._inside.wait(10)

    def _stay(self, context: AbstractContextManager[None]) -> None:
        with context:
            self._inside.set()
            assert self._leave.wait(10)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_last_to_leave_puts_it_back(order: tuple[int, ...]) -> None:
    dial = Dial()
    setting = SharedSetting(dial.turn)
    visitors = [Visitor(setting(number)) for number in (1, 2, 3)]
    for index in order:
        assert dial.value == 1
        visitors[index].leave()
    assert dial.value == 8


def test_an_error_puts_it_back() -> None:
    dial = Dial()
    setting = SharedSetting(dial.turn)
    with pytest.raises(ZeroDivisionError), setting(1):
        _ = 1 / 0
    assert dial.value == 8


def blas_threads() -> set[int]:
    return {found["num_threads"] for found in engine._controller().info() if found["user_api"] == "blas"}


@pytest.fixture
def two_threads() -> None:
    """NumPy with two threads, whatever the machine has."""

    def set_two() -> None:
        engine._limit(False, 2)

    engine._aside(set_two)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_numpy_has_its_threads_back_in_whatever_order_threads_leave(order: tuple[int, ...]) -> None:
    assert blas_threads() == {2}
    visitors = [Visitor(engine.limit_threads(1)) for _ in range(3)]
    for index in order:
        assert blas_threads() == {1}
        visitors[index].leave()
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_limit_of_somebody_else_that_ends_first_is_not_put_back() -> None:
    theirs = engine._controller().limit(limits=1, user_api="blas")
    theirs.__enter__()
    with engine.limit_threads(1):
        theirs.__exit__(None, None, None)
        assert blas_threads() == {2}
    assert blas_threads() == {2}


def in_child(queue: "multiprocessing.Queue[set[int]]") -> None:
    queue.put(blas_threads())


@pytest.mark.usefixtures("two_threads")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_takes_no_limit_along() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    visitor = Visitor(engine.limit_threads(1))
    try:
        child = context.Process(target=in_child, args=(queue,))
        child.start()
        assert queue.get(timeout=30) == {2}
        child.join()
    finally:
        visitor.leave()
    assert blas_threads() == {2}


@pytest.mark.parametrize("before", [None, "3"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_pools_of_processes_leave_the_environment(
    order: tuple[int, ...], before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    if before:
        monkeypatch.setenv("MKL_NUM_THREADS", before)
    visitors = [Visitor(one_thread()) for _ in range(2)]
    for index in order:
        assert os.environ["MKL_NUM_THREADS"] == "1"
        visitors[index].leave()
    assert os.environ.get("MKL_NUM_THREADS") == before
