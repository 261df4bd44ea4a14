"""How far a decoded picture is from its original: MSE, PSNR, MS-SSIM, SSIMULACRA2 and Butteraugli.

Every function takes two `(H, W, 3) uint8` sRGB pictures of equal shape and returns one float. A metric is one row of
`METRICS`, those of sounds (`isthmus.bench.sound.metrics`) included, and everything that a table, a plot or a BD-rate
has to know of it stands there. MS-SSIM is written out here
because the libraries without PyTorch take their half-size grids elsewhere (up to 0.006 away from the figures that
papers quote).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import likeness
from isthmus.bench import butteraugli as _butteraugli
from isthmus.bench import ssimulacra2 as _ssimulacra2
from isthmus.bench.latest import Latest
from isthmus.bench.metric import Levels, Metric
from isthmus.bench.sound.metrics import METRICS as OF_SOUNDS
from isthmus.model.engine import limit_threads
from isthmus.ssimulacra2.blur import RADIUS, Plane, blur, halve
from isthmus.ssimulacra2.planes import MIN_SIDE

Picture = NDArray[np.uint8]
"""`(H, W, 3) uint8`, sRGB."""

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, the finest first (Wang, Simoncelli and Bovik, 2003)."""
MS_SSIM_MIN_SIDE = 161
"""Pixels that five scales of an 11-tap window need: (11 - 1) * 2**4 + 1."""
SSIMULACRA2_MIN_SIDE = MIN_SIDE
"""Pixels that SSIMULACRA2 needs on each side."""


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
    if np.array_equal(original, decoded):
        return 1.0
    with limit_threads(1):
        pairs = zip(_WINDOWS.of(original), _windows_of(decoded), strict=True)
        return float(np.mean([_ms_ssim_plane(*pair) for pair in pairs]))


@dataclass(frozen=True)
class _Windowed:
    """R, G or B at one scale, `(H, W) float32`, its local means and variances."""

    plane: Plane
    mean: Plane
    variance: Plane


def _windows_of(picture: Picture) -> list[list[_Windowed]]:
    """Of each plane, at all scales."""
    return [_windowed(picture[..., channel].astype(np.float32) / np.float32(likeness.PEAK)) for channel in range(3)]


def _windowed(plane: Plane) -> list[_Windowed]:
    scales = []
    for _ in MS_SSIM_WEIGHTS:
        mean = _window(plane)
        scales.append(_Windowed(plane, mean, _window(plane * plane) - mean**2))
        plane = _halve(plane)
    return scales


_WINDOWS = Latest(_windows_of)


def _ms_ssim_plane(a_scales: Sequence[_Windowed], b_scales: Sequence[_Windowed]) -> float:
    luminance_floor, contrast_floor = 0.01**2, 0.03**2
    product = 1.0
    for scale, (a, b) in enumerate(zip(a_scales, b_scales, strict=True)):
        covariance = _window(a.plane * b.plane) - a.mean * b.mean
        score = (2 * covariance + contrast_floor) / (a.variance + b.variance + contrast_floor)
        if scale == len(MS_SSIM_WEIGHTS) - 1:
            score *= (2 * a.mean * b.mean + luminance_floor) / (a.mean**2 + b.mean**2 + luminance_floor)
        # A negative mean has no real power; the field takes it as zero.
        product *= max(float(score.mean(dtype=np.float64)), 0.0) ** MS_SSIM_WEIGHTS[scale]
    return product


def _window(plane: Plane) -> Plane:
    return blur(plane)[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _halve(plane: Plane) -> Plane:
    # An odd side gets a zero line before its first sample, as in pytorch-msssim.
    plane = np.pad(plane, [(side % 2, 0) for side in plane.shape])
    return halve(plane)


def ssimulacra2(original: Picture, decoded: Picture) -> float:
    """SSIMULACRA2 2.1, as in the module of that name; nan below 8 pixels a side."""
    _check(original, decoded)
    return _ssimulacra2.ssimulacra2(original, decoded)


def butteraugli(original: Picture, decoded: Picture) -> float:
    """Butteraugli's 3-norm, as in the module of that name; nan below 8 pixels a side."""
    _check(original, decoded)
    return _butteraugli.butteraugli(original, decoded)


def _decibels_below_one(values: Levels) -> Levels:
    return -10 * np.log10(1 - values)


def _decibels_of_distance(values: Levels) -> Levels:
    return -10 * np.log10(values)


METRICS = {
    "mse": Metric("MSE", "MSE", mse, lower_is_better=True, compared=False),
    "psnr": Metric("PSNR (dB)", "PSNR", psnr, words="{:.1f} dB".format),
    "ms_ssim": Metric("MS-SSIM", "MS-SSIM", ms_ssim, _decibels_below_one, "{:.1f} dB".format, digits=5),
    "ssimulacra2": Metric("SSIMULACRA2", "SSIMULACRA2", ssimulacra2),
    "butteraugli": Metric(
        "Butteraugli 3-norm",
        "Butteraugli",
        butteraugli,
        _decibels_of_distance,
        # Back to the metric's own figure: nobody knows it in decibels.
        lambda level: f"{10 ** (-level / 10):.2f}",
        lower_is_better=True,
        absence=_butteraugli.absence,
        version=_butteraugli.version,
    ),
    **OF_SOUNDS,
}
"""All metrics by name."""
OF_PICTURES = tuple(name for name in METRICS if name not in OF_SOUNDS)
"""The names of those that pictures are measured by."""
QUICK = ("mse", "psnr", "ms_ssim", "ssimulacra2")
"""What every picture can be measured by everywhere, in a fraction of a second a megapixel."""


def present(names: Iterable[str] = OF_PICTURES) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Those of the metrics that can be measured here, and label and reason of those that cannot."""
    reasons = {name: METRICS[name].absence() for name in names}
    absent = [(METRICS[name].label, reason) for name, reason in reasons.items() if reason is not None]
    return tuple(name for name, reason in reasons.items() if reason is None), absent


def measure(original: Any, decoded: Any, names: Iterable[str] = QUICK) -> dict[str, float]:
    """The named metrics of what was decoded; raises ValueError where the shapes differ."""
    return {name: METRICS[name](original, decoded) for name in names}
