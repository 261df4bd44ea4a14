"""Picture files of any format that Pillow knows: opened within limits, saved with their metadata."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from isthmus.bitstream.limits import Limits
from isthmus.errors import InputError
from isthmus.files import read_capped
from isthmus.image.metadata import EXIF_PREFIX
from isthmus.image.picture import Picture, as_picture, pillow_errors_typed
from isthmus.image.size import check_pixels

_TIFF_XMP = 700
# Without loss where the format can; nobody wants a second codec's marks on top of the first's.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    # Exact: the colours under transparent pixels too.
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
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
    with _opened(source) as (stream, name):
        with pillow_errors_typed(name):
            image = _open(stream, name, limits)
        return as_picture(image, limits, name)


def picture_size(source: Path | BinaryIO, limits: Limits | None = None, whole: bool = False) -> tuple[int, int]:
    """(width, height) of a picture file as it is stored; its pixels are not decoded.

    Arguments:
        whole: look whether the file is complete as well, as far as its format tells without decoding.

    Raises:
        InputError: not a picture, or damaged where its size stands.
        LimitExceededError: too many pixels.
        OSError: the file cannot be opened.
    """
    limits = limits or Limits()
    with _opened(source) as (stream, name), pillow_errors_typed(name):
        image = _open(stream, name, limits)
        check_pixels(*image.size, limits)
        if whole:
            image.verify()
    return image.size


def save_picture(image: Image.Image, stream: BinaryIO, format_name: str, options: dict[str, Any] | None = None) -> None:
    """Write an image with its ICC profile, EXIF and XMP, without loss where the format can.

    Arguments:
        options: of Pillow's writer, instead of those that are usual here.

    Raises:
        InputError: the format cannot hold this picture.
        OSError: the stream cannot be written.
    """
    try:
        usual = _SAVE_OPTIONS.get(format_name, {})
        image.save(stream, format_name, **usual | _metadata_options(image, format_name) | (options or {}))
    except MemoryError:
        raise
    except Exception as error:  # nearly anything, if EXIF is malformed
        # Pillow's own complaints have no errno; a full disk has.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        hint = "If it is the transparency, write a .png or a .webp." if image.has_transparency_data else "Write a .png."
        got = f"{type(error).__name__}: {error}"
        raise InputError(f"{format_name} cannot hold this picture", got=got, hint=hint) from error


def _metadata_options(image: Image.Image, format_name: str) -> dict[str, Any]:
    options = {key: image.info[key] for key in _METADATA if key in image.info}
    # Pillow writes these bytes as they are; the others' readers and writers know both forms.
    if format_name in ("JPEG", "MPO") and "exif" in options:
        options["exif"] = EXIF_PREFIX + options["exif"].removeprefix(EXIF_PREFIX)
    # Two formats have their own places for XMP.
    if format_name == "PNG" and "xmp" in options:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode("utf-8", "replace"))
    if format_name == "TIFF" and "xmp" in options:
        exif = Image.Exif()
        exif.load(options.get("exif", b""))
        exif[_TIFF_XMP] = options.pop("xmp")
        options["exif"] = exif
    return options


def format_of(path: Path) -> str:
    """Pillow's name of the format of a file name.

    Raises:
        InputError: no format that Pillow writes has this suffix.
    """
    name = Image.registered_extensions().get(path.suffix.lower(), "")
    if name not in Image.SAVE:
        raise InputError(f"no picture format for {path.name}", expected=".png, .jpg, .webp, ...", got=path.suffix)
    return name


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
    """A source as a stream, and what messages call it."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream, str(source)
    else:
        yield source, "the input"


def _open(stream: BinaryIO, name: str, limits: Limits) -> Image.Image:
    """What `Image.open` does, but for its limit, which is a global: changing it would change it for other threads."""
    if not stream.seekable():
        stream = io.BytesIO(read_capped(stream, limits.max_file_bytes, name))
    stream.seek(0)
    prefix = stream.read(16)
    if not prefix:
        raise InputError(f"{name} is empty", expected="a picture file", got="0 bytes")
    tried: set[str] = set()
    reasons: list[str] = []
    # The common formats first; all the others take longer to import than a small picture to read.
    for import_readers in (Image.preinit, Image.init):
        import_readers()
        for format_name in [known for known in Image.ID if known not in tried]:
            tried.add(format_name)
            factory, accepts = Image.OPEN[format_name]
            accepted = accepts is None or accepts(prefix)
            if isinstance(accepted, str):
                reasons.append(accepted)
            elif accepted:
                stream.seek(0)
                # How Pillow's readers say that a file is none of theirs.
                with suppress(SyntaxError, IndexError, TypeError, struct.error):
                    return factory(stream, "")
    raise InputError(
        f"{name} is not a picture that Pillow can read",
        got="; ".join(reasons) or None,
        hint="Convert it to PNG, JPEG, TIFF or WebP first.",
    )
