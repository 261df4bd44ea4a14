"""Where a quality lies between the points at which a model keeps its numbers: steps, biases."""

from __future__ import annotations

from isthmus.coding.fixed_point import QUALITY_UNITS


def between_points(quality: int, points: int) -> tuple[int, int]:
    """The nearest quality point that is not above a quality, and how far the quality lies towards the next point.

    Args:
        quality: 0..10000.
        points: quality points of the model, at least 2, evenly spaced over the dial.

    Returns:
        index of the point, 0..points - 2, and the share of the next one in units of 1/10000, both exact.
    """
    position = quality * (points - 1)
    index = min(position // QUALITY_UNITS, points - 2)
    return index, position - index * QUALITY_UNITS
