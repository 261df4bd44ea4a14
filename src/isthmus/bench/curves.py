"""Rate-distortion curves, and the BD-rate between two of them.

A curve holds one codec on one set of pictures or sounds: at every quality the mean over them of the
rate, bits per pixel or kilobits a second, and of each metric. BD-rate is the mean difference in rate
at equal distortion, from piecewise cubic (PCHIP) or Akima curves through (distortion, log rate), over
what both curves cover.

Source: Bjøntegaard, VCEG-M33, 2001, through the package `bjontegaard`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.bench.metrics import METRICS

Method = Literal["pchip", "akima"]
"""How a curve runs between its points."""
Ascending = tuple[np.ndarray, np.ndarray]
"""Rates and levels, (n,) float64 each, both rising."""


@dataclass(frozen=True)
class Point:
    """One picture or sound, the `source`, through one `codec` at one `quality`.

    Attributes:
        extent: of the source: pixels, or milliseconds.
        data_bytes: as written.
        metrics: values by name.
    """

    source: str
    codec: str
    quality: float
    extent: float
    data_bytes: int
    metrics: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Bits written per pixel, or kilobits a second, header and all."""
        return 8 * self.data_bytes / self.extent


@dataclass(frozen=True)
class Curve:
    """One `codec` over one set: `rate` and each list of `metrics` run along `qualities`."""

    codec: str
    qualities: tuple[float, ...]
    rate: tuple[float, ...]
    metrics: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class BDRate:
    """A BD-rate and what it stands on.

    `percent` is the mean difference of rate (negative: fewer bytes than the anchor), nan where the
    curves do not overlap. `low` and `high` bound the distortion both curves cover, in the metric's
    unit; `overlap` is the share of the two curves' joint span that this is.
    """

    percent: float
    low: float
    high: float
    overlap: float


def curves_of(points: Iterable[Point]) -> dict[str, Curve]:
    """The curves of all codecs among the points, in the order of their first appearance.

    Raises ValueError where a codec lacks a source at some quality: such a mean compares nothing.
    """
    table: dict[str, dict[float, dict[str, Point]]] = {}
    for point in points:
        table.setdefault(point.codec, {}).setdefault(point.quality, {})[point.source] = point
    return {codec: _curve(codec, rows) for codec, rows in table.items()}


def _curve(codec: str, rows: Mapping[float, Mapping[str, Point]]) -> Curve:
    everything = {source for row in rows.values() for source in row}
    for quality, row in rows.items():
        if missing := everything - row.keys():
            raise ValueError(
                f"expected every source at quality {quality:g} of {codec}, found none of {', '.join(sorted(missing))}"
            )
    qualities = tuple(sorted(rows))
    names = next(iter(rows[qualities[0]].values())).metrics
    return Curve(
        codec,
        qualities,
        tuple(_mean(p.rate for p in rows[q].values()) for q in qualities),
        {name: tuple(_mean(p.metrics[name] for p in rows[q].values()) for q in qualities) for name in names},
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(np.fromiter(values, dtype=np.float64)))


def bd_rate(anchor: Curve, test: Curve, metric: str = "psnr", method: Method = "pchip") -> BDRate:
    """The BD-rate of `test` against `anchor` over the full overlap of their metric.

    Points that do not rise in the metric are left out (a curve that folds back has no inverse).
    MS-SSIM is taken in dB, -10·log10(1 - MS-SSIM), as papers do, and Butteraugli's distance as -10·log10, so that it
    rises with quality and a ratio counts alike at both ends.
    """
    return rate_between(rising(anchor, metric), rising(test, metric), method)


def rate_between(anchor: Ascending, test: Ascending, method: Method = "pchip") -> BDRate:
    """The BD-rate of `test` against `anchor`, each as `ascending` returns it, over the full overlap of their levels."""
    # Imported here: it brings a second of SciPy, and a point alone needs none of it.
    from bjontegaard import bd_rate as between

    (a_rate, a_level), (b_rate, b_level) = anchor, test
    if min(a_level.size, b_level.size) < 2:
        return BDRate(math.nan, math.nan, math.nan, 0.0)
    low, high = max(a_level[0], b_level[0]), min(a_level[-1], b_level[-1])
    span = max(a_level[-1], b_level[-1]) - min(a_level[0], b_level[0])
    if high <= low:
        return BDRate(math.nan, float(low), float(high), 0.0)
    percent = between(
        a_rate, a_level, b_rate, b_level,
        method=method, require_matching_points=False, min_overlap=0,
    )  # fmt: skip
    return BDRate(float(percent), float(low), float(high), float((high - low) / span))


def level_of(metric: str, values: Iterable[float]) -> np.ndarray:
    """A metric's values on the scale where curves are compared, which rises with quality: (n,) float64."""
    with np.errstate(divide="ignore"):  # without loss it can be infinitely good
        return METRICS[metric].level(np.fromiter(values, dtype=np.float64))


def rising(curve: Curve, metric: str) -> Ascending:
    """Rate and level of the points of a curve that rise in the metric."""
    return ascending(np.asarray(curve.rate), level_of(metric, curve.metrics[metric]))


def ascending(rate: np.ndarray, level: np.ndarray) -> Ascending:
    """Of points, (n,) each, those that rise in level, by rate."""
    order = np.argsort(rate, kind="stable")
    rate, level = rate[order], level[order]
    best = np.concatenate(([-np.inf], np.maximum.accumulate(level)[:-1]))
    keep = np.isfinite(level) & (level > best)
    return rate[keep], level[keep]
