"""Lossless WebP without its wrapping: an image of Pillow's <-> a VP8L bitstream (RFC 9649, section 3)."""

import io
import struct

from PIL import Image

from isthmus.errors import CorruptError

_RIFF = struct.Struct("<4sI4s4sI")  # "RIFF", bytes that follow, "WEBP", "VP8L", bytes of the bitstream
_VP8L = struct.Struct("<BI")  # signature 0x2f; 14 bits width - 1, 14 bits height - 1, 4 bits of flags
_SIGNATURE = 0x2F


def encode_vp8l(image: Image.Image, quality: int, method: int) -> bytes:
    """The bitstream of an image, RGB or RGBA; colours under transparent pixels are kept.

    Arguments:
        quality, method: of libwebp, 0 to 100 and 0 to 6: how hard it tries.
    """
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, exact=True, quality=quality, method=method)
    size = _RIFF.unpack_from(file.getbuffer())[-1]
    # The RIFF wrapping says nothing that a chunk of ours does not.
    return file.getvalue()[_RIFF.size : _RIFF.size + size]


def decode_vp8l(bitstream: bytes, height: int, width: int, what: str) -> Image.Image:
    """The image, RGB or RGBA, of a bitstream.

    Arguments:
        what: holds the bitstream, for messages.

    Raises:
        CorruptError: it is damaged, or of another size.
    """
    if len(bitstream) <= _VP8L.size:
        raise CorruptError(f"{what} ends early", expected=f"more than {_VP8L.size} bytes", got=len(bitstream))
    signature, bits = _VP8L.unpack_from(bitstream)
    found = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    # Checked here, so that the decoder never allocates for another size than ours.
    if signature != _SIGNATURE or found != (width, height):
        raise CorruptError(f"{what} has the wrong size", expected=f"{width}x{height}", got=found)
    padding = b"\0" * (len(bitstream) % 2)
    riff = _RIFF.pack(b"RIFF", _RIFF.size - 8 + len(bitstream) + len(padding), b"WEBP", b"VP8L", len(bitstream))
    try:
        with Image.open(io.BytesIO(riff + bitstream + padding), formats=["WEBP"]) as image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise CorruptError(f"{what} cannot be decoded", got=str(error)) from None
    if image.size != (width, height):
        raise CorruptError(f"{what} has the wrong size", expected=(width, height), got=image.size)
    return image
