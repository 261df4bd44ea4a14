"""Which files of a folder are pictures, by their names: photographs, not all that Pillow has a reader for.

Those that are pictures to their owner and cannot be read are told from what nobody would miss.
"""

from __future__ import annotations

import inspect

from PIL import Image
from PIL.ImageFile import StubImageFile

from isthmus.image import heif, raw

NOT_STILL = frozenset({"MPEG", "FLI", "EPS"})
"""Formats that Pillow opens though they hold no still picture of so many pixels: videos, and pages to be drawn."""
_CONVERT = "Convert it to PNG, JPEG, TIFF or WebP first."
_OTHERS = {
    ".jxl": "a JPEG XL picture",
    ".jxr": "a JPEG XR picture",
    ".wdp": "a JPEG XR picture",
    ".hdp": "a JPEG XR picture",
    ".exr": "an OpenEXR picture",
    ".psb": "a Photoshop document",
    ".xcf": "a GIMP document",
    ".kra": "a Krita document",
    ".ora": "an OpenRaster document",
}
"""Pictures that Pillow has no reader for. Drawings and pages are left out: they are not of so many pixels."""


def is_picture_suffix(suffix: str) -> bool:
    """Whether files with this suffix hold a still picture that Pillow reads.

    Not those of whose formats Pillow knows no more than the name (data files such as .h5, drawings such as .wmf),
    videos, and pages.
    """
    suffix = suffix.lower()
    if suffix in heif.SUFFIXES:
        heif.register()
    format_name = Image.registered_extensions().get(suffix, "")
    # Pillow opens them by its reader of JPEG.
    if format_name == "MPO":
        return True
    if format_name not in Image.OPEN or format_name in NOT_STILL:
        return False
    factory = Image.OPEN[format_name][0]
    return not (inspect.isclass(factory) and issubclass(factory, StubImageFile))


def why_unread(suffix: str) -> str:
    """What files with this suffix are, and what to do about them, if they are pictures and not read here.

    Nothing for pictures that are read, and for whatever else lies in folders.
    """
    if is_picture_suffix(suffix):
        return ""
    if suffix in heif.SUFFIXES:
        return f"a HEIC picture. {heif.REMEDY}"
    if suffix in raw.SUFFIXES:
        return f"camera raw. {raw.REMEDY}"
    return f"{_OTHERS[suffix]}. {_CONVERT}" if suffix in _OTHERS else ""
