"""AV1 still pictures without a file around them: 8-bit RGB <-> the OBUs of one frame (docs/format.md, "Sharp layer").

Pillow codes them inside of AVIF, whose boxes say nothing that a chunk of ours does not: some 275 bytes a picture. They
are taken off, and put around a payload again before Pillow decodes it, with our own idea of the size.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from isthmus.effort import Effort
from isthmus.errors import CorruptError, MissingExtraError

# Palettes and copies from within the picture, which aom would try only where it takes the whole for a screen.
_SCREEN = {"enable-palette": "1", "enable-intrabc": "1", "tune-content": "screen"}
_SPEEDS: dict[Effort, int] = {1: 6, 2: 5, 3: 5, 4: 4}
_DELIMITER, _SEQUENCE, _FRAME = 2, 1, 6
_PROFILE_444 = 1
_SRGB = 1 << 16 | 13 << 8 | 0
"""Primaries, curve and matrix that say the range, which is then not coded."""
_NO_AVIF = "Pillow has no AVIF here"
_HINT = "Its wheels of PyPI have it: pip install --force-reinstall pillow."


@cache
def can_decode() -> bool:
    """Whether Pillow was built with a decoder."""
    return bool(features.check("avif"))


@cache
def can_encode() -> bool:
    """Whether Pillow was built with the encoder that these settings are for."""
    if not can_decode():
        return False
    try:
        _avif(np.zeros((16, 16, 3), np.uint8), 50, _SPEEDS[1])
    except (OSError, ValueError, RuntimeError):
        return False
    return True


def encode_av1(pixels: NDArray[np.uint8], quality: int, effort: Effort = 1) -> bytes:
    """The OBUs of a picture.

    Arguments:
        pixels: (h, w, 3) uint8 RGB.
        quality: 0 to 100, as of libavif.
        effort: 2 for some 6 % fewer bytes in three times the time.

    Raises:
        MissingExtraError: Pillow cannot.
    """
    if not can_encode():
        raise MissingExtraError(_NO_AVIF, expected="its encoder aom", hint=_HINT)
    file = _avif(pixels, quality, _SPEEDS[effort])
    at = file.index(b"mdat")
    (size,) = struct.unpack_from(">I", file, at - 4)
    obus = file[at + 4 : at - 4 + size]
    return b"".join(obus[begin:end] for kind, begin, _, end in _units(obus) if kind != _DELIMITER)


def decode_av1(obus: bytes, height: int, width: int, what: str) -> NDArray[np.uint8]:
    """The (height, width, 3) uint8 RGB pixels of a picture.

    Arguments:
        what: holds the OBUs, for messages.

    Raises:
        CorruptError: they are damaged, or not one plain picture of this size in 4:4:4 at 8 bits.
        MissingExtraError: Pillow cannot.
    """
    # Checked here, so that no decoder allocates for another size than ours.
    check_av1(obus, height, width, what)
    if not can_decode():
        raise MissingExtraError(_NO_AVIF, expected="its decoder", hint=_HINT)
    try:
        with Image.open(io.BytesIO(_wrapped(obus, height, width)), formats=["AVIF"]) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        raise CorruptError(f"{what} cannot be decoded", got=str(error)) from None
    if pixels.shape != (height, width, 3):
        raise CorruptError(f"{what} has the wrong size", expected=(height, width, 3), got=pixels.shape)
    return pixels


def _avif(pixels: NDArray[np.uint8], quality: int, speed: int) -> bytes:
    file = io.BytesIO()
    options = {"codec": "aom", "speed": speed, "subsampling": "4:4:4", "advanced": _SCREEN}
    # One thread: on several, the encoder takes other decisions. One tile of AV1's own: in several, copies and what was
    # learned end where a tile does, which costs screens a tenth to a fifth of their bytes.
    Image.fromarray(pixels).save(file, "AVIF", quality=quality, max_threads=1, autotiling=False, **options)
    return file.getvalue()


def _units(obus: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(type, begin, begin of the payload, end) of each OBU (AV1 bitstream specification, section 5.3).

    Raises:
        ValueError: these are none.
    """
    at = 0
    while at < len(obus):
        head = obus[at]
        # No extension, and a size: all that is in use for one picture.
        if head & 0b10000110 != 0b10:
            raise ValueError("an OBU of another form")
        size, begin = 0, at + 1
        for place in range(8):
            if begin >= len(obus):
                raise ValueError("an OBU without its end")
            byte = obus[begin]
            size |= (byte & 127) << 7 * place
            begin += 1
            if byte < 128:
                break
        if begin + size > len(obus):
            raise ValueError("an OBU without its end")
        yield head >> 3 & 15, at, begin, begin + size
        at = begin + size


def check_av1(obus: bytes, height: int, width: int, what: str) -> None:
    """Raise CorruptError unless these are a sequence header and a frame of this size, which cannot have another.

    What decoders take differently, or not at all, is refused as well: what is left is 4:4:4 at 8 bits as it was coded.
    """
    try:
        units = list(_units(obus))
    except ValueError as error:
        raise CorruptError(f"{what} is damaged", got=str(error)) from None
    kinds = [kind for kind, *_ in units]
    if kinds != [_SEQUENCE, _FRAME]:
        raise CorruptError(f"{what} is no AV1 still picture", expected="a sequence header and a frame", got=kinds)
    sequence, frame = (_Bits(obus[begin:end]) for _, _, begin, end in units)
    # Section 5.5.1: in the reduced header of a still picture, the frame is of the largest size.
    front = sequence.take(3), sequence.take(1), sequence.take(1)
    if front != (_PROFILE_444, 1, 1):
        expected = f"profile {_PROFILE_444} and the header of a still picture"
        raise CorruptError(f"{what} is no AV1 still picture in 4:4:4", expected=expected, got=front)
    sequence.take(5)  # level
    width_bits, height_bits = sequence.take(4) + 1, sequence.take(4) + 1
    found = (sequence.take(width_bits) + 1, sequence.take(height_bits) + 1)
    if found != (width, height):
        raise CorruptError(f"{what} has the wrong size", expected=f"{width}x{height}", got=found)
    sequence.take(3)  # larger superblocks, filtered prediction, filtered edges
    superres = sequence.take(1)
    sequence.take(2)  # directional filter, restoration
    deep = sequence.take(1)
    described = sequence.take(24) if sequence.take(1) else None
    if described != _SRGB:
        sequence.take(1)  # range: the file around it says that, and which matrix
    sequence.take(1)  # own quantizers of both planes of chroma
    grain = sequence.take(1)
    # Section 5.9.2, of a still picture without superresolution.
    frame.take(1)  # probabilities that stay
    if frame.take(1):  # screen tools
        frame.take(1)
    scaled = frame.take(1)
    names = {"more than 8 bits": deep, "superresolution": superres, "film grain": grain, "another size to show": scaled}
    if any(names.values()):
        got = " and ".join(name for name, there in names.items() if there)
        raise CorruptError(f"{what} is no plain AV1 still picture", expected=f"none of {', '.join(names)}", got=got)


class _Bits:
    """Bits of the beginning of some bytes, the most significant first; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data[:16].ljust(16, b"\0"))
        self._left = 128

    def take(self, count: int) -> int:
        self._left -= count
        return self._bits >> self._left & (1 << count) - 1


def _wrapped(obus: bytes, height: int, width: int) -> bytes:
    """An AVIF file (ISO/IEC 23000-22) of one picture."""
    begin = _box(b"ftyp", b"avif", bytes(4), b"avif", b"mif1", b"miaf", b"MA1A")
    handler = _full(b"hdlr", bytes(4), b"pict", bytes(13))
    item = _full(b"pitm", struct.pack(">H", 1))
    entry = _full(b"infe", struct.pack(">HH", 1, 0), b"av01", b"Color\0", version=2)
    entries = _full(b"iinf", struct.pack(">H", 1), entry)
    # Full range, with the primaries and the curve of sRGB and the matrix of BT.601.
    colours = _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80))
    properties = _box(
        b"ipco",
        _full(b"ispe", struct.pack(">II", width, height)),
        _full(b"pixi", bytes([3, 8, 8, 8])),
        _box(b"av1C", bytes([0x81, _PROFILE_444 << 5, 0, 0])),
        colours,
    )
    associations = _full(b"ipma", struct.pack(">IHB", 1, 1, 4), bytes([1, 2, 0x80 | 3, 4]))
    described = _box(b"iprp", properties, associations)

    def located(offset: int) -> bytes:
        place = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(obus))
        return _full(b"meta", handler, item, _full(b"iloc", place), entries, described)

    return begin + located(len(begin) + len(located(0)) + 8) + _box(b"mdat", obus)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    """A box with a version, and without flags."""
    return _box(kind, struct.pack(">I", version << 24), *parts)
