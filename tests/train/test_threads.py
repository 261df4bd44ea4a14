"""The number of threads follows the machine: whatever is quicker, and trials cost little."""

import os
import subprocess
import sys

import pytest

from isthmus.train.threads import LEAST_SECONDS, TRIAL_SHARE, TRIAL_STEPS, ThreadChoice


class Machine:
    """Steps that take so many seconds with 1 and with 8 threads."""

    def __init__(self, one: float, all_cores: float, most: int = 8):
        self.seconds = {1: one, most: all_cores}
        self.time = 0.0
        self.threads = 0
        self.applied: list[int] = []
        self.choice = ThreadChoice(most, self._apply, lambda: self.time)

    def _apply(self, count: int) -> None:
        self.threads = count
        self.applied.append(count)

    def step(self) -> None:
        assert self.threads == self.choice.now
        self.time += self.seconds[self.threads]
        self.choice.took(self.seconds[self.threads])

    def run(self, steps: int) -> float:
        """Seconds that so many steps take."""
        before = self.time
        for _ in range(steps):
            self.step()
        return self.time - before


def test_an_idle_machine_gets_all_cores() -> None:
    machine = Machine(one=1.0, all_cores=0.2)
    machine.run(2 * TRIAL_STEPS)
    assert machine.choice.best == machine.threads == 8
    assert machine.run(2000) < 2000 * 0.2 * (1 + 2 * TRIAL_SHARE)


@pytest.mark.parametrize("slower", [1.05, 2.0, 10.0])
def test_a_busy_machine_keeps_one_thread_and_pays_little_for_trials(slower: float) -> None:
    machine = Machine(one=1.0, all_cores=slower)
    machine.run(2 * TRIAL_STEPS)
    assert machine.threads == 1
    assert machine.run(5000) < 5000 * (1 + 2 * TRIAL_SHARE)
    assert machine.applied.count(8) > 2  # and goes on looking


def test_it_notices_that_the_machine_changes() -> None:
    machine = Machine(one=1.0, all_cores=0.5)
    machine.run(20)
    assert machine.choice.best == 8
    machine.seconds[8] = 6.0
    machine.run(int(LEAST_SECONDS))
    assert machine.choice.best == machine.threads == 1
    machine.seconds[8] = 0.5
    machine.run(int(2 * TRIAL_STEPS * 6.0 / TRIAL_SHARE))
    assert machine.choice.best == machine.threads == 8


def test_one_core_leaves_no_choice() -> None:
    machine = Machine(one=1.0, all_cores=1.0, most=1)
    machine.run(100)
    assert machine.applied == [1]


def test_waiting_threads_sleep() -> None:
    """PyTorch's OpenMP reads the variable when it is loaded, so it is set before that; who sets it keeps it."""
    code = "import os, sys, isthmus.train; assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == expected
