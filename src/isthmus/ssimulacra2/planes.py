"""Pictures as SSIMULACRA2 sees them: in XYB made positive, at six scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.ssimulacra2.blur import Plane, blur, halve
from isthmus.ssimulacra2.weights import WEIGHTS

MIN_SIDE = 8
SCALES = 6
BIAS = np.float32(0.0037930732552754493)
BIAS_ROOT = np.cbrt(BIAS)
OPSIN: Plane = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ],
    np.float32,
)
X_SCALE = 14
OFFSETS = (np.float32(0.42), np.float32(0.01), np.float32(0.55))


def _linear_levels() -> NDArray[np.float32]:
    """Linear light of each 8-bit level of sRGB: (256,)."""
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


LINEAR = _linear_levels()


@dataclass(frozen=True)
class Known:
    """A plane of an original in XYB at one scale, all `(H, W) float32`: itself, blurred, its variance, its edges."""

    plane: Plane
    mean: Plane
    variance: Plane
    edges: Plane


Original = list[list[Known | None]]
"""At every scale, of each plane; None where its errors are not looked at."""


def known_of(picture: NDArray[np.uint8], least: float = 0.0) -> Original:
    """What is looked at of an original (H, W, 3) uint8.

    Args:
        least: a plane at a scale is left out if none of its weights is above this. Half of them weigh next to nothing,
            among them two of the three largest planes.
    """
    scales = list(scales_of(picture))
    heaviest = weights_of(len(scales)).max((2, 3))
    return [
        [_known_plane(plane) if heavy > least else None for plane, heavy in zip(planes, column, strict=True)]
        for planes, column in zip(scales, heaviest.T, strict=True)
    ]


def weights_of(count: int) -> NDArray[np.float64]:
    """(3, count, 2, 3): the weights of errors by plane, scale, norm and kind. Of a picture too small for all scales
    libjxl takes the first weights, and so do others."""
    return np.reshape(WEIGHTS[: 18 * count], (3, count, 2, 3))


def _known_plane(plane: Plane) -> Known:
    mean = blur(plane)
    return Known(plane, mean, blur(plane * plane) - mean * mean, 1 + np.abs(plane - mean))


def scales_of(picture: NDArray[np.uint8]) -> Iterator[list[Plane]]:
    """The three planes of a picture (H, W, 3) uint8 in XYB, at every scale: (H, W) float32, halved each time."""
    for linear in linear_scales(picture):
        yield xyb(responses(linear))


def linear_scales(picture: NDArray[np.uint8]) -> Iterator[list[Plane]]:
    """The three planes of a picture (H, W, 3) uint8 in linear light, at every scale."""
    linear = [LINEAR[picture[..., channel]] for channel in range(3)]
    for scale in range(SCALES):
        if scale:
            linear = [_halve(plane) for plane in linear]
        if min(linear[0].shape) < MIN_SIDE:
            return
        yield linear


def responses(linear: list[Plane]) -> list[Plane]:
    """Of the three kinds of cones, to linear light: cube roots."""
    return [_response(linear, weights) for weights in OPSIN]


def xyb(cones: list[Plane]) -> list[Plane]:
    """The planes from responses, less `BIAS_ROOT`, which are used up."""
    first, second, third = cones
    for cone in cones:
        cone -= BIAS_ROOT
    y = first + second
    y /= 2
    x = first - second
    x *= X_SCALE / 2
    third -= y
    planes = [x, y, third]
    for plane, offset in zip(planes, OFFSETS, strict=True):
        plane += offset
    return planes


def _response(linear: list[Plane], weights: NDArray[np.float32]) -> Plane:
    mixed: Plane = weights[0] * linear[0]
    mixed += weights[1] * linear[1]
    mixed += weights[2] * linear[2]
    mixed += BIAS
    np.cbrt(mixed, out=mixed)
    return mixed


def _halve(plane: Plane) -> Plane:
    # The last line of an odd side stands alone: repeated, its mean is its own.
    return halve(np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge"))
