import math

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.quality import Quality


@pytest.mark.parametrize(("percent", "hundredths"), [(0, 0), (100, 10000), (50.25, 5025), (33.337, 3334), (0.004, 0)])
def test_units(percent: float, hundredths: int) -> None:
    quality = Quality.of(percent)
    assert quality == Quality(hundredths)
    assert quality.percent == hundredths / 100
    assert quality.share == hundredths / 10000
    assert Quality.of(quality.percent) == quality


@pytest.mark.parametrize("percent", [-0.01, 100.01, math.nan, math.inf])
def test_outside(percent: float) -> None:
    with pytest.raises(InputError, match="the quality: expected 0 to 100"):
        Quality.of(percent)


def test_weights_of_quality_points() -> None:
    np.testing.assert_array_equal(Quality(0).weights(3), [1, 0, 0])
    np.testing.assert_array_equal(Quality(10000).weights(3), [0, 0, 1])
    np.testing.assert_allclose(Quality(1250).weights(3), [0.75, 0.25, 0])
    for hundredths in range(0, 10001, 137):
        weights = Quality(hundredths).weights(9)
        assert weights.dtype == np.float32
        assert weights.sum() == pytest.approx(1)


def test_order() -> None:
    assert Quality(1) < Quality(2)


@pytest.mark.parametrize(
    ("quality", "points", "expected"),
    [
        (0, 9, (0, 0)),
        (1249, 9, (0, 9992)),
        (1250, 9, (1, 0)),
        (5000, 2, (0, 5000)),
        (9999, 9, (7, 9992)),
        # The last point has none above it: it is all of the next of the one before.
        (10_000, 9, (7, 10_000)),
        (10_000, 2, (0, 10_000)),
    ],
)
def test_a_quality_lies_between_two_points(quality: int, points: int, expected: tuple[int, int]) -> None:
    assert Quality(quality).between(points) == expected


@pytest.mark.parametrize("points", [2, 3, 9, 256])
def test_positions_are_exact(points: int) -> None:
    for quality in range(0, 10_001, 7):
        index, share = Quality(quality).between(points)
        assert 0 <= index <= points - 2
        assert 0 <= share <= 10_000
        assert index * 10_000 + share == quality * (points - 1)
