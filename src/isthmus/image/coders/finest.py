"""Where a picture is little but its finest detail: a checkerboard of single pixels, which no latent brings back.

The finest diagonal frequencies have no latents. What the latents that there are catch of them is only what leaks over
from beyond the cut-off; it costs bytes and decodes to a pattern that was never there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.image.coders.protocol import UInt8
from isthmus.image.grid import BLOCK

SHARE = 0.75
"""Of a window's energy, in the diagonals between neighbouring pixels. White noise has 0.25."""
LOOK = 0.5
"""The same in a few rows, from which on the whole window is looked at."""
_HALF = BLOCK // 2
_WINDOW = 2 * BLOCK


def without_finest(pixels: UInt8) -> UInt8:
    """Pixels (H, W, 3) without the finest frequencies across and down, all else a little softer."""
    x = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.uint16)
    x = x[:-2] + 2 * x[1:-1] + x[2:]
    x = x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]
    return np.asarray((x + 8) >> 4, np.uint8)


def is_lost(pixels: UInt8) -> npt.NDArray[np.bool_]:
    """(h, w): whether the window of a position, of pixels (16h + 16, 16w + 16, 3), is little but finest detail."""
    height, width = pixels.shape[0] // BLOCK - 1, pixels.shape[1] // BLOCK - 1
    if not _may_be_lost(pixels):
        return np.zeros((height, width), bool)
    total = np.zeros((height, width))
    finest = np.zeros((height, width))
    for colour in range(3):
        x = pixels[:, :, colour].astype(np.int32)
        mean = _window_sums(x) / _WINDOW**2
        total += _window_sums(x * x) - mean * mean * _WINDOW**2
        diagonal = np.zeros_like(x)
        diagonal[:-1, :-1] = x[:-1, :-1] - x[:-1, 1:] - x[1:, :-1] + x[1:, 1:]
        # Those between half blocks are left out: at a window's edge they would look beyond it.
        diagonal[_HALF - 1 :: _HALF] = diagonal[:, _HALF - 1 :: _HALF] = 0
        finest += _window_sums(diagonal * diagonal) / 16 * (_HALF / (_HALF - 1)) ** 2
    return finest > SHARE * np.maximum(total, 1)


def _may_be_lost(pixels: UInt8) -> bool:
    """Whether a window may be lost, by two rows of every sixteen, which is quick: hardly any photograph has one.

    A window that is lost but for those rows is passed over, and costs the bytes that it would have cost anyway.
    """
    upper, lower = pixels[::BLOCK].astype(np.float32), pixels[1::BLOCK].astype(np.float32)
    rows, width, _ = upper.shape
    diagonal = np.zeros_like(upper)
    diagonal[:, :-1] = upper[:, :-1] - upper[:, 1:] - lower[:, :-1] + lower[:, 1:]
    diagonal[:, _HALF - 1 :: _HALF] = 0
    halves = (rows, width // _HALF, -1)
    finest = (diagonal * diagonal).reshape(halves).sum(2) / 8 * _HALF / (_HALF - 1)
    # Variances of half blocks: at most what the same rows have around the window's mean.
    total = (
        2
        * _HALF
        * sum(
            np.concatenate([upper[:, :, c], lower[:, :, c]], 1)
            .reshape(rows, 2, -1, _HALF)
            .transpose(0, 2, 1, 3)
            .reshape(*halves)
            .var(2)
            for c in range(3)
        )
    )
    return bool((_wide(finest) > LOOK * np.maximum(_wide(np.asarray(total)), 1)).any())


def _wide(halves: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sums over what a window has of rows of half blocks: four of each of two rows."""
    across = np.lib.stride_tricks.sliding_window_view(halves, 4, axis=1).sum(2)
    return np.asarray(across[:-1] + across[1:])


def _window_sums(x: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """(h, w): sums over the 32x32 window of each position, of x (16h + 16, 16w + 16)."""
    height, width = x.shape[0] // _HALF, x.shape[1] // _HALF
    halves = x.reshape(height, _HALF, width, _HALF).sum((1, 3), dtype=np.int64)
    sums = sum(halves[i : height - 3 + i, j : width - 3 + j] for i in range(4) for j in range(4))
    return np.asarray(sums)[::2, ::2]
