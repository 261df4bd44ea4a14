"""Rate control: encoding to so many bytes, or to so good a likeness, by a bounded search on the quality dial.

The search is a secant on the dial (bytes by their logarithm), kept inside a bracket, so that a handful of encodes is
enough. What it returns never breaks the promise: never more bytes than asked for, never a lower score.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.codec import Codec
from isthmus.errors import InputError
from isthmus.image.picture import Picture, Pixels
from isthmus.likeness import psnr_db
from isthmus.plain import number
from isthmus.search import ContinuousDial, secant

Kind = Literal["bytes", "bpp", "psnr", "ssimulacra2"]
MAX_ENCODES = 12
_UNITS = {"bytes": "bytes", "bpp": "bits per pixel", "psnr": "dB PSNR", "ssimulacra2": "points of SSIMULACRA2"}
# A fit ends the search: 1 % of the bytes, 0.1 dB, 0.5 points, always on the safe side.
_TOLERANCE = {"bytes": -math.log(0.99), "bpp": -math.log(0.99), "psnr": 0.1, "ssimulacra2": 0.5}
# How much a step of the dial changes the measure before anything is known of the picture.
_USUAL_SLOPE = {"bytes": 0.04, "bpp": 0.04, "psnr": 0.2, "ssimulacra2": 0.7}


@dataclass(frozen=True)
class Target:
    """What to reach: at most so many bytes or bits per pixel, or at least so many dB or points."""

    kind: Kind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in _UNITS:
            raise InputError("the kind of a target", expected=" or ".join(_UNITS), got=repr(self.kind))
        what, expected = f"the target in {self.unit}", "a positive number" if self.is_size else "a number"
        plain = number(self.value, what, expected)
        if not math.isfinite(plain) or (self.is_size and plain <= 0):
            raise InputError(what, expected=expected, got=self.value)
        object.__setattr__(self, "value", plain)

    @property
    def is_size(self) -> bool:
        return self.kind in ("bytes", "bpp")

    @property
    def unit(self) -> str:
        """What the value counts, in words."""
        return _UNITS[self.kind]


@dataclass(frozen=True)
class Reached:
    """The file that a search ended with.

    Attributes:
        data: the bytes of the file.
        quality: where the dial stands.
        value: what was reached, in the target's unit.
        encodes: how many files were made to find it.
        note: why it is farther from the target than the tolerance; empty if it is not.
    """

    data: bytes
    quality: float
    value: float
    encodes: int
    note: str = ""


@dataclass(frozen=True)
class _Point:
    quality: float
    data: bytes
    value: float
    over: float
    """Above (or below zero: short of) the target, on the scale that the search works in."""


def encode_to_target(codec: Codec, picture: Picture, target: Target, strip: bool = False) -> Reached:
    """The file nearest to a target on its safe side, of those that a bounded search tries.

    The dial nearly rises, not quite: where it has jumps, a nearer file may exist, and the note says so.

    Args:
        codec: encodes, and decodes where a likeness is asked for.
        picture: what to encode; a likeness is that of its colours, (H, W, 3) uint8.
        target: what to reach.
        strip: leave ICC, EXIF and XMP out.

    Raises:
        InputError: even the dial's end does not reach the target; the message says how far it gets.
        MissingExtraError: a likeness by SSIMULACRA2 is asked for and what computes it is not installed.
    """
    measure = _measure(codec, picture, target)

    points: list[_Point] = []

    def over(quality: float) -> float:
        data = codec.encode(picture, quality, strip)
        value = measure(data)
        distance = math.log(value / target.value) if target.is_size else value - target.value
        points.append(_Point(quality, data, value, distance))
        return distance

    dial = ContinuousDial(low=0.0, high=100.0, decimals=2, slope=_USUAL_SLOPE[target.kind])
    secant(over, dial, 50.0, -1 if target.is_size else 1, _TOLERANCE[target.kind], MAX_ENCODES)
    # Below a size, above a likeness.
    safe = [point for point in points if (point.over <= 0 if target.is_size else point.over >= 0)]
    if not safe:
        nearest = min(points, key=lambda point: abs(point.over))
        raise InputError(
            f"the target cannot be reached at any quality (tried: quality {nearest.quality:g})",
            expected=f"{'at most' if target.is_size else 'at least'} {target.value:g} {target.unit}",
            got=f"{nearest.value:g}",
        )
    best = min(safe, key=lambda point: abs(point.over))
    return Reached(best.data, best.quality, best.value, len(points), _note(best, target))


def _measure(codec: Codec, picture: Picture, target: Target) -> Callable[[bytes], float]:
    if target.kind == "bytes":
        return len
    if target.kind == "bpp":
        return lambda data: 8 * len(data) / (picture.width * picture.height)
    likeness = psnr_db if target.kind == "psnr" else _ssimulacra2(picture)
    original: Pixels = np.ascontiguousarray(picture(0, 0, picture.height, picture.width))
    return lambda data: likeness(original, codec.decode(data))


def _ssimulacra2(picture: Picture) -> Callable[[Pixels, Pixels], float]:
    """The metric, from the bench, none of whose libraries it needs."""
    from isthmus.bench.metrics import SSIMULACRA2_MIN_SIDE, ssimulacra2

    if min(picture.width, picture.height) < SSIMULACRA2_MIN_SIDE:
        raise InputError(
            "SSIMULACRA2 does not say anything about so small a picture",
            expected=f"at least {SSIMULACRA2_MIN_SIDE} pixels a side",
            got=f"{picture.width}x{picture.height}",
        )
    return ssimulacra2


def _note(best: _Point, target: Target) -> str:
    if abs(best.over) <= _TOLERANCE[target.kind]:
        return ""
    if best.quality == (100 if target.is_size else 0):
        return f"quality {best.quality:g}, the end of the dial, is already at {best.value:g} {target.unit}"
    return f"the nearest found is {best.value:g} {target.unit}; the dial has jumps there, and a nearer one may exist"
