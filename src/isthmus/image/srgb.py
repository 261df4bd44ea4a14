"""Colours under an ICC profile as sRGB, which is what readers take for granted where a picture comes without one."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from isthmus.image.chunks import ICC
from isthmus.image.modes import GREY_MODES
from isthmus.image.picture import Picture, Pixels

_SRGB_ALREADY = "left out, the colours are those of sRGB without it"
_CONVERTED = "converted to sRGB"
_ROWS = 256  # at a time, so that no large picture is copied whole
_LEVELS = np.arange(0, 256, 15, dtype=np.uint8)

Convert = Callable[[Image.Image], Image.Image]
"""An RGB image to an RGB image of the same size."""


def stripped(picture: Picture) -> Picture:
    """A picture without ICC profile, EXIF and XMP that shows the colours that it showed with them.

    A note says so where that changed its numbers.
    """
    own = picture.own
    if own is not None and ICC in own.metadata and ICC not in picture.metadata:
        own = None  # Colours that mean nothing without the profile; those that are coded were made sRGB.
    bare = dataclasses.replace(picture, metadata={}, own=own and own.stripped())
    profile = picture.metadata.get(ICC)
    if profile is None or picture.mode == "1":
        return bare
    convert, what = _conversion(profile, picture.mode in GREY_MODES)
    if convert is None:
        return bare if what == _SRGB_ALREADY else dataclasses.replace(bare, notes=(*bare.notes, _note(what)))

    def read(top: int, left: int, rows: int, columns: int) -> Pixels:
        window = picture.read(top, left, rows, columns)
        colours = np.asarray(convert(Image.fromarray(window[..., :3])))
        return np.concatenate([colours, window[..., 3:]], axis=2)

    return dataclasses.replace(bare, read=read, notes=(*bare.notes, _note(what)), own=None)


def in_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """An image without its ICC profile that shows the colours that it showed with it, and a clause on what was done.

    Arguments:
        image: RGB, grey or one bit, with transparency or without; it is not changed.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return image, ""
    grey = image.mode in GREY_MODES
    convert, what = _conversion(profile, grey) if image.mode != "1" else (None, _SRGB_ALREADY)
    result = image.copy()
    del result.info["icc_profile"]
    if convert is not None:
        for top in range(0, image.height, _ROWS):
            part = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
            made = convert(part.convert("RGB")).convert("L" if grey else "RGB")
            if part.mode.endswith("A"):
                made.putalpha(part.getchannel("A"))
            result.paste(made, (0, top))
    return result, what


def stripped_image(image: Image.Image, notes: list[str]) -> Image.Image:
    """As :func:`stripped`, of a decoded image; ``notes`` gets a clause where its numbers were changed."""
    result, what = in_srgb(image)
    if what not in ("", _SRGB_ALREADY):
        notes.append(_note(what))
    return result


def _note(what: str) -> str:
    return f"the ICC profile: {what}"


def _conversion(profile: bytes, grey: bool) -> tuple[Convert | None, str]:
    """How to make sRGB of a profile's colours, or None if nothing is to be done or can be; and a clause on that."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "L" if grey and source.profile.xcolor_space.strip() == "GRAY" else "RGB"
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        return None, f"left out, it cannot be applied ({error})"

    def convert(image: Image.Image) -> Image.Image:
        made = ImageCms.applyTransform(image.convert(mode), transform)
        assert made is not None  # only a transform in place returns nothing
        return made

    axes = np.meshgrid(_LEVELS, _LEVELS, _LEVELS) if not grey else [_LEVELS[None]] * 3
    colours = np.stack(axes, -1).reshape(1, -1, 3)
    change = np.asarray(convert(Image.fromarray(colours)), np.int16) - colours
    return (None, _SRGB_ALREADY) if np.abs(change).max() <= 1 else (convert, _CONVERTED)
