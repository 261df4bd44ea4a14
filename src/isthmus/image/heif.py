"""HEIC and HEIF, the pictures of phones: Pillow reads them where the optional pillow-heif is installed."""

from __future__ import annotations

import importlib.util
from typing import IO

from PIL import Image

from isthmus.extras import require
from isthmus.files import position_kept

FORMAT = "HEIF"
"""Pillow's name of the format, as pillow-heif registers it."""
SUFFIXES = frozenset({".heic", ".heif", ".hif", ".heics", ".heifs"})
REMEDY = 'Install what reads it: pip install "isthmus[heif]"; or convert it to JPEG first.'
_MODULE = "pillow_heif"
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_SEQUENCES = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})


def register() -> None:
    """Teach Pillow the format where pillow-heif is installed; for the whole process, as its readers all are."""
    if importlib.util.find_spec(_MODULE) is not None:
        import pillow_heif

        pillow_heif.register_heif_opener()


def require_reader(prefix: bytes, name: str) -> None:
    """Raise for a file that begins like HEIF where nothing reads that.

    Args:
        prefix: the first 12 bytes or more.
        name: what messages call the file.

    Raises:
        MissingExtraError: with the pip command.
    """
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _BRANDS:
        require("heif", [_MODULE], f"{name} is a HEIC picture, and reading it needs")


def is_sequence(image: Image.Image) -> bool:
    """Whether an image that was opened and not loaded is of a film of frames, not of a still picture or several."""
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if image.format != FORMAT or stream is None:
        return False
    with position_kept(stream):
        stream.seek(8)
        return stream.read(4) in _SEQUENCES
