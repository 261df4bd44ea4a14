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
from isthmus.medium.protocol import Content
from isthmus.plain import number
from isthmus.search import ContinuousDial, secant
from isthmus.tune import TuneLike

Kind = Literal["bytes", "bpp", "kbps", "psnr", "ssimulacra2"]
"""What is asked for: bytes, bits per pixel, kilobits a second, dB, or points of SSIMULACRA2."""
MAX_ENCODES = 12
"""After so many the search ends with the best that it found."""
_LOG_PERCENT = -math.log(0.99)


@dataclass(frozen=True)
class _Measure:
    """What a kind of target counts.

    Attributes:
        unit: in words.
        is_size: whether less of it is asked for; sizes other than bytes are those of `Content.rate`, by its name.
        tolerance: on the scale of the search, of sizes the logarithm's; a fit ends it, always on the safe side.
        usual_slope: how much a step of the dial changes it before anything is known of what is encoded.
    """

    unit: str
    is_size: bool
    tolerance: float
    usual_slope: float


_MEASURES: dict[str, _Measure] = {
    "bytes": _Measure("bytes", True, _LOG_PERCENT, 0.04),
    "bpp": _Measure("bits per pixel", True, _LOG_PERCENT, 0.04),
    "kbps": _Measure("kilobits a second", True, _LOG_PERCENT, 0.04),
    "psnr": _Measure("dB PSNR", False, 0.1, 0.2),
    "ssimulacra2": _Measure("points of SSIMULACRA2", False, 0.5, 0.7),
}


@dataclass(frozen=True)
class Target:
    """What to reach: at most so many bytes, bits per pixel or kilobits a second, or at least so many dB or points.

    Attributes:
        kind: what is counted.
        value: how many.
    """

    kind: Kind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in _MEASURES:
            raise InputError("the kind of a target", expected=" or ".join(_MEASURES), got=repr(self.kind))
        what, expected = f"the target in {self.unit}", "a positive number" if self.is_size else "a number"
        plain = number(self.value, what, expected)
        if not math.isfinite(plain) or (self.is_size and plain <= 0):
            raise InputError(what, expected=expected, got=self.value)
        object.__setattr__(self, "value", plain)

    @property
    def measure(self) -> _Measure:
        """What it counts."""
        return _MEASURES[self.kind]

    @property
    def is_size(self) -> bool:
        """Whether at most so much is asked for."""
        return self.measure.is_size

    @property
    def unit(self) -> str:
        """What the value counts, in words."""
        return self.measure.unit


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


def encode_to_target(codec: Codec, content: Content, target: Target, tune: TuneLike | None = None) -> Reached:
    """The file nearest to a target on its safe side, of those that a bounded search tries.

    The dial nearly rises, not quite: where it has jumps, a nearer file may exist, and the note says so.

    Args:
        codec: encodes, and decodes where a likeness is asked for.
        content: what to encode; the likeness of a picture is that of its colours, (H, W, 3) uint8.
        target: what to reach.
        tune: where the other dial stands meanwhile, as of `Codec.encode`.

    Raises:
        InputError: even the dial's end does not reach the target; the message says how far it gets. Or the model has no
            dial for the tune.
    """
    measure = _measure(codec, content, target)

    points: list[_Point] = []

    def over(quality: float) -> float:
        data = codec.encode(content, quality, tune=tune)
        value = measure(data)
        distance = math.log(value / target.value) if target.is_size else value - target.value
        points.append(_Point(quality, data, value, distance))
        return distance

    dial = ContinuousDial(low=0.0, high=100.0, decimals=2, slope=target.measure.usual_slope)
    secant(over, dial, 50.0, -1 if target.is_size else 1, target.measure.tolerance, MAX_ENCODES)
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


def _measure(codec: Codec, content: Content, target: Target) -> Callable[[bytes], float]:
    if target.kind == "bytes":
        return len
    if target.is_size and content.rate(0).name == target.kind:
        return lambda data: content.rate(len(data)).value
    if target.is_size or not isinstance(content, Picture):
        raise InputError(f"a target in {target.unit} is not for this", hint="Ask for so many bytes.")
    picture = content
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
    if abs(best.over) <= target.measure.tolerance:
        return ""
    if best.quality == (100 if target.is_size else 0):
        return f"quality {best.quality:g}, the end of the dial, is already at {best.value:g} {target.unit}"
    return f"the nearest found is {best.value:g} {target.unit}; the dial has jumps there, and a nearer one may exist"
