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

from isthmus.bench.blur import Plane, blur, halve
from isthmus.bench.latest import Latest
from isthmus.bench.ssimulacra2_weights import WEIGHTS
from isthmus.model.engine import limit_threads

MIN_SIDE = 8
_SCALES = 6
_CONTRAST_FLOOR = np.float32(0.0009)
_BIAS = np.float32(0.0037930732552754493)
_BIAS_ROOT = np.cbrt(_BIAS)
_OPSIN: Plane = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ],
    np.float32,
)
_OFFSETS = (np.float32(0.42), np.float32(0.01), np.float32(0.55))


def _linear_levels() -> NDArray[np.float32]:
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
        scales = zip(_KNOWN.of(original), _scales_of(decoded), strict=True)
        errors = [[_errors(*pair) for pair in zip(known, planes, strict=True)] for known, planes in scales]
    # (3, scales, 2, 3); of a picture too small for all six scales, libjxl takes the first weights, and so do others.
    each = np.stack(errors, axis=1).ravel()
    error = 0.9562382616834844 * float(np.dot(WEIGHTS[: each.size], each))
    error = 2.326765642916932 * error - 0.020884521182843837 * error**2 + 6.248496625763138e-05 * error**3
    return 100.0 - 10.0 * math.pow(max(error, 0.0), 0.6276336467831387)


@dataclass(frozen=True)
class _Known:
    """A plane of an original in XYB at one scale, all `(H, W) float32`: itself, blurred, its variance, its edges."""

    plane: Plane
    mean: Plane
    variance: Plane
    edges: Plane


def _known_of(picture: NDArray[np.uint8]) -> list[list[_Known]]:
    """At every scale, of each plane."""
    return [[_known_plane(plane) for plane in planes] for planes in _scales_of(picture)]


def _known_plane(plane: Plane) -> _Known:
    mean = blur(plane)
    return _Known(plane, mean, blur(plane * plane) - mean * mean, 1 + np.abs(plane - mean))


_KNOWN = Latest(_known_of)


def _scales_of(picture: NDArray[np.uint8]) -> Iterator[list[Plane]]:
    """The three planes of a picture in XYB made positive, at every scale: (H, W) float32, halved each time."""
    linear = [_LINEAR[picture[..., channel]] for channel in range(3)]
    for scale in range(_SCALES):
        if scale:
            linear = [_halve(plane) for plane in linear]
        if min(linear[0].shape) < MIN_SIDE:
            return
        yield _xyb(linear)


def _xyb(linear: list[Plane]) -> list[Plane]:
    first, second, third = (_response(linear, weights) for weights in _OPSIN)
    y = first + second
    y /= 2
    x = first - second
    x *= 14 / 2
    third -= y
    planes = [x, y, third]
    for plane, offset in zip(planes, _OFFSETS, strict=True):
        plane += offset
    return planes


def _response(linear: list[Plane], weights: NDArray[np.float32]) -> Plane:
    """Of one kind of cones."""
    mixed: Plane = weights[0] * linear[0]
    mixed += weights[1] * linear[1]
    mixed += weights[2] * linear[2]
    mixed += _BIAS
    np.cbrt(mixed, out=mixed)
    mixed -= _BIAS_ROOT
    return mixed


def _halve(plane: Plane) -> Plane:
    # The last line of an odd side stands alone: repeated, its mean is its own.
    return halve(np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge"))


def _errors(a: _Known, plane: Plane) -> NDArray[np.float64]:
    """The errors of one plane, (2, 3): by norm the structural error, edges that appeared, and edges that were lost."""
    difference = plane - a.plane
    shift = blur(difference)
    mean = a.mean + shift
    # 1 - (1 - (m1 - m2)²)(2 cov + C) / (v1 + v2 + C), with v1 + v2 - 2 cov as the variance of the difference.
    variances = blur(plane * plane)
    variances -= mean * mean
    variances += a.variance
    variances += _CONTRAST_FLOOR
    shift *= shift
    difference *= difference
    unlike = blur(difference)
    unlike -= shift
    unlike /= variances
    shift *= 1 - unlike
    unlike += shift
    edges = np.abs(plane - mean)
    edges += 1
    edges /= a.edges
    edges -= 1
    kinds = (np.maximum(unlike, 0), np.maximum(edges, 0), np.maximum(-edges, 0))
    return np.stack([_norms(kind) for kind in kinds], axis=-1)


def _norms(error: Plane) -> NDArray[np.float64]:
    """The 1-norm and the 4-norm: (2,)."""
    one = error.mean(dtype=np.float64)
    error *= error
    error *= error
    return np.array([one, error.mean(dtype=np.float64) ** 0.25])
