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
        return int(self.inverse.shape[1]) // 2

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
    def _columns(self) -> npt.NDArray[np.int64]:
        """(n, 2): the pairs of colour and horizontal frequency that any channel has."""
        return np.unique(self.channels[:, [0, 2]], axis=0)

    @cached_property
    def _place(self) -> npt.NDArray[np.intp]:
        """(C,): where each channel stands among (vertical frequency, column)."""
        column = {tuple(pair): index for index, pair in enumerate(self._columns.tolist())}
        places = [u * len(column) + column[c, v] for c, u, v in self.channels.tolist()]
        return np.array(places, np.intp)

    @cached_property
    def _channel(self) -> npt.NDArray[np.intp]:
        """(f * n,): the channel that stands in each place; C, one beyond them, where there is none."""
        channel = np.full(self.frequencies * len(self._columns), len(self.channels), np.intp)
        channel[self._place] = np.arange(len(self.channels))
        return channel

    @cached_property
    def _across(self) -> Float32:
        """(96, n): 32 pixels of RGB to the columns."""
        colour, frequency = self._columns.T
        matrix = self.forward[frequency].T[:, None, :] * self.colour[colour].T[None, :, :]
        return np.ascontiguousarray(matrix.reshape(6 * BLOCK, -1), np.float32)

    @cached_property
    def _back(self) -> Float32:
        """(2n, 3 * hop): what two neighbouring positions say of the pixels between their centres, pixel by pixel."""
        hop = self.hop
        colour, frequency = self._columns.T
        rgb = np.linalg.inv(self.colour.astype(np.float64))[:, colour].T  # (n, 3)
        # The block after a position is seen by the second half of its window and the first half of the next one's.
        halves = np.stack([self.inverse[frequency, hop:], self.inverse[frequency, :hop]])  # (2, n, hop)
        matrix = halves[:, :, :, None] * rgb[None, :, None, :]
        return np.ascontiguousarray(matrix.reshape(-1, 3 * hop), np.float32)

    @cached_property
    def _down(self) -> Float32:
        """(hop, 2f): the same along the vertical axis."""
        hop = self.hop
        return np.ascontiguousarray(np.concatenate([self.inverse[:, hop:].T, self.inverse[:, :hop].T], 1), np.float32)

    @cached_property
    def adjoint(self) -> LappedTransform:
        """The transform whose analysis is the adjoint of this one's synthesis: derivatives by pixels become those by
        latents."""
        inverse = np.linalg.inv(self.colour.astype(np.float64)).T.astype(np.float32)
        return LappedTransform(self.inverse, self.forward, inverse, self.channels)

    def analyse(self, pixels: UInt8 | Float32, middle: float = MIDDLE) -> Float32:
        """Latents (h, w, C) float32 in grey levels of pixels (16h + 16, 16w + 16, 3).

        Args:
            middle: the level that counts as zero.
        """
        rows, columns, _ = pixels.shape
        height, width, n = rows // BLOCK - 1, columns // BLOCK - 1, len(self._columns)
        out = np.empty((height, width, len(self.channels)), np.float32)
        samples = pixels.reshape(rows, columns * 3)
        kept_across = np.empty((width, BLOCK * (STRIP + 1), n), np.float32)
        for first in range(0, height, STRIP):
            count = min(STRIP, height - first)
            tall = BLOCK * (count + 1)
            strip = samples[BLOCK * first : BLOCK * first + tall] - np.float32(middle)
            across = kept_across[:, :tall]
            windows = as_strided(strip, (width, tall, 6 * BLOCK), (3 * BLOCK * WORD, columns * 3 * WORD, WORD))
            np.matmul(windows, self._across, out=across)
            step = across.strides[0]
            windows = as_strided(across, (count, width, 2 * BLOCK, n), (BLOCK * n * WORD, step, n * WORD, WORD))
            coefficients = np.matmul(self.forward, windows).reshape(count, width, BLOCK * n)
            np.take(coefficients, self._place, axis=2, out=out[first : first + count], mode="clip")
        return out

    def synthesise(self, latents: Float32, square: int = 1) -> Float32:
        """RGB (hop(h-1), hop(w-1), 3) float32 around 0: the part whose windows are all there.

        Args:
            latents: (h, w, C) float32 in grey levels.
            square: above 1, squares of so many pixels a side become one position each, (hop(h-1) / square,
                hop(w-1) / square, 3 square**2), their pixels row by row.
        """
        height, width, channels = latents.shape
        hop, f, n = self.hop, self.frequencies, len(self._columns)
        across = hop // square
        out = np.empty((across * (height - 1), width - 1, across, square, 3 * square), np.float32)
        # One channel more, of zeros, for those that there are not. Columns of positions stand one after the other: the
        # rows of a position and of the one below it are then one matrix.
        some = np.zeros((width, STRIP + 1, channels + 1), np.float32)
        coefficients = np.empty((width, STRIP + 1, f * n), np.float32)
        kept_down = np.empty((hop * STRIP, width * n), np.float32)
        shape, strides = (STRIP, width, 2 * f, n), (f * n * WORD, (STRIP + 1) * f * n * WORD, n * WORD, WORD)
        windows = as_strided(coefficients, shape, strides)
        for first in range(0, height - 1, STRIP):
            count = min(STRIP, height - 1 - first)
            tall = hop * count
            some[:, : count + 1, :channels] = latents[first : first + count + 1].transpose(1, 0, 2)
            np.take(some, self._channel, axis=2, out=coefficients, mode="clip")
            down = kept_down[:tall]
            shape, strides = (count, width, hop, n), (hop * width * n * WORD, n * WORD, width * n * WORD, WORD)
            np.matmul(self._down, windows[:count], out=as_strided(down, shape, strides))
            pairs = as_strided(down, (width - 1, tall, 2 * n), (n * WORD, width * n * WORD, WORD))
            blocks = np.matmul(pairs, self._back).reshape(width - 1, tall // square, square, across, 3 * square)
            out[across * first : across * (first + count)] = blocks.transpose(1, 0, 3, 2, 4)
        return out.reshape(across * (height - 1), across * (width - 1), 3 * square**2)
