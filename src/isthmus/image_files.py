"""Picture files of any format that Pillow knows: opened within limits, saved with their metadata."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from isthmus.container import Limits
from isthmus.errors import InputError, LimitExceededError
from isthmus.image import Picture, as_picture

_TIFF_XMP = 700
# Without loss where the format can; nobody wants a second codec's marks on top of the first's.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True},
}
_METADATA = ("icc_profile", "exif", "xmp")


def open_picture(source: Path | BinaryIO, limits: Limits | None = None) -> Picture:
    """Read a picture file; its size is checked before it is decoded.

    Raises:
        InputError: not a picture, or a damaged one.
        UnsupportedPictureError: more than 8 bits a channel, or several frames.
        LimitExceededError: too many pixels.
        OSError: the file cannot be opened.
    """
    limits = limits or Limits()
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return as_picture(_open(stream, str(source), limits), limits)
    return as_picture(_open(source, "the input", limits), limits)


def save_picture(image: Image.Image, stream: BinaryIO, format_name: str) -> None:
    """Write an image with its ICC profile, EXIF and XMP, without loss where the format can.

    Raises:
        InputError: the format cannot hold this picture.
        OSError: the stream cannot be written.
    """
    options = _SAVE_OPTIONS.get(format_name, {}) | {key: image.info[key] for key in _METADATA if key in image.info}
    # Two formats have their own places for XMP.
    if format_name == "PNG" and "xmp" in options:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode("utf-8", "replace"))
    if format_name == "TIFF" and "xmp" in options:
        exif = Image.Exif()
        exif.load(options.get("exif", b""))
        exif[_TIFF_XMP] = options.pop("xmp")
        options["exif"] = exif
    try:
        image.save(stream, format_name, **options)
    except (OSError, ValueError, KeyError) as error:
        # Pillow's own complaints have no errno; a full disk has.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(f"{format_name} cannot hold this picture", got=error, hint="Write a .png.") from None


def format_of(path: Path) -> str:
    """Pillow's name of the format of a file name.

    Raises:
        InputError: no format that Pillow writes has this suffix.
    """
    name = Image.registered_extensions().get(path.suffix.lower(), "")
    if name not in Image.SAVE:
        raise InputError(f"no picture format for {path.name}", expected=".png, .jpg, .webp, ...", got=path.suffix)
    return name


def _open(stream: BinaryIO, name: str, limits: Limits) -> Image.Image:
    try:
        with _pillow_limit(limits):
            return Image.open(stream)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LimitExceededError(
            f"{name} is too large",
            expected=f"at most {limits.max_pixels} pixels",
            got=error,
            hint="Raise the limit (--max-pixels, Limits.max_pixels) if the file is trusted.",
        ) from None
    except UnidentifiedImageError:
        raise InputError(
            f"{name} is not a picture that Pillow can read", hint="Convert it to PNG, JPEG, TIFF or WebP first."
        ) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(f"{name} cannot be read", got=error) from error


_PILLOW_LIMIT_LOCK = threading.Lock()


@contextmanager
def _pillow_limit(limits: Limits) -> Iterator[None]:
    """Our limit in the place of Pillow's, which is a global that warns at 89 megapixels and fails at twice that."""
    with _PILLOW_LIMIT_LOCK, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, limits.max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
