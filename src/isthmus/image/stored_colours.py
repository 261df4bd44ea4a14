"""What a file stores about its colours that Pillow passes over: code points, headers, profiles in boxes.

Each format has a reader of its bytes; pixels are not looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from os import SEEK_CUR
from typing import IO

from PIL import Image

from isthmus.files import position_kept
from isthmus.image import heif
from isthmus.image.depth import MAX_BOX_BYTES, boxes, top_box
from isthmus.image.primaries import Said, of_code_points

Stored = Said | bytes | None
"""A description, or an ICC profile; None where the file stores neither."""

_CHUNKS_LOOKED_AT = 1000
_MAX_PROFILE_BYTES = 2**24
_BMP_V4, _BMP_V5 = 108, 124


def stored_colours(image: Image.Image, notes: list[str]) -> Stored:
    """What the file of an image stores about its colours and Pillow does not tell.

    A stream that Pillow has read to its end is let go of; a file that has a name is opened again.

    Args:
        image: as Pillow opened it, loaded or not.
        notes: gets a clause where it can be seen no more.
    """
    nclx = image.info.get("nclx_profile") if image.format == heif.FORMAT else None
    if nclx:
        return of_code_points(nclx["color_primaries"], nclx["transfer_characteristics"])
    read = _READERS.get(image.format or "")
    if read is None:
        return None
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if stream is not None and getattr(image, "tile", []):
        try:
            with position_kept(stream):
                return read(stream)
        except (ValueError, LookupError, struct.error):
            return None  # damaged, which its decoder says better
    try:
        with open(getattr(image, "filename", ""), "rb") as again:
            return read(again)
    except (OSError, ValueError, LookupError, struct.error):
        if not image.info.get("icc_profile"):
            notes.append("what the file said about its colours is not known: it was loaded before")
        return None


def _png(stream: IO[bytes]) -> Stored:
    """The chunk cICP."""
    _expect(stream, b"\x89PNG\r\n\x1a\n")
    for _ in range(_CHUNKS_LOOKED_AT):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return None
        size, kind = struct.unpack(">I4s", head)
        if kind == b"cICP" and size == 4:
            found = stream.read(4)
            return of_code_points(found[0], found[1])
        stream.seek(size + 4, SEEK_CUR)
    return None


def _avif(stream: IO[bytes]) -> Stored:
    """The code points in the colr property; every item of a picture has the same."""
    meta = dict(boxes(top_box(stream, b"meta", MAX_BOX_BYTES)[4:]))
    listed = boxes(dict(boxes(meta[b"iprp"]))[b"ipco"])
    body = next((body for kind, body in listed if kind == b"colr" and body[:4] == b"nclx"), None)
    return of_code_points(*struct.unpack_from(">HH", body, 4)) if body else None


def _jpeg2000(stream: IO[bytes]) -> Stored:
    """The profile in the first colour box that has one (ISO 15444-1, I.5.3.3); a bare codestream has no boxes."""
    listed = boxes(top_box(stream, b"jp2h", MAX_BOX_BYTES))
    return next((body[3:] for kind, body in listed if kind == b"colr" and body[0] in (2, 3)), None)


def _bmp(stream: IO[bytes]) -> Stored:
    """The profile, or gamma and primaries, of a header of version 4 or 5 (BITMAPV5HEADER)."""
    _expect(stream, b"BM")
    stream.seek(14)
    header = stream.read(_BMP_V5)
    (size,) = struct.unpack_from("<I", header)
    if size < _BMP_V4:
        return None
    kind = header[56:60]
    if kind == b"DEBM" and size >= _BMP_V5:
        start, length = struct.unpack_from("<II", header, 112)
        stream.seek(14 + start)
        return stream.read(min(length, _MAX_PROFILE_BYTES)) or None
    if kind != bytes(4):
        return None
    # Red, green and blue in XYZ as the display has them, 2.30 bits each; their sum is white.
    ends = [[value / 2**30 for value in struct.unpack_from("<3i", header, 60 + 12 * which)] for which in range(3)]
    ends.insert(0, [sum(values) for values in zip(*ends, strict=True)])
    gammas = {value / 2**16 for value in struct.unpack_from("<3I", header, 96)}
    if not all(sum(end) for end in ends) or 0 in gammas:
        return None  # left empty, as most writers do
    points = tuple(value / sum(end) for end in ends for value in end[:2])
    return Said("the BMP header", points, (gammas.pop(),) if len(gammas) == 1 else None)


def _expect(stream: IO[bytes], magic: bytes) -> None:
    stream.seek(0)
    if stream.read(len(magic)) != magic:
        raise ValueError("another file by now")


# Not QOI: its flag for linear light is what Pillow writes of any picture.
_READERS: dict[str, Callable[[IO[bytes]], Stored]] = {
    "PNG": _png,
    "AVIF": _avif,
    "JPEG2000": _jpeg2000,
    "BMP": _bmp,
}
