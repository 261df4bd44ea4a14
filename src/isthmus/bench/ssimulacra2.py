"""SSIMULACRA2 2.1 in float32, with the edges of libjxl.

The package of that name takes some five times as long, loads SciPy, and mirrors two of the four edges where libjxl,
whose scores others quote, takes zeros on all four: 0.5 to 1 point at usual qualities. The structural error is written
through the variance of the difference, which single precision does not round away where two pictures are nearly equal.

Source: Sneyers, "SSIMULACRA 2", Cloudinary 2022; tools/ssimulacra2.cc of libjxl.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.bench.blur import Planes, blur
from isthmus.bench.latest import Latest
from isthmus.bench.ssimulacra2_weights import WEIGHTS
from isthmus.model.engine import limit_threads

MIN_SIDE = 8
_SCALES = 6
_CONTRAST_FLOOR = np.float32(0.0009)
_BIAS = np.float32(0.0037930732552754493)
_OPSIN: Planes = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ],
    np.float32,
)
_OFFSETS: Planes = np.array([0.42, 0.01, 0.55], np.float32)[:, None, None]


def _linear_levels() -> Planes:
    """Linear light of each 8-bit level of sRGB: (256,)."""
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR = _linear_levels()


def ssimulacra2(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """The score of a decoded picture: 100 is lossless, 90 cannot be told apart, 50 is medium.

    It is nan below 8 pixels a side.

    Args:
        original, decoded: (H, W, 3) uint8 of one shape.
    """
    if min(original.shape[:2]) < MIN_SIDE:
        return math.nan
    if np.array_equal(original, decoded):
        return 100.0

    # The products are too small to share: threads would spend more on waiting for each other than they save.
    with limit_threads(1):
        errors = [_scale(*pair) for pair in zip(_KNOWN.of(original), _scales_of(decoded), strict=True)]
    # (3, scales, 2, 3); of a picture too small for all six scales, libjxl takes the first weights, and so do others.
    each = np.stack(errors, axis=1).ravel()
    error = 0.9562382616834844 * float(np.dot(WEIGHTS[: each.size], each))
    error = 2.326765642916932 * error - 0.020884521182843837 * error**2 + 6.248496625763138e-05 * error**3
    return 100.0 - 10.0 * math.pow(max(error, 0.0), 0.6276336467831387)


@dataclass(frozen=True)
class _Known:
    """An original in XYB at one scale, all `(3, H, W) float32`: itself, blurred, its variance, its edges."""

    planes: Planes
    mean: Planes
    variance: Planes
    edges: Planes


def _known_of(picture: NDArray[np.uint8]) -> list[_Known]:
    known = []
    for planes in _scales_of(picture):
        mean = blur(planes)
        known.append(_Known(planes, mean, blur(planes * planes) - mean * mean, 1 + np.abs(planes - mean)))
    return known


_KNOWN = Latest(_known_of)


def _scales_of(picture: NDArray[np.uint8]) -> Iterator[Planes]:
    """The planes of a picture in XYB made positive, at every scale: (3, H, W) float32, halved each time."""
    linear = _LINEAR[np.moveaxis(picture, -1, 0)]
    for scale in range(_SCALES):
        if scale:
            linear = _halve(linear)
        if min(linear.shape[1:]) < MIN_SIDE:
            return
        yield _xyb(linear)


def _xyb(linear: Planes) -> Planes:
    mixed = np.cbrt((_OPSIN @ linear.reshape(3, -1)).reshape(linear.shape) + _BIAS) - np.cbrt(_BIAS)
    x, y = (mixed[0] - mixed[1]) / 2, (mixed[0] + mixed[1]) / 2
    planes: Planes = np.stack([14 * x, y, mixed[2] - y]) + _OFFSETS
    return planes


def _halve(planes: Planes) -> Planes:
    # The last line of an odd side stands alone: repeated, its mean is its own.
    planes = np.pad(planes, [(0, 0), *((0, side % 2) for side in planes.shape[1:])], mode="edge")
    rows = planes[:, ::2] + planes[:, 1::2]
    return ((rows[:, :, ::2] + rows[:, :, 1::2]) / 4).astype(np.float32, copy=False)


def _scale(a: _Known, planes: Planes) -> NDArray[np.float64]:
    """The errors of one scale, (3, 2, 3): of each plane by norm the structural error, edges that appeared, and lost."""
    difference = planes - a.planes
    shift = blur(difference)
    mean = a.mean + shift
    variance = blur(planes * planes) - mean * mean
    shift *= shift
    # 1 - (1 - (m1 - m2)²)(2 cov + C) / (v1 + v2 + C), with v1 + v2 - 2 cov as the variance of the difference.
    unlike = (blur(difference * difference) - shift) / (a.variance + variance + _CONTRAST_FLOOR)
    ssim = _norms(np.maximum(unlike + shift * (1 - unlike), 0))
    edges = (1 + np.abs(planes - mean)) / a.edges - 1

    return np.stack([ssim, _norms(np.maximum(edges, 0)), _norms(np.maximum(-edges, 0))], axis=-1)


def _norms(error: Planes) -> NDArray[np.float64]:
    """The 1-norm and the 4-norm of each plane: (3, 2)."""
    squares = error * error
    ones, fours = (planes.mean(axis=(1, 2), dtype=np.float64) for planes in (error, squares * squares))
    return np.stack([ones, fours**0.25], axis=1)
