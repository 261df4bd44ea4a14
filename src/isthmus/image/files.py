"""Picture files of any format that Pillow knows: opened within limits, saved with their metadata."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from isthmus.errors import InputError, UnsupportedPictureError
from isthmus.files import read_capped
from isthmus.image import heif
from isthmus.image.exif import PREFIX, bare, resolution_of
from isthmus.image.limits import Limits
from isthmus.image.picture import Picture, as_picture, pillow_errors_typed
from isthmus.image.raw import refuse_raw
from isthmus.image.size import check_pixels
from isthmus.image.tiff import write_tiff

# Without loss where the format can; nobody wants a second codec's marks on top of the first's.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    # Exact: the colours under transparent pixels too.
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}
_METADATA = ("icc_profile", "exif", "xmp")
_TIFF_NAMES = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp"}
# Of several pictures in these, one is the photograph.
_COLLECTIONS = ("MPO", heif.FORMAT)


def open_picture(source: Path | BinaryIO, limits: Limits | None = None, depth: int | None = None) -> Picture:
    """Read a picture file; its size is checked before it is decoded.

    Arguments:
        source: a file, or its bytes.
        limits: what it may ask for.
        depth: 8 to reduce deeper samples to 8 bits a channel; None to refuse them.

    Raises:
        InputError: not a picture, or a damaged one.
        UnsupportedPictureError: more than 8 bits a channel, camera raw, or several frames, but for a phone's MPO and
            HEIC: their main picture is the photograph, and a gain map, a second view or a burst the others.
        MissingExtraError: a HEIC picture, and what reads it is not installed.
        LimitExceededError: too many pixels.
        OSError: the file cannot be opened.
    """
    limits = limits or Limits()
    with _opened(source) as (stream, name):
        with pillow_errors_typed(name):
            image = _open(stream, name, limits)
            refuse_raw(image)
            _refuse_frames(image)
        return as_picture(image, limits, name, depth=depth)


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


def _refuse_frames(image: Image.Image) -> None:
    """Nobody has chosen a frame of a file."""
    frames = getattr(image, "n_frames", 1)
    if heif.is_sequence(image):
        raise UnsupportedPictureError(
            "the file is a sequence of pictures", expected="a still picture", hint="Save one of them as a file first."
        )
    if frames > 1 and image.format not in _COLLECTIONS:
        raise UnsupportedPictureError(
            "the file has several frames or pages",
            expected=1,
            got=frames,
            hint="isthmus keeps still pictures. Extract a frame first: `magick 'in.gif[0]' frame.png`; in Python, "
            "isthmus.encode takes the frame that image.seek(0) chose.",
        )


def save_picture(
    image: Image.Image,
    stream: BinaryIO,
    format_name: str,
    options: dict[str, Any] | None = None,
) -> None:
    """Write an image with its ICC profile, EXIF and XMP, without loss where the format can.

    Arguments:
        options: of Pillow's writer, instead of those that are usual here; a TIFF has none.

    Raises:
        InputError: the format cannot hold this picture.
        OSError: the stream cannot be written.
    """
    metadata = {key: image.info[key] for key in _METADATA if image.info.get(key)}
    if "exif" in metadata:
        metadata["exif"] = bare(metadata["exif"])
    try:
        if format_name == "TIFF":
            write_tiff(image, stream, **{_TIFF_NAMES[key]: block for key, block in metadata.items()})
        else:
            usual = _SAVE_OPTIONS.get(format_name, {}) | _metadata_options(metadata, format_name)
            without_metadata(image).save(stream, format_name, **usual | (options or {}))
    except MemoryError:
        raise
    except Exception as error:  # nearly anything, if EXIF is malformed
        # Pillow's own complaints have no errno; a full disk has.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(
            f"{format_name} cannot hold this picture",
            got=f"{type(error).__name__}: {error}",
            hint=_way_out(image, bool(metadata)),
        ) from error


def without_metadata(image: Image.Image) -> Image.Image:
    """The same pixels without metadata: some of Pillow's writers take what they are not given from the image."""
    plain = Image.Image._new(image, image.im)
    plain.info = {}
    return plain


def _way_out(image: Image.Image, has_metadata: bool) -> str:
    if image.has_transparency_data:
        return "If it is the transparency, write a .png or a .webp."
    if has_metadata:
        return "If it is the metadata, --strip (strip=True) leaves them out; or write a .png."
    return "Write a .png."


def _metadata_options(metadata: dict[str, bytes], format_name: str) -> dict[str, Any]:
    """How Pillow's writer of a format takes blocks."""
    options: dict[str, Any] = dict(metadata)
    if "exif" in metadata:
        # Pillow writes these bytes as they are; the others' readers and writers know both forms.
        if format_name in ("JPEG", "MPO"):
            options["exif"] = PREFIX + metadata["exif"]
        if format_name in ("JPEG", "MPO", "PNG") and (dpi := resolution_of(metadata["exif"])):
            options["dpi"] = dpi
    if format_name == "PNG" and "xmp" in metadata:
        options["pnginfo"] = PngInfo()
        # As it is, whatever its encoding: keyword, not compressed, no language, no translation.
        options["pnginfo"].add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + options.pop("xmp"))
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
    for import_readers in (Image.preinit, Image.init, heif.register):
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
    heif.require_reader(prefix, name)
    raise InputError(
        f"{name} is not a picture that Pillow can read",
        got="; ".join(reasons) or None,
        hint="Convert it to PNG, JPEG, TIFF or WebP first.",
    )
