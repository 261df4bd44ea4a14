"""An interruption (Ctrl-C, SIGTERM) lets a training run end its step and save; a second one ends it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from isthmus.train.journal import Say


class Signals:
    """While entered, an interruption or a request to end is noted instead of obeyed; a second one is obeyed.

    Python handles signals in the main thread alone; entered in another, nothing is noted.

    Args:
        say: prints a line for people.
    """

    def __init__(self, say: Say) -> None:
        self.asked = False
        """Whether the run was asked to stop."""
        self._say = say
        self._before: dict[int, Any] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(number, self._before[number])
        self._say("stopping after this step, and saving")

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
