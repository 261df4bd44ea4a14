"""SSIMULACRA2 written a second time, from its description, to check the one that the bench uses.

Colour is done with matrix products, the blur as an explicit convolution with zeros outside the
picture. Only the 108 tuned weights are those of the package ssimulacra2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve
from ssimulacra2.ssimulacra2 import weights as WEIGHTS

OPSIN = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.55180986650955360],
    ]
)
BIAS = 0.0037930732552754493
CONTRAST_FLOOR = 0.0009
TAPS = np.arange(-5, 6)
KERNEL = np.exp(-(TAPS**2) / (2 * 1.5**2))
KERNEL /= KERNEL.sum()

Array = NDArray[np.float64]


def reference_ssimulacra2(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    linear = [_linear(picture) for picture in (original, decoded)]
    maps = np.zeros((3, 6, 2, 3))  # component, scale, norm, kind of error
    for scale in range(6):
        a, b = (_xyb(picture) for picture in linear)
        maps[:, scale] = _norms(a, b)
        linear = [_halve(picture) for picture in linear]
    error = float(np.sum(np.asarray(WEIGHTS).reshape(3, 6, 2, 3) * maps)) * 0.9562382616834844
    cubic = 2.326765642916932 * error - 0.020884521182843837 * error**2 + 6.248496625763138e-05 * error**3
    return 100.0 if cubic <= 0 else 100 - 10 * cubic**0.6276336467831387


def _linear(picture: NDArray[np.uint8]) -> Array:
    level = picture / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _xyb(linear: Array) -> Array:
    long, medium, short = np.moveaxis(np.cbrt(linear @ OPSIN.T + BIAS) - np.cbrt(BIAS), -1, 0)
    x, y = (long - medium) / 2, (long + medium) / 2
    return np.stack([14 * x + 0.42, y + 0.01, short - y + 0.55])


def _blur(planes: Array) -> Array:
    for axis in (1, 2):
        shape = [1, 1, 1]
        shape[axis] = KERNEL.size
        planes = oaconvolve(planes, KERNEL.reshape(shape), mode="same", axes=axis)
    return planes


def _norms(a: Array, b: Array) -> Array:
    mean_a, mean_b = _blur(a), _blur(b)
    variances = _blur(a * a) - mean_a**2 + _blur(b * b) - mean_b**2 + CONTRAST_FLOOR
    structure = 2 * (_blur(a * b) - mean_a * mean_b) + CONTRAST_FLOOR
    ssim = np.maximum(1 - (1 - (mean_a - mean_b) ** 2) * structure / variances, 0)
    edges = (1 + np.abs(b - mean_b)) / (1 + np.abs(a - mean_a)) - 1
    errors = np.stack([ssim, np.maximum(edges, 0), np.maximum(-edges, 0)])  # kind, component, row, column
    first, fourth = errors.mean(axis=(2, 3)), (errors**4).mean(axis=(2, 3)) ** 0.25
    return np.stack([first, fourth]).transpose(2, 0, 1)


def _halve(linear: Array) -> Array:
    padded = np.pad(linear, [(0, linear.shape[0] % 2), (0, linear.shape[1] % 2), (0, 0)], mode="edge")
    height, width = padded.shape[0] // 2, padded.shape[1] // 2
    return padded.reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
