"""The codecs people use, each through a library at stated settings: pictures to bytes and back.

A rival is one row of `RIVALS`. Its `qualities` are the points of a rate-distortion curve, from few
bytes to many; its `dial` is the range that a search for equal bytes may turn. A rival whose library
is missing says so through `absence`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import AvifImagePlugin, Image, features

from isthmus.bench.metrics import Picture
from isthmus.errors import InputError, MissingExtraError

Encode = Callable[[Picture, float, int], bytes]
Decode = Callable[[bytes, int], Picture]


@dataclass(frozen=True)
class Dial:
    """The quality numbers a codec takes: `low` gives the fewest bytes; `step` is their spacing."""

    low: float
    high: float
    step: float = 1.0

    def __len__(self) -> int:
        return round((self.high - self.low) / self.step) + 1

    def __getitem__(self, index: int) -> float:
        return round(self.low + index * self.step, 6)


@dataclass(frozen=True)
class Rival:
    """One codec at one set of settings.

    `encode(picture, quality, threads)` and `decode(data, threads)` take and give `(H, W, 3) uint8`.
    `version` returns the library's version, or raises MissingExtraError with what is missing.
    """

    name: str
    label: str
    settings: str
    encode: Encode
    decode: Decode
    version: Callable[[], str]
    qualities: tuple[float, ...] = ()
    dial: Dial | None = None

    @property
    def lossless(self) -> bool:
        return self.dial is None

    @property
    def points(self) -> tuple[float, ...]:
        """The qualities of a curve; a lossless codec has the one point 100."""
        return self.qualities or (100.0,)


def absence(rival: Rival) -> str | None:
    """Why a rival cannot run here, or None where it can."""
    try:
        rival.version()
    except MissingExtraError as error:
        return str(error)
    return None


# Encoders are module functions and `partial`s of them: other processes must be able to name them.


def _save(picture: Picture, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format_, **options)
    return file.getvalue()


def _jpeg(picture: Picture, quality: float, threads: int, subsampling: str) -> bytes:
    return _save(
        picture,
        "JPEG",
        quality=round(quality),
        optimize=True,
        progressive=True,
        subsampling=subsampling,
    )


def _jpeg2000(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(
        picture,
        "JPEG2000",
        irreversible=True,
        mct=1,
        quality_mode="dB",
        quality_layers=[quality],
    )


def _webp(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "WEBP", quality=quality, method=6)


def _webp_lossless(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "WEBP", lossless=True, quality=quality, method=6)


def _avif(picture: Picture, quality: float, threads: int, speed: int) -> bytes:
    return _save(
        picture,
        "AVIF",
        quality=round(quality),
        speed=speed,
        subsampling="4:4:4",
        codec="aom",
        max_threads=threads,
        # Tiles would tie the bytes to the number of threads.
        autotiling=False,
    )


def _png(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "PNG", optimize=True)


def _pillow_decode(data: bytes, threads: int) -> Picture:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _avif_decode(data: bytes, threads: int) -> Picture:
    # Pillow takes the decoder's thread count from this module variable and nowhere else.
    before = AvifImagePlugin.DEFAULT_MAX_THREADS
    AvifImagePlugin.DEFAULT_MAX_THREADS = threads
    try:
        return _pillow_decode(data, threads)
    finally:
        AvifImagePlugin.DEFAULT_MAX_THREADS = before


def _pillow_version(feature: str) -> str:
    if not features.check(feature):
        hint = "Install the wheel of Pillow from PyPI."
        raise MissingExtraError(f"this Pillow was built without {feature}", hint=hint)
    return f"Pillow {features.version('pil')}, {feature} {features.version(feature)}"


def _jpeg_version() -> str:
    library = features.version_feature("libjpeg_turbo") or features.version("jpg")
    return f"Pillow {features.version('pil')}, libjpeg-turbo {library}"


def _package(module: str, distribution: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        hint = 'pip install "isthmus[bench]"'
        raise MissingExtraError(f"the package {distribution} is not installed", hint=hint) from error


def _imagecodecs() -> Any:
    return _package("imagecodecs", "imagecodecs")


def _jxl_version() -> str:
    codecs = _imagecodecs()
    if not codecs.JPEGXL.available:
        hint = "Install the wheel of imagecodecs from PyPI."
        raise MissingExtraError("this imagecodecs was built without libjxl", hint=hint)
    return f"imagecodecs {codecs.__version__}, {codecs.jpegxl_version()}"


def _jxl_encode(picture: Picture, quality: float, threads: int, lossless: bool = False) -> bytes:
    # The dial is minus libjxl's butteraugli distance, so that more of it means more bytes.
    kwargs: dict[str, Any] = {"lossless": True} if lossless else {"distance": -quality}
    return bytes(_imagecodecs().jpegxl_encode(picture, effort=7, numthreads=threads, **kwargs))


def _jxl_decode(data: bytes, threads: int) -> Picture:
    decoded: Picture = _imagecodecs().jpegxl_decode(data, numthreads=threads)
    return decoded


def _moz_encode(picture: Picture, quality: float, threads: int) -> bytes:
    library = _package("mozjpeg_lossless_optimization", "mozjpeg-lossless-optimization")
    return bytes(library.optimize(_jpeg(picture, quality, threads, "4:2:0")))


def _moz_version() -> str:
    _package("mozjpeg_lossless_optimization", "mozjpeg-lossless-optimization")
    version = importlib.metadata.version("mozjpeg-lossless-optimization")
    return f"{_jpeg_version()}, mozjpeg-lossless-optimization {version}"


_JPEG_QUALITIES = (
    2.0,
    5.0,
    8.0,
    12.0,
    18.0,
    26.0,
    36.0,
    48.0,
    60.0,
    70.0,
    80.0,
    87.0,
    92.0,
    95.0,
)
_AVIF_QUALITIES = (
    8.0,
    16.0,
    24.0,
    32.0,
    40.0,
    48.0,
    56.0,
    64.0,
    71.0,
    78.0,
    85.0,
    90.0,
    94.0,
    96.0,
)
_WEBP_QUALITIES = (
    0.0,
    4.0,
    10.0,
    20.0,
    32.0,
    45.0,
    60.0,
    72.0,
    80.0,
    87.0,
    92.0,
    96.0,
    100.0,
)
_JXL_DISTANCES = (
    25.0,
    18.0,
    13.0,
    9.5,
    7.0,
    5.2,
    3.9,
    2.9,
    2.1,
    1.5,
    1.1,
    0.8,
    0.6,
    0.45,
)
_JP2_DECIBELS = tuple(float(level) for level in range(22, 46, 2))

RIVALS: dict[str, Rival] = {
    rival.name: rival
    for rival in (
        Rival(
            "jpeg",
            "JPEG 4:2:0",
            "optimized Huffman tables, progressive, 4:2:0",
            partial(_jpeg, subsampling="4:2:0"),
            _pillow_decode,
            _jpeg_version,
            _JPEG_QUALITIES,
            Dial(1, 95),
        ),
        Rival(
            "jpeg444",
            "JPEG 4:4:4",
            "optimized Huffman tables, progressive, 4:4:4",
            partial(_jpeg, subsampling="4:4:4"),
            _pillow_decode,
            _jpeg_version,
            (*_JPEG_QUALITIES, 97.0),
            Dial(1, 97),
        ),
        Rival(
            "jpeg-moz",
            "JPEG 4:2:0 + MozJPEG",
            "the JPEG 4:2:0 file, its scans re-ordered without loss by MozJPEG",
            _moz_encode,
            _pillow_decode,
            _moz_version,
            _JPEG_QUALITIES,
            Dial(1, 95),
        ),
        Rival(
            "jpeg2000",
            "JPEG 2000",
            "irreversible 9/7 wavelet with colour transform, one layer at a target PSNR",
            _jpeg2000,
            _pillow_decode,
            partial(_pillow_version, "jpg_2000"),
            _JP2_DECIBELS,
            Dial(15, 50, 0.25),
        ),
        Rival(
            "webp",
            "WebP",
            "lossy, method 6",
            _webp,
            _pillow_decode,
            partial(_pillow_version, "webp"),
            _WEBP_QUALITIES,
            Dial(0, 100),
        ),
        Rival(
            "avif-s6",
            "AVIF speed 6",
            "libavif with aom, speed 6, 4:4:4, one tile",
            partial(_avif, speed=6),
            _avif_decode,
            partial(_pillow_version, "avif"),
            _AVIF_QUALITIES,
            Dial(0, 99),
        ),
        Rival(
            "avif-s4",
            "AVIF speed 4",
            "libavif with aom, speed 4, 4:4:4, one tile",
            partial(_avif, speed=4),
            _avif_decode,
            partial(_pillow_version, "avif"),
            _AVIF_QUALITIES,
            Dial(0, 99),
        ),
        Rival(
            "jxl",
            "JPEG XL",
            "effort 7; the dial is minus the butteraugli distance",
            _jxl_encode,
            _jxl_decode,
            _jxl_version,
            tuple(-distance for distance in _JXL_DISTANCES),
            Dial(-25, -0.05, 0.05),
        ),
        Rival(
            "png",
            "PNG",
            "lossless, optimize",
            _png,
            _pillow_decode,
            partial(_pillow_version, "zlib"),
        ),
        Rival(
            "webp-lossless",
            "WebP lossless",
            "lossless, quality 100, method 6",
            _webp_lossless,
            _pillow_decode,
            partial(_pillow_version, "webp"),
        ),
        Rival(
            "jxl-lossless",
            "JPEG XL lossless",
            "lossless, effort 7",
            partial(_jxl_encode, lossless=True),
            _jxl_decode,
            _jxl_version,
        ),
    )
}


def choose(names: Sequence[str]) -> tuple[list[Rival], list[tuple[str, str]]]:
    """The named rivals that can run here, and label and reason of those that cannot.

    Raises:
        InputError: an unknown name.
    """
    present, absent = [], []
    for name in names:
        if name not in RIVALS:
            raise InputError("unknown codec", expected=f"one of {', '.join(RIVALS)}", got=name)
        reason = absence(RIVALS[name])
        if reason is None:
            present.append(RIVALS[name])
        else:
            absent.append((RIVALS[name].label, reason))
    return present, absent
