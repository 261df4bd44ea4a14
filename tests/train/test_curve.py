"""Curves of held-out pictures: their means, what is kept of them, how two compare."""

from dataclasses import replace

import pytest

from isthmus.train.curve import Point, means, percent_more, points_of


def test_means_are_of_each_quality() -> None:
    measured = [[Point(20, 0.25, 30.0), Point(20, 0.75, 34.0)], [Point(50, 1.0, 38.0), Point(50, 2.0, 40.0)]]
    assert means(measured) == [Point(20, 0.5, 32.0), Point(50, 1.5, 39.0)]
    assert means([]) == []


def test_a_record_keeps_points() -> None:
    points = (Point(20, 0.12345, 30.1234), Point(85, 1.5, 41.0))
    assert points_of([point.as_row() for point in points]) == points
    assert Point(20, 0.123456, 30.12345678).as_row() == [20, 0.12346, 30.1235, "psnr"]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.25])
def test_percent_more(factor: float) -> None:
    before = [Point(quality, 0.1 * 2**quality, 25.0 + 5 * quality) for quality in range(4)]
    after = [replace(point, bpp=factor * point.bpp) for point in before]
    assert percent_more(before, after) == pytest.approx(100 * (factor - 1))
    assert percent_more(before, after[1:3]) == pytest.approx(100 * (factor - 1))
    assert percent_more(before, [Point(0, 1.0, 60.0), Point(1, 2.0, 70.0)]) is None
    assert percent_more(before, []) is None
