"""Work side by side: in order, few in flight, at the same time, and no thread left when it ends early."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from isthmus.medium import crew as crews
from isthmus.medium.crew import MOST_BY_DEFAULT, Crew, Pending, default_threads


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_results_are_in_order_and_few_in_flight(threads: int) -> None:
    begun = 0

    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number

    def handed_out(crew: Crew) -> Iterator[Pending[int]]:
        nonlocal begun
        for number in range(20):
            begun += 1
            yield crew.submit(work, number)

    with Crew(threads) as crew:
        for expected, number in enumerate(crew.in_order(handed_out(crew))):
            assert number == expected
            assert begun <= number + 1 + (0 if threads == 1 else threads)
    assert begun == 20


def test_threads_work_at_the_same_time() -> None:
    """Each waits for the other: one after the other they would never end."""
    meeting = threading.Barrier(2, timeout=10)
    with Crew(2) as crew:
        results = list(crew.in_order([crew.submit(meeting.wait), crew.submit(meeting.wait)]))
    assert sorted(results) == [0, 1]


def test_a_crew_of_one_works_in_the_callers_thread() -> None:
    with Crew(1) as crew:
        assert crew.submit(threading.get_ident).result() == threading.get_ident()
        assert crew.ahead == 0


def test_an_error_reaches_the_caller_and_drops_what_has_not_begun() -> None:
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.01)
        return 1 // number

    def all_of_it() -> None:
        with Crew(2) as crew:
            pending = [crew.submit(work, number) for number in range(50)]
            list(crew.in_order(pending))

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        all_of_it()
    assert len(begun) < 50
    assert threading.active_count() == before


@pytest.mark.skipif(os.name == "nt", reason="signals to oneself")
def test_ctrl_c_ends_the_wait() -> None:
    released = threading.Event()
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    watchdog = threading.Timer(0.5, released.set)

    def all_of_it() -> None:
        with Crew(2) as crew:
            pending = [crew.submit(released.wait, 10) for _ in range(6)]
            timer.start()
            watchdog.start()
            list(crew.in_order(pending))

    with pytest.raises(KeyboardInterrupt):
        all_of_it()
    assert released.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("isthmus")]
    timer.join()
    watchdog.join()


def test_the_default_follows_the_cores_up_to_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 2), (64, MOST_BY_DEFAULT)):
        monkeypatch.setattr(crews.os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False)
        assert default_threads() == expected
    monkeypatch.delattr(crews.os, "sched_getaffinity")
    monkeypatch.setattr(crews.os, "cpu_count", lambda: None)
    assert default_threads() == 1
