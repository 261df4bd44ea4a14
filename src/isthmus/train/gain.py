"""What training gained: bytes saved at equal quality, and from how many pictures on they make up for the model's own.

A run writes the gain into its model's record (`gain_of`, `Gain.as_dict`); `verdict` reads it there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.text import some_of
from isthmus.train.curve import Point, means, percent_more

COMMON_QUALITY = 50
"""A gain is weighed against the bytes of pictures near this quality."""


@dataclass(frozen=True)
class Gain:
    """What training changed on the held-out pictures, against the weights that it started from.

    Attributes:
        percent_more: bytes at equal PSNR, of all together, under tune psnr; negative where they are fewer.
        eye: the same under tune eye; None if those curves share no PSNR.
        pictures: how many were measured.
        worse: those that take more bytes, by name, with their percentages; the worst first.
        near: before training, the mean point nearest to the common quality.
    """

    percent_more: float
    eye: float | None
    pictures: int
    worse: tuple[tuple[str, float], ...]
    near: Point

    def describe(self, origin: str) -> str:
        """A sentence for people.

        Args:
            origin: the weights that it started from, in words.
        """
        said = f"held-out pictures ({self.pictures}) take {change(self.percent_more)} at equal PSNR than with {origin}"
        if self.eye is not None:
            said += f" ({change(self.eye)} under tune eye)"
        if not self.worse:
            return said
        named = [f"{name} (+{more:.1f} %)" for name, more in self.worse]
        return f"{said}; more on {len(named)} of them: {some_of(named)}"

    def as_dict(self, pixels: float) -> dict[str, Any]:
        """What a model's record keeps of it.

        Args:
            pixels: of a picture, in the mean.
        """
        eye = {} if self.eye is None else {"eye_percent_more": round(self.eye, 2)}
        return {
            "percent_more": round(self.percent_more, 2),
            **eye,
            "pictures": self.pictures,
            "worse": len(self.worse),
            "quality": self.near.quality,
            "bytes_per_picture": round(self.near.bpp * pixels / 8),
        }


def gain_of(before: Sequence[Sequence[Point]], after: Sequence[Sequence[Point]], names: Sequence[str]) -> Gain | None:
    """What was gained between two measurements; None if the curves share no PSNR.

    Args:
        before, after: for each tune and quality a point for each picture; `after` may have more of them.
        names: of the pictures.
    """
    first, last = _of_tune("psnr", before, after)
    percent = percent_more(means(first), means(last))
    if percent is None:
        return None
    each = [
        (name, percent_more([points[i] for points in first], [points[i] for points in last]))
        for i, name in enumerate(names)
    ]
    worse = [(name, more) for name, more in each if more is not None and round(more, 1) > 0]
    near = min(means(first), key=lambda point: abs(point.quality - COMMON_QUALITY))
    eye = percent_more(*map(means, _of_tune("eye", before, after)))
    return Gain(percent, eye, len(each), tuple(sorted(worse, key=lambda item: -item[1])), near)


def _of_tune(
    tune: str, before: Sequence[Sequence[Point]], after: Sequence[Sequence[Point]]
) -> tuple[list[Sequence[Point]], list[Sequence[Point]]]:
    """What was measured under a tune, at the qualities of the first measurement."""
    first = [points for points in before if points[0].tune == tune]
    qualities = {points[0].quality for points in first}
    return first, [points for points in after if points[0].tune == tune and points[0].quality in qualities]


def pays_from(model_bytes: int, percent_more: float, bytes_per_picture: float) -> int | None:
    """Pictures from which the saved bytes make up for the model's; None if it saves nothing.

    Args:
        percent_more: bytes at equal quality against the model that it was tuned from; negative where it saves.
        bytes_per_picture: with that model.
    """
    saved = -percent_more / 100 * bytes_per_picture
    return math.ceil(model_bytes / saved) if saved > 0 else None


def change(percent_more: float) -> str:
    """ "5.0 % fewer bytes"."""
    return f"{abs(percent_more):.1f} % {'more' if percent_more > 0 else 'fewer'} bytes"


def gained(training: dict[str, Any]) -> bool | None:
    """Whether a model's training made pictures smaller, from its record; None if that says nothing of it."""
    gain = training.get("gain")
    try:
        return float(gain["percent_more"]) < 0 if isinstance(gain, dict) else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def verdict(training: dict[str, Any], model_bytes: int, is_delta: bool = False) -> str | None:
    """A sentence on a model's gain and its price, from the record of its training; None if that says nothing of it.

    Args:
        is_delta: what was measured is then the model that the delta was made of.
    """
    gain = training.get("gain")
    if not isinstance(gain, dict):
        return None
    try:
        percent, quality = float(gain["percent_more"]), float(gain["quality"])
        pictures = pays_from(model_bytes, percent, float(gain["bytes_per_picture"]))
        measured = f"{change(percent)} than before, at equal PSNR, on {gain['pictures']} of the pictures held out"
        worse = int(gain.get("worse", 0))
        if "eye_percent_more" in gain:
            measured += f", {change(float(gain['eye_percent_more']))} under tune eye"
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if worse:
        measured += f" (more on {worse} of them)"
    if is_delta:
        measured += ", before it was shrunk"
    if pictures is None:
        return f"{measured}: nothing is saved, and its own {model_bytes:,} bytes come on top"
    paid = f"its own {model_bytes:,} bytes are made up for by about {pictures:,} such pictures at quality {quality:g}"
    return f"{measured}; {paid}"
