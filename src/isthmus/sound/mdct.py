"""The lapped transform of sound: frames of one length, each split into equal blocks, and what their borders share.

It is the MDCT (Princen and Bradley, 1986) in two steps: at every border between two blocks the samples on either side
are rotated into each other, then every block has a DCT-IV. Both steps are orthonormal, so their inverses undo them
in the opposite order. A border's slope is as wide as the shorter of its two blocks, as in Vorbis, and any
sequence of splits is allowed: there are no windows that start or stop.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Splits = npt.NDArray[np.uint8]
"""(frames,): a frame is split into 1 << split blocks."""
MAX_SPLIT = 3
"""Of a frame: into eight blocks."""


@lru_cache(maxsize=16)
def _twiddles(length: int) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128]]:
    n = np.arange(length // 2)
    turn = np.exp(-1j * np.pi * (n + 0.125) / length)
    return turn, turn * np.sqrt(2.0 / length)


def dct4(x: Float64) -> Float64:
    """(..., n) -> (..., n): the orthonormal DCT-IV, its own inverse; n is even."""
    length = x.shape[-1]
    before, after = _twiddles(length)
    z = (x[..., 0::2] + 1j * x[..., ::-1][..., 0::2]) * before
    y = np.fft.fft(z, axis=-1) * after
    out = np.empty_like(x)
    out[..., 0::2] = y.real
    out[..., ::-1][..., 0::2] = -y.imag
    return out


@lru_cache(maxsize=16)
def _slope(width: int) -> tuple[Float64, Float64]:
    """Cosines and sines of the rotation, from the border outwards: those of the sine window."""
    angle = np.pi / 4 + np.pi / 2 * (np.arange(width // 2) + 0.5) / width
    return np.sin(angle), np.cos(angle)


def rotate(left: Float64, right: Float64, width: int, inverse: bool = False) -> None:
    """Rotates the samples around borders into each other, in place.

    Args:
        left, right: (..., n), n at least half the width: what ends and what begins at a border.
        width: of the slope.
    """
    half = width // 2
    cosine, sine = _slope(width)
    a, b = left[..., ::-1][..., :half], right[..., :half]
    if inverse:
        sine = -sine
    turned = cosine * a - sine * b
    b[...] = cosine * b + sine * a
    a[...] = turned


def border_width(frame: int, left: int, right: int) -> int:
    """Width of the slope between frames of so many samples with these splits."""
    return frame >> max(left, right)


def _turn_borders(frames: Float64, splits: Splits, inverse: bool) -> None:
    """Rotates at all borders inside of frames (F, n, ...), and at those between them, in place."""
    length = frames.shape[1]
    for split in range(1, MAX_SPLIT + 1):
        which = np.flatnonzero(splits == split)
        if len(which):
            blocks = frames[which].reshape(len(which), 1 << split, length >> split)
            # Slopes of neighbouring borders touch and do not overlap: all can be turned at once.
            rotate(blocks[:, :-1], blocks[:, 1:], length >> split, inverse)
            frames[which] = blocks.reshape(len(which), length)
    between = np.maximum(splits[:-1], splits[1:])
    for split in range(MAX_SPLIT + 1):
        which = np.flatnonzero(between == split)
        if len(which):
            half = length >> split >> 1
            left, right = frames[which, length - half :], frames[which + 1, :half]
            rotate(left, right, length >> split, inverse)
            frames[which, length - half :], frames[which + 1, :half] = left, right


def _each_block(frames: Float64, splits: Splits, forward: bool) -> Float64:
    """The DCT-IV of every block; coefficients of the blocks of a frame lie interleaved, by frequency, then by time."""
    length = frames.shape[1]
    out = np.empty_like(frames)
    for split in range(MAX_SPLIT + 1):
        which = np.flatnonzero(splits == split)
        if not len(which):
            continue
        if forward:
            blocks = dct4(frames[which].reshape(len(which), 1 << split, length >> split))
            out[which] = blocks.transpose(0, 2, 1).reshape(len(which), length)
        else:
            blocks = frames[which].reshape(len(which), length >> split, 1 << split).transpose(0, 2, 1)
            out[which] = dct4(np.ascontiguousarray(blocks)).reshape(len(which), length)
    return out


def analyse(samples: Float64, splits: Splits) -> Float64:
    """(frames, n): the coefficients of samples (frames * n,); nothing is shared across the two ends."""
    frames = samples.reshape(len(splits), -1).copy()
    _turn_borders(frames, splits, inverse=False)
    return _each_block(frames, splits, forward=True)


def synthesise(coefficients: Float64, splits: Splits) -> Float64:
    """(frames * n,): the inverse of `analyse`."""
    frames = _each_block(coefficients, splits, forward=False)
    _turn_borders(frames, splits, inverse=True)
    return np.asarray(frames.reshape(-1))
