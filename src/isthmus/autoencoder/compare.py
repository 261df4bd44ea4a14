"""The same small pictures through PNG, JPEG, WebP and gzip, and through a `Compressor`: bytes on disk and error.

Small pictures are counted in two ways. ``each``: every picture is a file of its own, header and all, as a folder of
thumbnails would be. ``together``: the codec may see all pictures at once, as one picture of tiles (PNG, JPEG, WebP),
one stream (gzip) or one file of codes (the autoencoder), which shares the header and what the pictures have in common.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.autoencoder.compress import Compressor
from isthmus.errors import InputError
from isthmus.likeness import psnr_of_mse

Pictures = NDArray[np.uint8]
LAYOUTS = ("each", "together")
JPEG_QUALITIES = (1, 5, 10, 20, 35, 50, 75, 90, 95)


@dataclass(frozen=True)
class Point:
    """One codec at one setting over a set of pictures."""

    codec: str
    setting: str
    layout: str  # "each" or "together"
    pictures: int
    file_bytes: int  # of all files
    model_bytes: int  # of what the receiver needs besides: the trained model, 0 for standard codecs
    raw_bytes: int
    mse: float  # over all pictures, in squared 8-bit levels

    @property
    def rate(self) -> float:
        """Compression rate: raw bytes over file bytes."""
        return self.raw_bytes / self.file_bytes

    @property
    def rate_with_model(self) -> float:
        """Compression rate when the model's bytes are counted as part of what is sent."""
        return self.raw_bytes / (self.file_bytes + self.model_bytes)

    @property
    def bytes_per_picture(self) -> float:
        """Mean file bytes of one picture."""
        return self.file_bytes / self.pictures

    @property
    def psnr_db(self) -> float:
        """Peak signal-to-noise ratio of the mean squared error over the whole set; infinite for lossless."""
        return psnr_of_mse(self.mse)


@dataclass(frozen=True)
class Rival:
    """A standard codec at stated settings: picture ``(H, W) or (H, W, 3) uint8`` to bytes and back."""

    name: str
    setting: str
    encode: Callable[[Pictures], bytes]
    decode: Callable[[bytes], Pictures] | None  # None: lossless


def rivals(jpeg_qualities: Iterable[int] = JPEG_QUALITIES) -> list[Rival]:
    """PNG, WebP lossless and gzip at their strongest, JPEG at several qualities with optimized Huffman tables."""
    lossless = [
        Rival("PNG", "optimize", lambda p: _pillow(p, "PNG", optimize=True), None),
        Rival("WebP lossless", "quality 100, method 6", _webp, None),
        Rival("gzip", "level 9", lambda p: gzip.compress(p.tobytes(), 9, mtime=0), None),
    ]
    return lossless + [Rival("JPEG", f"quality {quality}", _jpeg(quality), _open) for quality in jpeg_qualities]


def measure_rival(rival: Rival, pictures: Pictures, layout: str) -> Point:
    """Encode all pictures ``(n, H, W) or (n, H, W, 3) uint8``, decode them, and count."""
    check_pictures(pictures)
    shown = list(pictures) if layout == "each" else [tile(pictures)]
    files = [rival.encode(picture) for picture in shown]
    mse = 0.0
    if rival.decode is not None:
        decoded = np.stack([rival.decode(file) for file in files])
        if layout == "together":
            decoded = untile(decoded[0], pictures.shape)
        mse = mean_squared_error(decoded, pictures)
    return Point(rival.name, rival.setting, layout, len(pictures), sum(map(len, files)), 0, pictures.nbytes, mse)


def measure_compressor(compressor: Compressor, pictures: Pictures, layout: str, setting: str = "") -> Point:
    """Compress all pictures with an autoencoder, expand the files, and count."""
    check_pictures(pictures)
    groups = [pictures[i : i + 1] for i in range(len(pictures))] if layout == "each" else [pictures]
    files = [compressor.compress(group) for group in groups]
    decoded = np.concatenate([compressor.expand(file) for file in files])
    spec = compressor.model.network_.spec
    return Point(
        f"autoencoder {spec.kind}",
        setting or f"code {spec.code_size}",
        layout,
        len(pictures),
        sum(map(len, files)),
        len(compressor.to_bytes()),
        pictures.nbytes,
        mean_squared_error(decoded, pictures),
    )


def mean_squared_error(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Over all samples and pixels, in squared units of the data."""
    return float(np.mean((found.astype(np.float64) - wanted) ** 2))


def tile(pictures: Pictures) -> Pictures:
    """All pictures in one, row by row in a grid as square as possible; empty places are black."""
    count, height, width = pictures.shape[:3]
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    grid = np.zeros((rows * columns, *pictures.shape[1:]), np.uint8)
    grid[:count] = pictures
    grid = grid.reshape(rows, columns, *pictures.shape[1:]).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *pictures.shape[3:])


def untile(picture: Pictures, shape: tuple[int, ...]) -> Pictures:
    """The pictures of `tile` again; ``shape`` is theirs, ``(n, H, W[, 3])``."""
    count, height, width = shape[:3]
    rows, columns = picture.shape[0] // height, picture.shape[1] // width
    grid = picture.reshape(rows, height, columns, width, *shape[3:]).swapaxes(1, 2)
    return grid.reshape(rows * columns, *shape[1:])[:count]


def check_pictures(pictures: NDArray[Any]) -> None:
    """Raise `InputError` unless these are pictures that a file format can hold."""
    grey_or_rgb = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[3] == 3)
    if pictures.dtype != np.uint8 or not grey_or_rgb or not len(pictures):
        raise InputError(
            "only 8-bit pictures can be compared with picture formats",
            expected="(n, H, W) or (n, H, W, 3) uint8",
            got=f"{pictures.shape} {pictures.dtype}",
        )


def _pillow(picture: Pictures, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format_, **options)
    return file.getvalue()


def _webp(picture: Pictures) -> bytes:
    # WebP knows no grey: Pillow sends three equal planes, which its colour transforms make nearly free.
    return _pillow(picture, "WEBP", lossless=True, quality=100, method=6)


def _jpeg(quality: int) -> Callable[[Pictures], bytes]:
    return lambda picture: _pillow(picture, "JPEG", quality=quality, optimize=True)


def _open(data: bytes) -> Pictures:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)
