"""An interruption is noted; a second one is obeyed; afterwards all is as before."""

import signal
import threading

import pytest

from isthmus.train.signals import Signals


def test_the_first_is_noted_and_the_second_obeyed() -> None:
    said: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with Signals(said.append) as signals:
        assert not signals.asked
        signal.raise_signal(signal.SIGINT)
        assert signals.asked
        assert said == ["stopping after this step, and saving"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_request_to_end_is_noted_too() -> None:
    with Signals([].append) as signals:
        signal.raise_signal(signal.SIGTERM)
    assert signals.asked


def test_other_threads_handle_no_signals() -> None:
    entered: list[bool] = []
    before = signal.getsignal(signal.SIGINT)

    def enter() -> None:
        with Signals([].append):
            entered.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [True]
