"""The codecs people use for pictures, each through a library at stated settings: pictures to bytes and back.

A rival is one row of `RIVALS`; those of sounds are in `isthmus.bench.sound.rivals`. Its `qualities` are the points of a
rate-distortion curve, from few bytes to many; its `dial` is the range that a search for equal bytes may turn. A rival
whose library is missing says so through `absence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from isthmus import __version__
from isthmus.bench import libraries
from isthmus.effort import Effort
from isthmus.errors import InputError, MissingExtraError
from isthmus.tune import PSNR, Tune

Encode = Callable[[Any, float, int], bytes]
"""From a picture or a clip, a quality and a number of threads to bytes."""
Decode = Callable[[bytes, int], Any]
"""From bytes and a number of threads to the same."""


@dataclass(frozen=True)
class Dial:
    """The quality numbers a codec takes: `low` gives the fewest bytes, `high` the most; `step` is their spacing."""

    low: float
    high: float
    step: float = 1.0

    def __len__(self) -> int:
        return round((self.high - self.low) / self.step) + 1

    def __getitem__(self, index: int) -> float:
        return round(self.low + index * self.step, 6)


def _nothing(data: bytes) -> str:
    return ""


@dataclass(frozen=True)
class Rival:
    """One codec at one set of settings.

    Attributes:
        name: on the command line, and in records.
        label: for people.
        settings: all that is not turned, in words.
        encode: `encode(picture, quality, threads)` takes `(H, W, 3) uint8`, or a clip in the place of the picture.
        decode: `decode(data, threads)` gives the same.
        version: returns the library's version, or raises MissingExtraError with what is missing.
        qualities: the points of a curve, from few bytes to many; none for a lossless codec.
        dial: the range that a search may turn; None for a lossless codec.
        setting: says a quality in the codec's own words.
        says: what a file says of how it was made, for people; empty where that is as always.
    """

    name: str
    label: str
    settings: str
    encode: Encode
    decode: Decode
    version: Callable[[], str]
    qualities: tuple[float, ...] = ()
    dial: Dial | None = None
    setting: Callable[[float], str] = "{:g}".format
    says: Callable[[bytes], str] = _nothing

    @property
    def lossless(self) -> bool:
        """Whether it has no quality to turn."""
        return self.dial is None

    @property
    def points(self) -> tuple[float, ...]:
        """The qualities of a curve; a lossless codec has the one point 100."""
        return self.qualities or (100.0,)

    def place(self, quality: float) -> float:
        """Where on the curve a quality lies: 0 at its first point, 1 at its last."""
        return float(np.interp(quality, self.points, np.linspace(0, 1, len(self.points))))


def _distance(quality: float) -> str:
    # The dial is minus libjxl's distance, so that more of it means more bytes; people know the distance.
    return f"distance {-quality:g}"


def absence(rival: Rival) -> str | None:
    """Why a rival cannot run here, or None where it can."""
    try:
        rival.version()
    except MissingExtraError as error:
        return str(error)
    return None


_JPEG_QUALITIES = (2.0, 5.0, 8.0, 12.0, 18.0, 26.0, 36.0, 48.0, 60.0, 70.0, 80.0, 87.0, 92.0, 95.0)
_AVIF_QUALITIES = (8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 56.0, 64.0, 71.0, 78.0, 85.0, 90.0, 94.0, 96.0)
_WEBP_QUALITIES = (0.0, 4.0, 10.0, 20.0, 32.0, 45.0, 60.0, 72.0, 80.0, 87.0, 92.0, 96.0, 100.0)
_JXL_DISTANCES = (25.0, 18.0, 13.0, 9.5, 7.0, 5.2, 3.9, 2.9, 2.1, 1.5, 1.1, 0.8, 0.6, 0.45)
_JP2_DECIBELS = tuple(float(level) for level in range(22, 46, 2))


@dataclass(frozen=True)
class Asked:
    """How isthmus itself encodes.

    Attributes:
        effort: how hard it tries.
        tune: where its second dial stands; None for the default, if the weights have that dial.
    """

    effort: Effort = 1
    tune: Tune | None = None


OWN = {
    "isthmus": Asked(),
    "isthmus-psnr": Asked(tune=PSNR),
    "isthmus-e2": Asked(2),
    "isthmus-psnr-e2": Asked(2, PSNR),
    "isthmus-e4": Asked(4),
    "isthmus-psnr-e4": Asked(4, PSNR),
}
"""isthmus itself by the names it has beside its rivals."""

RIVALS: dict[str, Rival] = {
    rival.name: rival
    for rival in (
        Rival(
            "jpeg",
            "JPEG 4:2:0",
            "optimized Huffman tables, progressive, 4:2:0",
            partial(libraries.jpeg, subsampling="4:2:0"),
            libraries.pillow_decode,
            libraries.jpeg_version,
            _JPEG_QUALITIES,
            Dial(1, 95),
        ),
        Rival(
            "jpeg444",
            "JPEG 4:4:4",
            "optimized Huffman tables, progressive, 4:4:4",
            partial(libraries.jpeg, subsampling="4:4:4"),
            libraries.pillow_decode,
            libraries.jpeg_version,
            (*_JPEG_QUALITIES, 97.0),
            Dial(1, 97),
        ),
        Rival(
            "jpeg-moz",
            "JPEG 4:2:0 + MozJPEG",
            "the JPEG 4:2:0 file, its scans re-ordered without loss by MozJPEG",
            libraries.moz_encode,
            libraries.pillow_decode,
            libraries.moz_version,
            _JPEG_QUALITIES,
            Dial(1, 95),
        ),
        Rival(
            "jpeg2000",
            "JPEG 2000",
            "irreversible 9/7 wavelet with colour transform, one layer at a target PSNR",
            libraries.jpeg2000,
            libraries.pillow_decode,
            partial(libraries.pillow_version, "jpg_2000"),
            _JP2_DECIBELS,
            Dial(15, 50, 0.25),
            "{:g} dB".format,
        ),
        Rival(
            "webp",
            "WebP",
            "lossy, method 6",
            libraries.webp,
            libraries.pillow_decode,
            partial(libraries.pillow_version, "webp"),
            _WEBP_QUALITIES,
            Dial(0, 100),
        ),
        Rival(
            "avif-s6",
            "AVIF speed 6",
            "libavif with aom, speed 6, 4:4:4, one tile",
            partial(libraries.avif, speed=6),
            libraries.avif_decode,
            partial(libraries.pillow_version, "avif"),
            _AVIF_QUALITIES,
            Dial(0, 99),
        ),
        Rival(
            "avif-s4",
            "AVIF speed 4",
            "libavif with aom, speed 4, 4:4:4, one tile",
            partial(libraries.avif, speed=4),
            libraries.avif_decode,
            partial(libraries.pillow_version, "avif"),
            _AVIF_QUALITIES,
            Dial(0, 99),
        ),
        Rival(
            "jxl",
            "JPEG XL",
            "effort 7",
            libraries.jxl_encode,
            libraries.jxl_decode,
            libraries.jxl_version,
            tuple(-distance for distance in _JXL_DISTANCES),
            Dial(-25, -0.05, 0.05),
            _distance,
        ),
        Rival(
            "isthmus-lossless",
            "isthmus lossless",
            "lossless, effort 2",
            partial(libraries.isthmus_lossless, effort=2),
            libraries.isthmus_decode,
            partial(str, f"isthmus {__version__}"),
        ),
        Rival(
            "png",
            "PNG",
            "lossless, optimize",
            libraries.png,
            libraries.pillow_decode,
            partial(libraries.pillow_version, "zlib"),
        ),
        Rival(
            "webp-lossless",
            "WebP lossless",
            "lossless, quality 100, method 6",
            libraries.webp_lossless,
            libraries.pillow_decode,
            partial(libraries.pillow_version, "webp"),
        ),
        Rival(
            "jxl-lossless",
            "JPEG XL lossless",
            "lossless, effort 7",
            partial(libraries.jxl_encode, lossless=True),
            libraries.jxl_decode,
            libraries.jxl_version,
        ),
    )
}
"""All rivals by name."""


def choose(names: Sequence[str], rivals: Mapping[str, Rival] = RIVALS) -> tuple[list[Rival], list[tuple[str, str]]]:
    """The named rivals that can run here, and label and reason of those that cannot.

    Args:
        rivals: those that there are, by name.

    Raises:
        InputError: an unknown name.
    """
    present, absent = [], []
    for name in names:
        if name not in rivals:
            raise InputError("unknown codec", expected=f"one of {', '.join(rivals)}", got=name)
        reason = absence(rivals[name])
        if reason is None:
            present.append(rivals[name])
        else:
            absent.append((rivals[name].label, reason))
    return present, absent
