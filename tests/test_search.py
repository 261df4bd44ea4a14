"""Searches on a dial: how many trials they take, where they end, and what they never leave."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.search import ContinuousDial, Trial, halve, secant

DIAL = ContinuousDial(low=0, high=100, decimals=2, slope=0.2)


def test_a_straight_line_takes_a_trial_beyond_and_one_between() -> None:
    trials = secant(lambda position: 0.2 * (position - 70), DIAL, 50, side=1, tolerance=0.1, most=12)
    # Half as far again as the slope says, aimed at the middle of the tolerance; then where the line says.
    assert trials == [Trial(50, -4), Trial(80.38, pytest.approx(2.076)), Trial(70.25, pytest.approx(0.05))]


@pytest.mark.parametrize("side", [-1, 1])
@given(goal=st.floats(5, 95), bend=st.floats(0.3, 3))
def test_a_fit_is_found_on_the_side_that_is_asked_for(side: int, goal: float, bend: float) -> None:
    def over(position: float) -> float:
        return 20 * ((position / 100) ** bend - (goal / 100) ** bend)

    trials = secant(over, DIAL, 50, side, tolerance=0.1, most=20)
    assert all(trial.over == over(trial.position) for trial in trials)
    assert all(0 <= trial.position <= 100 for trial in trials)
    assert 0 <= side * trials[-1].over <= 0.1
    assert not any(0 <= side * trial.over <= 0.1 for trial in trials[:-1])


@pytest.mark.parametrize(("level", "end"), [(-1.0, 100), (1.0, 0)])
def test_the_end_of_the_dial_ends_the_search(level: float, end: float) -> None:
    trials = secant(lambda position: level, DIAL, 50, side=1, tolerance=0.1, most=12)
    assert trials[-1].position == end
    assert len(trials) < 12


def test_so_many_trials_end_the_search() -> None:
    trials = secant(lambda position: math.copysign(9, position - 33.333), DIAL, 50, side=1, tolerance=0.1, most=5)
    assert len(trials) == 5


def test_a_jump_is_closed_in_on_until_no_position_is_left() -> None:
    trials = secant(lambda position: math.copysign(9, position - 33.333), DIAL, 50, side=1, tolerance=0.1, most=99)
    tried = sorted(trial.position for trial in trials)
    assert len(set(tried)) == len(tried)
    assert {33.33, 33.34} <= set(tried)


@given(st.integers(-5, 5), st.integers(1, 200), st.data())
def test_halving_finds_the_crossing_in_a_logarithm_of_trials(low: int, count: int, data: st.DataObject) -> None:
    crossing = data.draw(st.integers(low + 1, low + count))
    tried: list[int] = []

    def is_over(index: int) -> bool:
        tried.append(index)
        return index >= crossing

    assert halve(is_over, low, low + count) == crossing - 1
    assert len(tried) <= math.ceil(math.log2(count))
    assert all(low < index < low + count for index in tried)
