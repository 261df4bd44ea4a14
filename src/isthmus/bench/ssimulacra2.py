"""SSIMULACRA2 2.1 in float32, with the edges of libjxl; the tuned weights and the last formula are the package's.

The package itself takes some five times as long, and mirrors two of the four edges where libjxl, whose scores others
quote, takes zeros on all four: 0.5 to 1 point at usual qualities. The structural error is written through the variance
of the difference, which single precision does not round away where two pictures are nearly equal.

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
from isthmus.model.engine import limit_threads

MIN_SIDE = 8
_OFFSETS: Planes = np.array([0.42, 0.01, 0.55], np.float32)[:, None, None]


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

    from ssimulacra2 import ssimulacra2 as package

    total = package.Msssim()
    # The products are too small to share: threads would spend more on waiting for each other than they save.
    with limit_threads(1):
        total.scales += [_scale(*pair) for pair in zip(_KNOWN.of(original), _scales_of(decoded), strict=True)]
    return float(total.score())


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
    from ssimulacra2 import ssimulacra2 as package

    linear = package.srgb_to_linear(np.arange(256)).astype(np.float32)[np.moveaxis(picture, -1, 0)]
    for scale in range(package.kNumScales):
        if scale:
            linear = _halve(linear)
        if min(linear.shape[1:]) < MIN_SIDE:
            return
        yield _xyb(linear)


def _xyb(linear: Planes) -> Planes:
    from ssimulacra2 import ssimulacra2 as package

    matrix = package.kOpsinAbsorbanceMatrix.reshape(3, 3).astype(np.float32)
    bias = np.float32(package.kB0)
    mixed = np.cbrt((matrix @ linear.reshape(3, -1)).reshape(linear.shape) + bias) - np.cbrt(bias)
    x, y = (mixed[0] - mixed[1]) / 2, (mixed[0] + mixed[1]) / 2
    planes: Planes = np.stack([14 * x, y, mixed[2] - y]) + _OFFSETS
    return planes


def _halve(planes: Planes) -> Planes:
    # The last line of an odd side stands alone: repeated, its mean is its own.
    planes = np.pad(planes, [(0, 0), *((0, side % 2) for side in planes.shape[1:])], mode="edge")
    rows = planes[:, ::2] + planes[:, 1::2]
    return ((rows[:, :, ::2] + rows[:, :, 1::2]) / 4).astype(np.float32, copy=False)


def _scale(a: _Known, planes: Planes) -> object:
    """The means and norms of one scale, as the package adds them up."""
    from ssimulacra2 import ssimulacra2 as package

    difference = planes - a.planes
    shift = blur(difference)
    mean = a.mean + shift
    variance = blur(planes * planes) - mean * mean
    shift *= shift
    # 1 - (1 - (m1 - m2)²)(2 cov + C) / (v1 + v2 + C), with v1 + v2 - 2 cov as the variance of the difference.
    unlike = (blur(difference * difference) - shift) / (a.variance + variance + np.float32(package.kC2))
    ssim = _norms(np.maximum(unlike + shift * (1 - unlike), 0))
    edges = (1 + np.abs(planes - mean)) / a.edges - 1

    scale = package.MsssimScale()
    scale.avg_ssim = ssim.reshape(-1)
    # In the package's order: of each plane the edges that appeared, then those that were lost.
    scale.avg_edgediff = np.stack([_norms(np.maximum(edges, 0)), _norms(np.maximum(-edges, 0))], axis=1).reshape(-1)
    return scale


def _norms(error: Planes) -> NDArray[np.float64]:
    """The 1-norm and the 4-norm of each plane: (3, 2)."""
    squares = error * error
    ones, fours = (planes.mean(axis=(1, 2), dtype=np.float64) for planes in (error, squares * squares))
    return np.stack([ones, fours**0.25], axis=1)
