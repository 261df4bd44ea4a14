"""Which files of a folder are pictures, by their names: photographs, not all that Pillow has a reader for."""

from __future__ import annotations

import inspect

from PIL import Image
from PIL.ImageFile import StubImageFile

NOT_STILL = frozenset({"MPEG", "FLI", "EPS"})
"""Formats that Pillow opens though they hold no still picture of so many pixels: videos, and pages to be drawn."""


def is_picture_suffix(suffix: str) -> bool:
    """Whether files with this suffix hold a still picture that Pillow reads.

    Not those of whose formats Pillow knows no more than the name (data files such as .h5, drawings such as .wmf),
    videos, and pages.
    """
    format_name = Image.registered_extensions().get(suffix.lower(), "")
    # Pillow opens them by its reader of JPEG.
    if format_name == "MPO":
        return True
    if format_name not in Image.OPEN or format_name in NOT_STILL:
        return False
    factory = Image.OPEN[format_name][0]
    return not (inspect.isclass(factory) and issubclass(factory, StubImageFile))
