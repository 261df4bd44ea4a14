"""A rectangle in a picture, and how the public interface names one."""

from __future__ import annotations

from typing import NamedTuple

from isthmus.errors import InputError
from isthmus.plain import whole

PublicBox = tuple[int, int, int, int]
"""(x, y, width, height) in pixels: the order of the public interface."""


class Box(NamedTuple):
    """A rectangle of pixels, or of latent positions.

    Attributes:
        top, left: its first row and column.
        height, width: rows and columns.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The place of the rectangle in an array (H, W, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: Box) -> Box:
        """This rectangle as seen from the top left corner of another."""
        return Box(self.top - other.top, self.left - other.left, self.height, self.width)

    def grown(self, margin: int) -> Box:
        """With so many rows and columns more on every side."""
        return Box(self.top - margin, self.left - margin, self.height + 2 * margin, self.width + 2 * margin)

    def shared(self, other: Box) -> Box:
        """What both cover; its height or width is not above 0 where that is nothing."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        return Box(top, left, min(self.bottom, other.bottom) - top, min(self.right, other.right) - left)


def box_in(box: PublicBox | None, width: int, height: int) -> Box:
    """A rectangle (x, y, width, height) of a picture, by default all of it.

    Raises:
        InputError: it is empty, not all inside the picture, or not of four whole numbers.
    """
    if box is None:
        return Box(0, 0, height, width)
    what = "the box (x, y, width, height)"
    try:
        # Plain first: sums of narrow integers wrap around, and what lies outside would seem to lie inside.
        x, y, columns, rows = (whole(value, what, "four whole numbers") for value in box)
    except (TypeError, ValueError) as error:
        raise InputError(what, expected="four whole numbers", got=box) from error
    inside = x >= 0 and y >= 0 and x + columns <= width and y + rows <= height
    if not inside or columns < 1 or rows < 1:
        raise InputError(what, expected=f"within {width}x{height}", got=box)
    return Box(y, x, rows, columns)
