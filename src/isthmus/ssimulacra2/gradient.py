"""The derivative of the score by the samples of a decoded picture, written by hand: reverse through score and planes.

A blur with zeros beyond the edges is its own adjoint, which is why three blurs forwards and three backwards are most of
the work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isthmus.ssimulacra2.blur import Plane, blur
from isthmus.ssimulacra2.planes import (
    LINEAR,
    OPSIN,
    X_SCALE,
    Known,
    Original,
    linear_scales,
    responses,
    weights_of,
    xyb,
)
from isthmus.ssimulacra2.score import CUBIC, EXPONENT, SCALE, Beside

LEAST = 1.0
"""Of the cubic of errors, which stands for a score of 90: below, the score's slope is taken as it is there, for it has
no end where pictures are equal."""
_SLOPES = np.gradient(LINEAR).astype(np.float32)
"""(256,): of linear light by level."""
_TINY = 1e-20


def score_gradient(original: Original, decoded: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) float32: by how many points the score rises with each sample, a level more.

    Args:
        original: what `known_of` says of it.
        decoded: (H, W, 3) uint8.
    """
    weights = weights_of(len(original))
    error = 0.0
    by_scale: list[list[Plane]] = []
    for of_scale, known, linear in zip(weights.swapaxes(0, 1), original, linear_scales(decoded), strict=True):
        cones = responses(linear)
        slopes: list[Plane] = [np.reciprocal(3 * cone * cone) for cone in cones]
        of_planes: list[Plane | None] = []
        for own, values, one in zip(of_scale, xyb(cones), known, strict=True):
            if one is None:
                of_planes.append(None)
                continue
            found, gradient = _plane_gradient(one, values, own)
            error += found
            of_planes.append(gradient)
        by_scale.append(_to_linear(of_planes, slopes))
    total = _through_scales(by_scale)
    factor = np.float32(_slope(SCALE * error) * SCALE)
    out = np.empty(decoded.shape, np.float32)
    for channel in range(3):
        np.multiply(total[channel], _SLOPES[decoded[..., channel]], out=out[..., channel])
    out *= factor
    return out


def _slope(error: float) -> float:
    """Of the score by the weighted sum of errors."""
    cubic = max(sum(factor * error**power for power, factor in enumerate(CUBIC)), LEAST)
    inner = sum(power * factor * error ** (power - 1) for power, factor in enumerate(CUBIC) if power)
    return float(-10.0 * EXPONENT * cubic ** (EXPONENT - 1) * inner)


def _plane_gradient(a: Known, plane: Plane, weights: NDArray[np.float64]) -> tuple[float, Plane]:
    """The weighted errors of one plane, and their derivative (H, W) by its samples; weights (2, KINDS)."""
    now = Beside.of(a, plane)
    pairs = [_norms_gradient(error, own) for error, own in zip(now.errors(), weights.T, strict=True)]
    by_unlike, by_appeared, by_lost = (gradient for _, gradient in pairs)

    # By the ratio, and from there by the blurred square of the difference.
    by_square = by_unlike * (1 - now.shift * now.shift)
    by_square /= now.variances
    by_variance = by_square * now.ratio
    by_variance *= -1
    # By the mean shift: of its own, through the ratio, and through the variance, which is less the mean's square.
    by_shift = by_unlike * (1 - now.ratio)
    by_shift -= by_square
    by_shift *= now.shift
    by_shift -= by_variance * now.mean
    by_shift *= 2

    by_appeared -= by_lost
    by_appeared *= np.sign(now.own)
    by_appeared /= a.edges
    by_shift -= by_appeared

    gradient = blur(by_shift)
    gradient += by_appeared
    by_powers = now.difference * blur(by_square)
    by_powers += plane * blur(by_variance)
    by_powers *= 2
    gradient += by_powers
    return sum(error for error, _ in pairs), gradient


def _norms_gradient(error: Plane, weights: NDArray[np.float64]) -> tuple[float, Plane]:
    """The weighted sum of the 1-norm and the 4-norm of errors of at least 0, and its derivative by them, 0 where they
    are."""
    one = float(error.mean(dtype=np.float64))
    cubes = error * error
    cubes *= error
    fourth = float(np.vdot(cubes, error)) / error.size
    four = fourth**0.25
    total = float(weights[0] * one + weights[1] * four)
    if fourth > _TINY:
        cubes *= np.float32(weights[1] * four / fourth / error.size)
    else:
        cubes[:] = 0
    cubes += np.where(error > 0, np.float32(weights[0] / error.size), np.float32(0))
    return total, cubes


def _to_linear(of_planes: list[Plane | None], slopes: list[Plane]) -> list[Plane]:
    """Derivatives by XYB, None for 0, -> by the three planes of linear light; slopes of the responses."""
    by_x, by_y, by_b = (np.zeros_like(slopes[0]) if one is None else one for one in of_planes)
    by_y = np.float32(0.5) * (by_y - by_b)
    by_x = np.float32(X_SCALE / 2) * by_x
    cones = [(by_y + by_x) * slopes[0], (by_y - by_x) * slopes[1], by_b * slopes[2]]
    return [
        sum(
            (mixed * cone for mixed, cone in zip(OPSIN[1:, channel], cones[1:], strict=True)),
            OPSIN[0, channel] * cones[0],
        )
        for channel in range(3)
    ]


def _through_scales(by_scale: list[list[Plane]]) -> list[Plane]:
    """Derivatives by linear light at every scale -> by that of the largest, of which the others are means."""
    total = by_scale[-1]
    for larger in reversed(by_scale[:-1]):
        for plane, half in zip(larger, total, strict=True):
            height, width = plane.shape
            half /= 4
            spread = half.repeat(2, 0).repeat(2, 1)
            plane += spread[:height, :width]
            # The last line of an odd side stands for two.
            if height % 2:
                plane[-1] += spread[height, :width]
            if width % 2:
                plane[:, -1] += spread[:height, width]
            if height % 2 and width % 2:
                plane[-1, -1] += spread[height, width]
        total = larger
    return total
