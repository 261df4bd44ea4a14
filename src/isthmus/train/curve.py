"""Rate-distortion curves of held-out pictures, and how two of them compare. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Point:
    """A point of a rate-distortion curve: means over pictures."""

    quality: int
    bpp: float
    psnr_db: float
    tune: str = "psnr"
    """psnr or eye; the points of each are a curve of their own."""

    def as_row(self) -> list[Any]:
        """Quality, bits per pixel, PSNR and tune, rounded to what a record keeps."""
        return [self.quality, round(self.bpp, 5), round(self.psnr_db, 4), self.tune]


def points_of(rows: Iterable[Sequence[Any]]) -> tuple[Point, ...]:
    """The points whose `as_row` a record keeps."""
    return tuple(Point(int(quality), bpp, psnr_db, tune) for quality, bpp, psnr_db, tune in rows)


def means(measured: Iterable[Sequence[Point]]) -> list[Point]:
    """The mean point of each tune and quality."""
    return [
        replace(
            points[0], bpp=float(np.mean([p.bpp for p in points])), psnr_db=float(np.mean([p.psnr_db for p in points]))
        )
        for points in measured
    ]


def percent_more(before: Sequence[Point], after: Sequence[Point]) -> float | None:
    """Bytes of `after` at equal PSNR, in percent more than those of `before`, each of one tune; None if they share no
    PSNR.

    The BD-rate with straight lines between the points of log-rate, as rough as few points and pictures are; that of
    the bench needs SciPy, which training does without.
    """
    if not before or not after:
        return None
    curves = [np.array(sorted((p.psnr_db, math.log(p.bpp)) for p in points)).T for points in (before, after)]
    low, high = max(psnr[0] for psnr, _ in curves), min(psnr[-1] for psnr, _ in curves)
    if high <= low:
        return None
    levels = np.linspace(low, high, 100)
    logs = [np.interp(levels, *curve) for curve in curves]
    return float(100 * math.expm1(np.mean(logs[1] - logs[0])))
