"""The pixels that a box of latent positions sees, beyond the picture's edges too, where a mirror stands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.image.box import Box
from isthmus.image.coders.protocol import PixelSource, UInt8
from isthmus.image.grid import BLOCK, mirrored


def pixels_of(source: PixelSource, box: Box) -> UInt8:
    """What the analysis of a box of (h, w) latent positions sees: (16h + 16, 16w + 16, 3) uint8."""
    rows = _pixel_axis(box.top, box.bottom, source.height)
    columns = _pixel_axis(box.left, box.right, source.width)
    top, left = int(rows.min()), int(columns.min())
    window = source(top, left, int(rows.max()) + 1 - top, int(columns.max()) + 1 - left)
    return window[rows - top][:, columns - left]


def _pixel_axis(begin: int, end: int, size: int) -> npt.NDArray[np.int64]:
    """Rows (or columns) of a picture that the analysis of latent positions begin..end sees, half a block around them.

    The picture is filled up to whole blocks by mirroring, then mirrored there again.
    """
    whole = -(-size // BLOCK) * BLOCK
    margin = BLOCK // 2
    return mirrored(mirrored(np.arange(begin * BLOCK - margin, end * BLOCK + margin), whole), size)
