"""Colours for what nobody sees: those under full transparency are free, so they continue what is visible, smoothly.

Pull and push (Gortler and others, "The Lumigraph", 1996, section 3.4): means of what is visible at halves, quarters and
so on down to blocks, and from there through ever smaller pictures of the whole; what is empty takes what lies around it
at the next coarser level. A window sees the same colours however the picture is worked through, and all that is kept
of the whole is one colour for each 16x16 block.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
import numpy.typing as npt

from isthmus.image.grid import BLOCK

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_LEVELS = 4  # halvings from pixels to blocks
_MARGIN = 2 * BLOCK  # beyond which nothing is felt within a window but through the blocks
_ROWS = 8 * BLOCK
_PIXELS_AT_ONCE = 2**21
_NOTHING = 128.0  # where nothing at all is visible


class FilledColours:
    """The colours of a picture with transparency, those under full transparency from their neighbours.

    Args:
        width, height: pixels.
        read: (top, left, height, width) -> (height, width, 4) uint8, for any window inside; alpha comes last.
    """

    def __init__(self, width: int, height: int, read: Callable[[int, int, int, int], UInt8]):
        self._width, self._height, self._read = width, height, read
        self._lock = Lock()
        self._blocks: Float32 | None = None

    def __call__(self, top: int, left: int, height: int, width: int) -> UInt8:
        """The (height, width, 3) uint8 colours of a window."""
        rows = max(_PIXELS_AT_ONCE // width, 1)
        if rows >= height:
            return self._part(top, left, height, width)
        out = np.empty((height, width, 3), np.uint8)
        for start in range(0, height, rows):
            out[start : start + rows] = self._part(top + start, left, min(rows, height - start), width)
        return out

    def _part(self, top: int, left: int, height: int, width: int) -> UInt8:
        window = self._read(top, left, height, width)
        if window[..., 3].all():
            return window[..., :3]
        # Whole blocks around the window, as far as its own colours reach.
        first_row, first_column = (max(at - _MARGIN, 0) // BLOCK for at in (top, left))
        bottom = min(top + height + _MARGIN, self._height)
        right = min(left + width + _MARGIN, self._width)
        rows, columns = -(-bottom // BLOCK) - first_row, -(-right // BLOCK) - first_column
        at_top, at_left = first_row * BLOCK, first_column * BLOCK
        last_row, last_column = (first_row + rows) * BLOCK, (first_column + columns) * BLOCK
        around = self._read(
            at_top, at_left, min(last_row, self._height) - at_top, min(last_column, self._width) - at_left
        )
        blocks = self._all_blocks()[first_row : first_row + rows, first_column : first_column + columns]
        filled = _pushed(_pulled(_weighted(around, rows * BLOCK, columns * BLOCK), _LEVELS), blocks)
        part = filled[top - at_top :, left - at_left :][:height, :width]
        colours = np.rint(np.clip(part, 0, 255)).astype(np.uint8)
        return np.where(window[..., 3:] > 0, window[..., :3], colours)

    def _all_blocks(self) -> Float32:
        """(h, w, 3): a colour for each block of the picture."""
        with self._lock:
            if self._blocks is None:
                rows, columns = -(-self._height // BLOCK), -(-self._width // BLOCK)
                known = np.zeros((rows, columns, 4), np.float32)
                for top in range(0, self._height, _ROWS):
                    strip = self._read(top, 0, min(_ROWS, self._height - top), self._width)
                    size = -(-len(strip) // BLOCK)
                    pulled = _pulled(_weighted(strip, size * BLOCK, columns * BLOCK), _LEVELS)
                    known[top // BLOCK : top // BLOCK + size] = pulled[-1]
                levels = _pulled(known, max(rows, columns).bit_length())
                self._blocks = _pushed(levels, np.full((1, 1, 3), _NOTHING, np.float32))
            return self._blocks


def _weighted(pixels: UInt8, height: int, width: int) -> Float32:
    """(height, width, 4) float32: colours times weight, and weight; nothing beyond the pixels (h, w, 4)."""
    out = np.zeros((height, width, 4), np.float32)
    here = out[: pixels.shape[0], : pixels.shape[1]]
    here[..., 3] = pixels[..., 3] / np.float32(255)
    here[..., :3] = pixels[..., :3] * here[..., 3:]
    return out


def _pulled(level: Float32, halvings: int) -> list[Float32]:
    """A level (h, w, 4) and as many coarser ones, each the mean colour of four at a weight of at most 1."""
    levels = [level]
    for _ in range(halvings):
        height, width = (-(-side // 2) * 2 for side in level.shape[:2])
        x = np.zeros((height, width, 4), np.float32)
        x[: level.shape[0], : level.shape[1]] = level
        # Sums in a fixed order: the same to the last bit in every window.
        x = (x[::2, ::2] + x[::2, 1::2]) + (x[1::2, ::2] + x[1::2, 1::2])
        level = x / np.maximum(x[..., 3:], 1)
        levels.append(level)
    return levels


def _pushed(levels: list[Float32], coarsest: Float32) -> Float32:
    """The colours (h, w, 3) of the first level, of four that are empty those of the levels after it.

    Args:
        levels: from fine to coarse.
        coarsest: (h, w, 3), whole, for the last level where that is empty.
    """
    colours = coarsest
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        if index < len(levels) - 1:
            colours = _doubled(colours)[: level.shape[0], : level.shape[1]]
        weight = level[..., 3:]
        # What is faintly visible, as at an edge, counts in part.
        colours = level[..., :3] + (1 - weight) * colours
    return colours


def _doubled(x: Float32) -> Float32:
    """Twice as high and wide, linear between the middles."""
    for axis in (0, 1):
        last = x.shape[axis] - 1
        index = np.arange(x.shape[axis])
        before, after = x.take(np.maximum(index - 1, 0), axis), x.take(np.minimum(index + 1, last), axis)
        near, far = np.float32(0.75), np.float32(0.25)
        both = np.stack([near * x + far * before, near * x + far * after], axis + 1)
        shape = list(x.shape)
        shape[axis] *= 2
        x = both.reshape(shape)
    return x
