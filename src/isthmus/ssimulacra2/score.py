"""The score of a decoded picture, from the errors of its planes.

The structural error is written through the variance of the difference, which single precision does not round away where
two pictures are nearly equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.ssimulacra2.blur import Plane, blur
from isthmus.ssimulacra2.planes import Known, Original, scales_of, weights_of

CONTRAST_FLOOR = np.float32(0.0009)
KINDS = 3
"""Of errors: the structural one, edges that appeared, and edges that were lost."""
SCALE = 0.9562382616834844
CUBIC = (0.0, 2.326765642916932, -0.020884521182843837, 6.248496625763138e-05)
EXPONENT = 0.6276336467831387


def score(original: Original, decoded: NDArray[np.uint8]) -> float:
    """100 is lossless, 90 cannot be told apart, 50 is medium.

    Args:
        original: what `known_of` says of it.
        decoded: (H, W, 3) uint8.
    """
    scales = zip(original, scales_of(decoded), strict=True)
    errors = [[_errors(*pair) for pair in zip(known, planes, strict=True)] for known, planes in scales]
    each = np.stack(errors, axis=1)
    return score_of(SCALE * float(np.vdot(weights_of(each.shape[1]), each)))


def score_of(error: float) -> float:
    """The score that the weighted sum of errors stands for."""
    cubic = sum(factor * error**power for power, factor in enumerate(CUBIC))
    return 100.0 - 10.0 * math.pow(max(cubic, 0.0), EXPONENT)


def _errors(a: Known | None, plane: Plane) -> NDArray[np.float64]:
    """The errors of one plane, (2, 3): by norm, of each kind; 0 if it is not looked at."""
    if a is None:
        return np.zeros((2, KINDS))
    return np.stack([_norms(kind) for kind in Beside.of(a, plane).errors()], axis=-1)


@dataclass(frozen=True)
class Beside:
    """A plane of a decoded picture beside the original's, all `(H, W) float32`.

    Attributes:
        difference: decoded less original.
        shift: that, blurred: how far the local mean moved.
        own: decoded less its local mean.
        mean: the decoded plane, blurred.
        variances: of both planes, with the floor.
        ratio: the variance of the difference over them.
        edges: how much stronger edges are than they were, as a part.
    """

    difference: Plane
    shift: Plane
    own: Plane
    mean: Plane
    variances: Plane
    ratio: Plane
    edges: Plane

    @staticmethod
    def of(a: Known, plane: Plane) -> Beside:
        difference = plane - a.plane
        shift = blur(difference)
        mean = a.mean + shift
        variances = blur(plane * plane)
        variances -= mean * mean
        variances += a.variance
        variances += CONTRAST_FLOOR
        ratio = blur(difference * difference)
        ratio -= shift * shift
        ratio /= variances
        own = plane - mean
        edges = np.abs(own)
        edges += 1
        edges /= a.edges
        edges -= 1
        return Beside(difference, shift, own, mean, variances, ratio, edges)

    def errors(self) -> tuple[Plane, Plane, Plane]:
        """Of each kind, all at least 0."""
        # 1 - (1 - (m1 - m2)²)(2 cov + C) / (v1 + v2 + C), with v1 + v2 - 2 cov as the variance of the difference.
        unlike = self.shift * self.shift
        unlike *= 1 - self.ratio
        unlike += self.ratio
        return np.maximum(unlike, 0), np.maximum(self.edges, 0), np.maximum(-self.edges, 0)


def _norms(error: Plane) -> NDArray[np.float64]:
    """The 1-norm and the 4-norm: (2,)."""
    one = error.mean(dtype=np.float64)
    error *= error
    error *= error
    return np.array([one, error.mean(dtype=np.float64) ** 0.25])
