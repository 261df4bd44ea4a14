"""Pictures written to files of a format that somebody chose: what it cannot hold is converted and said, or refused.

Formats that are known to hold whole pictures are written straight. What any other one made is read back and compared,
since Pillow's writers drop a profile, transparency or most of the pixels without a word.
"""

import io
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from isthmus.errors import InputError
from isthmus.image.files import save_picture, without_metadata
from isthmus.image.reduction import reduced_size
from isthmus.image.srgb import in_srgb, stripped_image
from isthmus.plain import whole

# Transparency is either held or refused by these, profiles and metadata are held.
_WHOLE = {"AVIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"}
_BLOCKS = {"exif": "EXIF", "xmp": "XMP"}
WITH_QUALITY = frozenset({"AVIF", "JPEG", "MPO", "WEBP"})
"""Formats whose loss can be chosen."""


def write_picture(
    image: Image.Image, stream: BinaryIO, format_name: str, quality: int | None = None, strip: bool = False
) -> tuple[str, ...]:
    """Write an image as `save_picture` does; what had to be changed for its format, a clause each, for people.

    Arguments:
        image: RGB, grey or one bit, with transparency or without.
        stream: gets the bytes of the file.
        format_name: Pillow's name of the format.
        quality: 1 to 100 as of Pillow's writers of AVIF, JPEG and WebP, with colours at half the resolution below 90;
            None for a JPEG or AVIF with hardly a mark and a WebP without loss.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.

    Raises:
        InputError: the format cannot hold a picture of this kind or size, or has no quality and one was given.
        OSError: the stream cannot be written.
    """
    options = {} if quality is None else _lossy(format_name, quality)
    notes: list[str] = []
    if strip:
        image = without_metadata(stripped_image(image, notes))
    if format_name in _WHOLE:
        save_picture(image, stream, format_name, options=options)
        return tuple(notes)
    if format_name == "ICO":
        options["sizes"] = [reduced_size(*image.size, 256)]  # and no smaller ones of another shape
    data, kept = _written(image, format_name, options)
    if "icc_profile" in image.info and (kept is None or "icc_profile" not in kept.info):
        image, what = in_srgb(image)
        notes.append(f"{format_name} holds no ICC profile: {what}")
        data, kept = _written(image, format_name, options)
    if kept is None:
        notes.append(f"{format_name} cannot be read back here: whether it holds the whole picture is not checked")
    else:
        _compare(image, kept, format_name, notes)
    stream.write(data)
    return tuple(notes)


def _lossy(format_name: str, quality: int) -> dict[str, Any]:
    """How Pillow's writer of a format takes a quality."""
    if format_name not in WITH_QUALITY:
        raise InputError("a quality is for AVIF, JPEG and WebP", expected="a .jpg, .webp or .avif", got=format_name)
    quality = whole(quality, "the quality of the output", "1 to 100")
    if quality not in range(1, 101):
        raise InputError("the quality of the output", expected="1 to 100", got=quality)
    if format_name == "WEBP":
        return {"quality": quality, "lossless": False}
    return {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"}


def _written(image: Image.Image, format_name: str, options: dict[str, Any]) -> tuple[bytes, Image.Image | None]:
    """The bytes of a file, and the picture that Pillow finds in it, if it reads that format."""
    buffer = io.BytesIO()
    save_picture(image, buffer, format_name, options=options)
    data = buffer.getvalue()
    if format_name not in Image.OPEN:
        return data, None
    factory, _ = Image.OPEN[format_name]
    try:
        # Not `Image.open`, which has a limit of its own; the picture was here a moment ago.
        kept = factory(io.BytesIO(data), "")
        kept.load()
    except (OSError, SyntaxError, ValueError):
        return data, None
    return data, kept


def _compare(image: Image.Image, kept: Image.Image, format_name: str, notes: list[str]) -> None:
    """Refuse a file that shows another picture, and note what is missing in it."""
    if kept.size != image.size:
        got, most = (f"{width}x{height}" for width, height in (image.size, kept.size))
        hint = f"Reduce it (--max-side {max(kept.size)}), or write a .png."
        raise InputError(f"{format_name} cannot hold a picture of this size", expected=most, got=got, hint=hint)
    before, after = (np.asarray(each.convert("RGBA")) for each in (image, kept))
    if not np.array_equal(before[..., 3], after[..., 3]):
        hint = "Write a .png or a .webp."
        raise InputError(f"{format_name} cannot hold the transparency of this picture", hint=hint)
    if not np.array_equal(before[..., :3], after[..., :3]):
        most = " in its 256 colours" if kept.mode == "P" else ""
        notes.append(f"{format_name} holds this picture{most} only approximately")
    lost = [name for key, name in _BLOCKS.items() if image.info.get(key) and not kept.info.get(key)]
    if lost:
        notes.append(f"{format_name} holds no {' and no '.join(lost)}: left out")
