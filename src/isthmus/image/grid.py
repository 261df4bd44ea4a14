"""The geometry of a picture: tiles, the blocks behind latent positions, and what lies beyond the edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.image.box import Box

TILE = 1024
"""Side of a tile in pixels."""
BLOCK = 16
"""Pixels between latent positions."""
MARGIN = BLOCK // 2
"""Pixels around blocks that the windows of their latents reach into, on every side."""


@dataclass(frozen=True)
class Grid:
    """How a picture splits into tiles, which count row by row, and those into latent positions.

    Attributes:
        width, height: of the picture in pixels.
        tile: side of a tile in pixels; where latent positions are asked for, a multiple of `BLOCK`.
    """

    width: int
    height: int
    tile: int = TILE

    @property
    def rows(self) -> int:
        return -(-self.height // self.tile)

    @property
    def columns(self) -> int:
        return -(-self.width // self.tile)

    @property
    def count(self) -> int:
        return self.rows * self.columns

    @property
    def latent_height(self) -> int:
        return -(-self.height // BLOCK)

    @property
    def latent_width(self) -> int:
        return -(-self.width // BLOCK)

    @property
    def box(self) -> Box:
        """The whole picture, in pixels."""
        return Box(0, 0, self.height, self.width)

    def tile_box(self, index: int) -> Box:
        """A tile in pixels; those at the right and bottom edges are smaller."""
        row, column = divmod(index, self.columns)
        return Box(row * self.tile, column * self.tile, self.tile, self.tile).shared(self.box)

    def latent_box(self, index: int) -> Box:
        """A tile in latent positions."""
        return blocks_of(self.tile_box(index))


def blocks_of(box: Box) -> Box:
    """The latent positions whose blocks cover a box in pixels."""
    top, left = box.top // BLOCK, box.left // BLOCK
    return Box(top, left, -(-box.bottom // BLOCK) - top, -(-box.right // BLOCK) - left)


def mirrored(index: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Where an axis of `size` samples, continued by mirroring at both ends, has what stands at any index.

    The sample at the edge is repeated: -1 is 0, and `size` is size - 1.
    """
    period = np.mod(index, 2 * size)
    return np.asarray(np.minimum(period, 2 * size - 1 - period))


def is_reversed(index: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.bool_]:
    """Whether :func:`mirrored` shows an index back to front: there, odd functions change their sign."""
    return np.asarray(np.mod(index, 2 * size) >= size)
