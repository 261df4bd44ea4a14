"""The pixels that a box of latent positions sees, beyond the picture's edges too, where a mirror stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.image.box import Box
from isthmus.image.coders.protocol import ArraySource, PixelSource, UInt8
from isthmus.image.grid import BLOCK, MARGIN, Grid, mirrored


def pixels_of(source: PixelSource, box: Box) -> UInt8:
    """What the analysis of a box of (h, w) latent positions sees: (16h + 16, 16w + 16, 3) uint8."""
    rows = _pixel_axis(box.top, box.bottom, source.height)
    columns = _pixel_axis(box.left, box.right, source.width)
    top, left = int(rows.min()), int(columns.min())
    window = source(top, left, int(rows.max()) + 1 - top, int(columns.max()) + 1 - left)
    return _taken(window[rows - top], columns - left)


def map_of(rgb: UInt8, work: Callable[[UInt8], npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """A number for each 16x16 block of a picture (H, W, 3) uint8: (ceil(H/16), ceil(W/16)) float32.

    Args:
        work: from what the analysis of a tile sees, `pixels_of` it, to the numbers (h, w) of its positions.
    """
    source = ArraySource(rgb)
    grid = Grid(source.width, source.height)
    out = np.zeros((grid.latent_height, grid.latent_width), np.float32)
    for index in range(grid.count):
        box = grid.latent_box(index)
        out[box.slices] = work(pixels_of(source, box))
    return out


def _taken(pixels: UInt8, columns: npt.NDArray[np.int64]) -> UInt8:
    """Columns of pixels (h, w, 3): those that follow each other, all but the mirrored ones at the edges, as one run."""
    out = np.empty((len(pixels), len(columns), pixels.shape[2]), pixels.dtype)
    ends = np.flatnonzero(np.diff(columns, prepend=-2, append=-2) != 1)
    longest = int(np.diff(ends).argmax())
    begin, end = int(ends[longest]), int(ends[longest + 1])
    first = int(columns[begin])
    out[:, begin:end] = pixels[:, first : first + end - begin]
    for edge in (slice(begin), slice(end, None)):
        out[:, edge] = pixels[:, columns[edge]]
    return out


def _pixel_axis(begin: int, end: int, size: int) -> npt.NDArray[np.int64]:
    """Rows (or columns) of a picture that the analysis of latent positions begin..end sees, half a block around them.

    The picture is filled up to whole blocks by mirroring, then mirrored there again.
    """
    whole = -(-size // BLOCK) * BLOCK
    return mirrored(mirrored(np.arange(begin * BLOCK - MARGIN, end * BLOCK + MARGIN), whole), size)
