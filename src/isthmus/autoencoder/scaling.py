"""Scaling: the affine map between the numbers of a picture and the numbers a network likes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.autoencoder import choices

SCALINGS: tuple[str, ...] = get_args(choices.Scaling)


@dataclass(frozen=True)
class Scaling:
    """``scaled = (x - offset) / scale``; both arrays have one number a feature, ``(features,) float64``."""

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def apply(self, rows: NDArray[np.generic], dtype: np.dtype[np.generic]) -> NDArray[np.floating]:
        """Scale rows ``(n, features)`` of any numeric dtype into ``dtype``."""
        offset, scale = self.offset.astype(dtype), self.scale.astype(dtype)
        scaled: NDArray[np.floating] = (rows.astype(dtype) - offset) / scale
        return scaled

    def undo(self, scaled: NDArray[np.floating]) -> NDArray[np.floating]:
        """Back to the numbers that ``apply`` was given, in the dtype of ``scaled``."""
        return scaled * self.scale.astype(scaled.dtype) + self.offset.astype(scaled.dtype)


def fit_scaling(name: str, rows: NDArray[np.generic]) -> Scaling:
    """Measure a scaling on training rows ``(n, features)``.

    ``unit`` maps the range of the data to 0..1 (0..255 for 8-bit pictures, whatever the darkest and brightest pixel),
    ``center`` takes every feature's mean away and divides all by one number (what PCA does), ``standard`` gives
    every feature mean 0 and deviation 1, ``none`` leaves the numbers alone. What never changes, or by no more than
    rounding, is not divided.
    """
    features = rows.shape[1]
    if name == "none":
        return Scaling(np.zeros(features), np.ones(features))
    if name == "unit":
        low, high = (0.0, 255.0) if rows.dtype == np.uint8 else (float(rows.min()), float(rows.max()))
        return Scaling(np.full(features, low), np.full(features, _divisor(high - low, max(abs(low), abs(high)), rows)))
    mean = rows.mean(axis=0, dtype=np.float64)
    deviation = rows.std(axis=0, dtype=np.float64)
    if name == "center":
        overall = float(np.sqrt(np.mean(deviation**2)))
        size = float(np.sqrt(np.mean(mean**2)))
        return Scaling(mean, np.full(features, _divisor(overall, size, rows)))
    return Scaling(mean, _divisor(deviation, np.abs(mean), rows))


def _divisor(spread: ArrayLike, size: ArrayLike, rows: NDArray[np.generic]) -> NDArray[np.float64]:
    """A spread to divide by, or 1 where it is no more than the rounding of numbers of that size.

    That of the numbers themselves, in the type they are kept in, and that of the sum of n of them, by which their mean
    is off: scikit-learn's scalers draw the line there too.
    """
    of_type: Any = rows.dtype if rows.dtype.kind == "f" else np.float64
    share = 10 * float(np.finfo(of_type).eps) + len(rows) * float(np.finfo(np.float64).eps)
    rounding = share * np.asarray(size, np.float64)
    return np.where(np.asarray(spread) > rounding, spread, 1.0).astype(np.float64)
