"""The search for a crossing on a dial: it finds one wherever there is one, in few trials."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.bench.nearest import crossing


@given(
    heights=st.lists(st.floats(-100, 100), min_size=1, max_size=200),
    first=st.integers(0, 199),
    slope=st.floats(0.01, 10),
)
def test_neighbours_on_either_side_or_the_end_that_is_too_near(heights: list[float], first: int, slope: float) -> None:
    # Any heights at all: a codec need not rise with its dial.
    tried: list[int] = []

    def over(index: int) -> float:
        assert index not in tried
        tried.append(index)
        return heights[index]

    found = crossing(over, list(map(float, range(len(heights)))), min(first, len(heights) - 1), slope)
    assert all(heights[index] == height for index, height in found.items())
    if len(found) == 2:
        low, high = sorted(found)
        assert high == low + 1
        assert heights[low] < 0 <= heights[high]
    else:
        ((index, height),) = found.items()
        assert (index, height < 0) in ((0, False), (len(heights) - 1, True))


@pytest.mark.parametrize("target", [-3.01, -1.2, 0.0, 0.7, 2.9])
@pytest.mark.parametrize("bend", [-0.05, 0.0, 0.05])
def test_few_trials_where_the_line_is_nearly_straight(target: float, bend: float) -> None:
    count = 500
    steps = np.linspace(-1, 14, count)
    heights = 0.25 * (steps - 6) + bend * (steps - 6) ** 2 / 6 - target
    tried: list[int] = []

    def over(index: int) -> float:
        tried.append(index)
        return float(heights[index])

    found = crossing(over, steps.tolist(), 250, 0.27)
    assert len(found) == 2 or abs(heights).argmin() in (0, count - 1)
    # Bisection takes eleven: nine halves and the two ends.
    assert len(tried) <= 7


def test_a_flat_or_falling_start_does_not_hold_it_up() -> None:
    heights = [-5.0] * 40 + [-6.0] * 40 + [4.0] * 40
    calls = 0

    def over(index: int) -> float:
        nonlocal calls
        calls += 1
        return heights[index]

    assert sorted(crossing(over, list(map(float, range(120))), 10, 0.3)) == [79, 80]
    assert calls <= 16


def test_what_is_infinitely_far_is_left_again() -> None:
    heights = [-1.0, -0.5, 0.5, math.inf, math.inf]
    assert sorted(crossing(heights.__getitem__, [0.0, 1.0, 2.0, 3.0, 4.0], 4, 1.0)) == [1, 2]


@pytest.mark.parametrize("first", [40, 49, 50, 52, 60])
@pytest.mark.parametrize("same", [2, 3])
def test_settings_that_write_the_same_cost_no_bisection(first: int, same: int) -> None:
    # As AVIF, which has fewer quantizers than qualities.
    heights = [0.06 * same * (index // same - 50 // same) - 0.01 for index in range(100)]
    tried: list[int] = []

    def over(index: int) -> float:
        tried.append(index)
        return heights[index]

    steps = [index / 7 for index in range(100)]
    low, high = sorted(crossing(over, steps, first, 0.27))
    assert heights[low] < 0 < heights[high]
    assert len(tried) <= 6
