"""How each library writes and reads a picture, at the settings that `rivals` states.

Encoders take `(picture, quality, threads)` and give bytes, decoders take `(data, threads)` and give a picture; pictures
are `(H, W, 3) uint8`. Versions raise MissingExtraError where a library is not here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
from typing import Any

import numpy as np
from PIL import AvifImagePlugin, Image, features

from isthmus.codec import Codec
from isthmus.effort import Effort
from isthmus.errors import MissingExtraError
from isthmus.extras import require
from isthmus.image.picture import Pixels as Picture

# Encoders are module functions and `partial`s of them: other processes must be able to name them.


def _save(picture: Picture, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format_, **options)
    return file.getvalue()


def jpeg(picture: Picture, quality: float, threads: int, subsampling: str) -> bytes:
    return _save(
        picture,
        "JPEG",
        quality=round(quality),
        optimize=True,
        progressive=True,
        subsampling=subsampling,
    )


def jpeg2000(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(
        picture,
        "JPEG2000",
        irreversible=True,
        mct=1,
        quality_mode="dB",
        quality_layers=[quality],
    )


def webp(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "WEBP", quality=quality, method=6)


def webp_lossless(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "WEBP", lossless=True, quality=quality, method=6)


def avif(picture: Picture, quality: float, threads: int, speed: int) -> bytes:
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


def png(picture: Picture, quality: float, threads: int) -> bytes:
    return _save(picture, "PNG", optimize=True)


def pillow_decode(data: bytes, threads: int) -> Picture:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def avif_decode(data: bytes, threads: int) -> Picture:
    # Pillow takes the decoder's thread count from this module variable and nowhere else.
    before = AvifImagePlugin.DEFAULT_MAX_THREADS
    AvifImagePlugin.DEFAULT_MAX_THREADS = threads
    try:
        return pillow_decode(data, threads)
    finally:
        AvifImagePlugin.DEFAULT_MAX_THREADS = before


def pillow_version(feature: str) -> str:
    if not features.check(feature):
        hint = "Install the wheel of Pillow from PyPI."
        raise MissingExtraError(f"this Pillow was built without {feature}", hint=hint)
    return f"Pillow {features.version('pil')}, {feature} {features.version(feature)}"


def jpeg_version() -> str:
    library = features.version_feature("libjpeg_turbo") or features.version("jpg")
    return f"Pillow {features.version('pil')}, libjpeg-turbo {library}"


def _package(module: str, codec: str) -> Any:
    require("bench", [module], f"{codec} needs")
    return importlib.import_module(module)


def _imagecodecs() -> Any:
    return _package("imagecodecs", "JPEG XL")


def _mozjpeg() -> Any:
    return _package("mozjpeg_lossless_optimization", "MozJPEG")


def jxl_version() -> str:
    codecs = _imagecodecs()
    if not codecs.JPEGXL.available:
        hint = "Install the wheel of imagecodecs from PyPI."
        raise MissingExtraError("this imagecodecs was built without libjxl", hint=hint)
    return f"imagecodecs {codecs.__version__}, {codecs.jpegxl_version()}"


def isthmus_lossless(picture: Picture, quality: float, threads: int, effort: Effort) -> bytes:
    """isthmus itself, where no model takes part: a codec like the others."""
    return Codec(threads=threads, effort=effort).encode(picture, lossless=True)


def isthmus_decode(data: bytes, threads: int) -> Picture:
    """What `isthmus_lossless` made."""
    pixels: Picture = Codec(threads=threads).decode(data)
    return pixels


def jxl_encode(picture: Picture, quality: float, threads: int, lossless: bool = False) -> bytes:
    # The dial is minus libjxl's butteraugli distance, so that more of it means more bytes.
    kwargs: dict[str, Any] = {"lossless": True} if lossless else {"distance": -quality}
    return bytes(_imagecodecs().jpegxl_encode(picture, effort=7, numthreads=threads, **kwargs))


def jxl_decode(data: bytes, threads: int) -> Picture:
    decoded: Picture = _imagecodecs().jpegxl_decode(data, numthreads=threads)
    return decoded


def moz_encode(picture: Picture, quality: float, threads: int) -> bytes:
    return bytes(_mozjpeg().optimize(jpeg(picture, quality, threads, "4:2:0")))


def moz_version() -> str:
    _mozjpeg()
    version = importlib.metadata.version("mozjpeg-lossless-optimization")
    return f"{jpeg_version()}, mozjpeg-lossless-optimization {version}"
