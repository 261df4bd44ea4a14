"""The lapped transform of pictures: separable, exactly invertible, in NumPy alone; and its smaller inverses.

A window of 32 samples every 16 along each axis, a 3x3 matrix of colours. BLAS takes overlapping windows as views of the
samples, so nothing is copied; strips of a few blocks keep what lies between the two axes in the processor's cache.

Source: Tran, Liang and Tu, "Lapped transform via time-domain pre- and post-filtering", IEEE TSP 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from isthmus.image.grid import BLOCK

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

STRIP = 4
"""Rows of blocks that are worked on at once."""
MIDDLE = 128.0
"""The level that is zero to the transform."""
WORD = np.dtype(np.float32).itemsize


@dataclass(frozen=True, eq=False)
class LappedTransform:
    """A transform of 16x16 blocks by windows of 32x32, and its inverse, or an inverse that makes a smaller picture.

    Attributes:
        forward: (16, 32) float32, the analysis window of each frequency along an axis.
        inverse: (f, 2 * hop) float32, the basis function of each frequency along an axis; f frequencies are used.
        colour: (3, 3) float32, rows that turn RGB to the planes that are transformed.
        channels: (C, 3) int, of each latent channel the colour, the vertical and the horizontal frequency.
    """

    forward: Float32
    inverse: Float32
    colour: Float32
    channels: npt.NDArray[np.int64]

    @property
    def hop(self) -> int:
        """Pixels of the synthesised picture between two positions."""
        return self.inverse.shape[1] // 2

    @property
    def frequencies(self) -> int:
        """Along an axis."""
        return len(self.inverse)

    def reduced(self, scale: int) -> LappedTransform:
        """The transform whose inverse makes the picture at 1/scale, of low frequencies alone: what averaging squares of
        scale x scale pixels would leave of them.

        Args:
            scale: 2, 4, 8 or 16.
        """
        f = BLOCK // scale
        inverse = self.inverse[:f].reshape(f, -1, scale).mean(2)
        kept = (self.channels[:, 1:] < f).all(1)
        return LappedTransform(self.forward, inverse, self.colour, self.channels[kept])

    @cached_property
    def _columns(self) -> int:
        return 3 * self.frequencies

    @cached_property
    def _place(self) -> npt.NDArray[np.intp]:
        """(C,): where each channel stands among (vertical frequency, colour, horizontal frequency)."""
        colour, vertical, horizontal = self.channels.T
        return np.asarray((vertical * 3 + colour) * self.frequencies + horizontal, np.intp)

    @cached_property
    def _across(self) -> Float32:
        """(96, 48): 32 pixels of RGB to 16 horizontal frequencies of each colour."""
        matrix = np.einsum("vj,cd->jdcv", self.forward.astype(np.float64), self.colour.astype(np.float64))
        return np.ascontiguousarray(matrix.reshape(6 * BLOCK, 3 * BLOCK), np.float32)

    @cached_property
    def _back(self) -> Float32:
        """(2 * 3f, 3 * hop): what two neighbouring positions say of the pixels between their centres, in planes."""
        hop = self.hop
        colour = np.linalg.inv(self.colour.astype(np.float64))  # RGB from planes
        # The block after a position is seen by the second half of its window and the first half of the next one's.
        halves = np.stack([self.inverse[:, hop:], self.inverse[:, :hop]]).astype(np.float64)  # (2, f, hop)
        matrix = np.einsum("tvj,dc->tcvdj", halves, colour)
        return np.ascontiguousarray(matrix.reshape(2 * self._columns, 3 * hop), np.float32)

    @cached_property
    def _down(self) -> Float32:
        """(hop, 2f): the same along the vertical axis."""
        hop = self.hop
        return np.ascontiguousarray(np.concatenate([self.inverse[:, hop:].T, self.inverse[:, :hop].T], 1), np.float32)

    def analyse(self, pixels: UInt8) -> Float32:
        """Latents (h, w, C) float32 in grey levels of pixels (16h + 16, 16w + 16, 3) uint8."""
        rows, columns, _ = pixels.shape
        height, width, n = rows // BLOCK - 1, columns // BLOCK - 1, 3 * BLOCK
        out = np.empty((height, width, BLOCK, n), np.float32)
        samples = pixels.reshape(rows, columns * 3)
        kept_across = np.empty((width, BLOCK * (STRIP + 1), n), np.float32)
        for first in range(0, height, STRIP):
            count = min(STRIP, height - first)
            tall = BLOCK * (count + 1)
            strip = samples[BLOCK * first : BLOCK * first + tall] - np.float32(MIDDLE)
            across = kept_across[:, :tall]
            windows = as_strided(strip, (width, tall, 6 * BLOCK), (3 * BLOCK * WORD, columns * 3 * WORD, WORD))
            np.matmul(windows, self._across, out=across)
            step = across.strides[0]
            windows = as_strided(across, (count, width, 2 * BLOCK, n), (BLOCK * n * WORD, step, n * WORD, WORD))
            np.matmul(self.forward, windows, out=out[first : first + count])
        return np.take(out.reshape(height, width, BLOCK * n), self._place, axis=2)

    def synthesise(self, latents: Float32) -> Float32:
        """Planes (3, hop(h-1), hop(w-1)) float32 of RGB around 0: the part whose windows are all there.

        Args:
            latents: (h, w, C) float32 in grey levels.
        """
        height, width, _ = latents.shape
        hop, f, n = self.hop, self.frequencies, self._columns
        # Columns of positions one after the other: the rows of two neighbours then follow each other.
        coefficients = np.zeros((width, height, f * n), np.float32)
        coefficients[:, :, self._place] = latents.transpose(1, 0, 2)
        step = height * f * n * WORD
        windows = as_strided(coefficients, (height - 1, width, 2 * f, n), (f * n * WORD, step, n * WORD, WORD))
        out = np.empty((3, hop * (height - 1), hop * (width - 1)), np.float32)
        kept_down = np.empty((hop * STRIP, width * n), np.float32)
        for first in range(0, height - 1, STRIP):
            count = min(STRIP, height - 1 - first)
            tall = hop * count
            down = kept_down[:tall]
            shape, strides = (count, width, hop, n), (hop * width * n * WORD, n * WORD, width * n * WORD, WORD)
            np.matmul(self._down, windows[first : first + count], out=as_strided(down, shape, strides))
            pairs = as_strided(down, (width - 1, tall, 2 * n), (n * WORD, width * n * WORD, WORD))
            blocks = np.matmul(pairs, self._back).reshape(width - 1, tall, 3, hop)
            rows = out[:, hop * first : hop * first + tall].reshape(3, tall, width - 1, hop)
            rows[...] = blocks.transpose(2, 1, 0, 3)
        return out
