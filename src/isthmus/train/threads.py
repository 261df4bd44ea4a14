"""How many threads of the processor a run takes where nobody says: one or all, whichever was quicker when last tried.

On an idle machine all cores are quicker. Beside other work they can be many times slower than one, as every operation
waits for the thread whose core is taken; and that may change while a run lasts. Imports nothing heavy.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

TRIAL_STEPS = 2
"""Steps of a trial. A slow one may be an accident; two seldom are."""
TRIAL_SHARE = 0.03
"""Part of the time that trials of the slower number may cost."""
LEAST_SECONDS = 30.0
"""Between two trials."""


class ThreadChoice:
    """Follows the seconds of each step, and now and then tries the other number of threads.

    Args:
        most: the number to choose beside 1.
        apply: sets the number of threads from the next step on.
        clock: seconds.
    """

    def __init__(self, most: int, apply: Callable[[int], None], clock: Callable[[], float] = time.perf_counter):
        self._apply, self._clock = apply, clock
        self._recent = {count: deque[float](maxlen=TRIAL_STEPS) for count in (1, most)}
        self._left = TRIAL_STEPS
        """Steps until the trial in progress, or the warm-up before the first one, is over."""
        self._next_trial = clock()
        self.best = 1
        self.now = 1
        apply(1)

    def took(self, seconds: float) -> None:
        """Notes how long a step took, and decides about the next one."""
        self._recent[self.now].append(seconds)
        self._left -= 1
        if self._left > 0 or len(self._recent) == 1:
            return
        if self.now != self.best:
            self._judge()
        elif self._clock() >= self._next_trial:
            self._left = TRIAL_STEPS
            self._set(next(count for count in self._recent if count != self.best))

    def _judge(self) -> None:
        """Ends a trial: the quicker number stays, and the next trial waits until this one is paid for."""
        tried, known = (statistics.median(self._recent[count]) for count in (self.now, self.best))
        lost = abs(tried - known) * TRIAL_STEPS
        if tried < known:
            self.best = self.now
        self._next_trial = self._clock() + max(lost / TRIAL_SHARE, LEAST_SECONDS)
        self._set(self.best)

    def _set(self, count: int) -> None:
        self.now = count
        self._apply(count)
