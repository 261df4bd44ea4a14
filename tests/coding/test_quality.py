"""Qualities between the points of a model."""

import pytest

from isthmus.coding.quality import between_points


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
    assert between_points(quality, points) == expected


@pytest.mark.parametrize("points", [2, 3, 9, 256])
def test_positions_are_exact(points: int) -> None:
    for quality in range(0, 10_001, 7):
        index, share = between_points(quality, points)
        assert 0 <= index <= points - 2
        assert 0 <= share <= 10_000
        assert index * 10_000 + share == quality * (points - 1)
