"""How far a decoded picture is from its original: MSE, PSNR, MS-SSIM and SSIMULACRA2.

Every function takes two `(H, W, 3) uint8` sRGB pictures of equal shape and returns one float. MSE and
PSNR come from `likeness`, SSIMULACRA2 from a library; MS-SSIM is written out here because the libraries without
PyTorch take their half-size grids elsewhere (up to 0.006 away from the figures that papers quote).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from isthmus import likeness

Picture = NDArray[np.uint8]
Plane = NDArray[np.floating[Any]]
T = TypeVar("T")

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_MIN_SIDE = 161  # five scales of an 11-tap window: (11 - 1) * 2**4 + 1
SSIMULACRA2_MIN_SIDE = 8
KEPT_SAMPLES = 6_000_000  # of an original whose half of a metric is kept: some 300 MB


def _check(original: Picture, decoded: Picture) -> None:
    for name, picture in (("original", original), ("decoded", decoded)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"expected the {name} picture as (H, W, 3) uint8, found {picture.shape} {picture.dtype}")
    if original.shape != decoded.shape:
        raise ValueError(f"expected two pictures of one shape, found {original.shape} and {decoded.shape}")


def mse(original: Picture, decoded: Picture) -> float:
    """Mean squared error over all samples of R, G and B, in squared 8-bit levels."""
    _check(original, decoded)
    return likeness.mse(original, decoded)


def psnr(original: Picture, decoded: Picture) -> float:
    """RGB PSNR in dB, from the mean squared error over all three channels."""
    return likeness.psnr_of_mse(mse(original, decoded))


def ms_ssim(original: Picture, decoded: Picture) -> float:
    """Multi-scale structural similarity, the mean over R, G and B; nan below 161 pixels a side.

    Gaussian windows of 11 taps (sigma 1.5) that lie inside the picture, halving by 2x2 means: the form
    of pytorch-msssim, and so of the curves of CompressAI and of most papers.

    Source: Wang, Simoncelli & Bovik, "Multiscale structural similarity", Asilomar 2003.
    """
    _check(original, decoded)
    if min(original.shape[:2]) < MS_SSIM_MIN_SIDE:
        return math.nan
    sides = zip(_WINDOWS.of(original), _windows_of(decoded), strict=True)
    return float(np.mean([_ms_ssim_plane(a, b) for a, b in sides]))


@dataclass(frozen=True)
class _Windowed:
    """A plane at one scale, its local means and variances."""

    plane: Plane
    mean: Plane
    variance: Plane


def _windows_of(picture: Picture) -> list[list[_Windowed]]:
    """Of R, G and B, each at all scales."""
    channels = []
    for plane in np.moveaxis(picture, -1, 0).astype(np.float32) / np.float32(likeness.PEAK):
        scales = []
        for _ in MS_SSIM_WEIGHTS:
            mean = _window(plane)
            scales.append(_Windowed(plane, mean, _window(plane * plane) - mean**2))
            plane = _halve(plane)
        channels.append(scales)
    return channels


def _ms_ssim_plane(a_scales: Sequence[_Windowed], b_scales: Sequence[_Windowed]) -> float:
    luminance_floor, contrast_floor = 0.01**2, 0.03**2
    product = 1.0
    for scale, (a, b) in enumerate(zip(a_scales, b_scales, strict=True)):
        covariance = _window(a.plane * b.plane) - a.mean * b.mean
        score = (2 * covariance + contrast_floor) / (a.variance + b.variance + contrast_floor)
        if scale == len(MS_SSIM_WEIGHTS) - 1:
            score *= (2 * a.mean * b.mean + luminance_floor) / (a.mean**2 + b.mean**2 + luminance_floor)
        # A negative mean has no real power; the field takes it as zero.
        product *= max(float(np.mean(score, dtype=np.float64)), 0.0) ** MS_SSIM_WEIGHTS[scale]
    return product


def _window(plane: Plane) -> Plane:
    for axis in (0, 1):
        plane = gaussian_filter1d(plane, 1.5, axis=axis, radius=5)
    return plane[5:-5, 5:-5]


def _halve(plane: Plane) -> Plane:
    # An odd side gets a zero line before its first sample, as in pytorch-msssim.
    plane = np.pad(plane, [(side % 2, side % 2) for side in plane.shape])
    height, width = (side // 2 for side in plane.shape)
    halved: Plane = plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))
    return halved


def ssimulacra2(original: Picture, decoded: Picture) -> float:
    """SSIMULACRA2 2.1: 100 is lossless, 90 cannot be told apart, 50 is medium; nan below 8 pixels a side.

    The parts are the package's. Its own blur mirrors two of the four edges where libjxl, whose scores others quote,
    takes zeros on all four: 0.5 to 1 point at usual qualities.

    Source: Sneyers, "SSIMULACRA 2", Cloudinary 2022; tools/ssimulacra2.cc of libjxl.
    """
    from ssimulacra2 import ssimulacra2 as parts

    _check(original, decoded)
    if min(original.shape[:2]) < SSIMULACRA2_MIN_SIDE:
        return math.nan
    total = parts.Msssim()
    for a, b in zip(_SCALES.of(original), _scales_of(decoded), strict=True):
        scale = parts.MsssimScale()
        scale.avg_ssim = parts.ssim_map(a.mean, b.mean, a.square, b.square, _zero_edged(a.planes * b.planes))
        scale.avg_edgediff = parts.edge_diff_map(a.planes, a.mean, b.planes, b.mean)
        total.scales.append(scale)
    return float(total.score())


@dataclass(frozen=True)
class _Blurred:
    """A picture in XYB at one scale, blurred, and its square blurred."""

    planes: Plane
    mean: Plane
    square: Plane


def _scales_of(picture: Picture) -> list[_Blurred]:
    from ssimulacra2 import ssimulacra2 as parts

    linear = parts.srgb_to_linear(np.arange(256))[picture]
    scales: list[_Blurred] = []
    while len(scales) < parts.kNumScales and min(linear.shape[:2]) >= SSIMULACRA2_MIN_SIDE:
        planes = parts.make_positive_xyb(parts.linear_rgb_to_xyb(linear))
        scales.append(_Blurred(planes, _zero_edged(planes), _zero_edged(planes * planes)))
        linear = parts.downsample(linear, 2, 2)
    return scales


class _Latest(Generic[T]):
    """What was computed of the latest original: a sweep compares one with a hundred decoded pictures."""

    def __init__(self, compute: Callable[[Picture], T]):
        self._compute = compute
        self._key: tuple[bytes, tuple[int, ...]] | None = None
        self._value: T | None = None

    def of(self, original: Picture) -> T:
        """As `compute`; nothing of a large picture is kept, which would take 100 bytes a pixel."""
        if original.size > KEPT_SAMPLES:
            return self._compute(original)
        key = (original.tobytes(), original.shape)
        if self._value is None or key != self._key:
            # The old is let go before the new is made.
            self._value = None
            self._value = self._compute(original)
            self._key = key
        return self._value


_WINDOWS = _Latest(_windows_of)
_SCALES = _Latest(_scales_of)


def _zero_edged(planes: Plane) -> Plane:
    for axis in (0, 1):
        planes = gaussian_filter1d(planes, 1.5, axis=axis, radius=5, mode="constant")
    return planes


METRICS: dict[str, Callable[[Picture, Picture], float]] = {
    "mse": mse,
    "psnr": psnr,
    "ms_ssim": ms_ssim,
    "ssimulacra2": ssimulacra2,
}
LABELS = {
    "mse": "MSE",
    "psnr": "PSNR (dB)",
    "ms_ssim": "MS-SSIM",
    "ssimulacra2": "SSIMULACRA2",
}


def measure(original: Picture, decoded: Picture, names: Iterable[str] = tuple(METRICS)) -> dict[str, float]:
    """The named metrics of a decoded picture; raises ValueError where the shapes differ."""
    return {name: METRICS[name](original, decoded) for name in names}
