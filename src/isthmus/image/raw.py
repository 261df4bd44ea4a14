"""Camera raw: what a sensor measured, to be developed into a picture before anybody can compress it as one."""

from __future__ import annotations

from typing import IO, Any

from PIL import Image

from isthmus.errors import UnsupportedPictureError
from isthmus.files import position_kept

SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srf", "dng", "raf", "orf", "rw2", "rwl", "pef", "srw"),
        *("3fr", "fff", "iiq", "x3f", "gpr", "mef", "mos", "mrw", "erf", "dcr", "kdc", "k25", "bay"),
    )
)
REMEDY = "Develop it to a JPEG or an 8-bit TIFF first, with the camera's program, darktable or RawTherapee."
_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
_REDUCED = 1
_CR2 = b"CR"


def _is_canons(image: Image.Image) -> bool:
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if image.format != "TIFF" or stream is None:
        return False
    with position_kept(stream):
        stream.seek(8)
        return stream.read(2) == _CR2


def refuse_raw(image: Image.Image) -> None:
    """Raise for a raw file that Pillow takes for a TIFF: the first page of it is a thumbnail.

    Raises:
        UnsupportedPictureError
    """
    tags: Any = getattr(image, "tag_v2", {})
    subfile_type = tags.get(_NEW_SUBFILE_TYPE, 0)
    reduced = isinstance(subfile_type, int) and bool(subfile_type & _REDUCED)
    if reduced or _DNG_VERSION in tags or _is_canons(image):
        raise UnsupportedPictureError(
            "the file is camera raw, or its first page a preview of another", expected="a picture", hint=REMEDY
        )
