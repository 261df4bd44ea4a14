"""PNG files that Pillow does not write."""

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np

from isthmus.image.chunks import ICC
from isthmus.image.files import open_picture

Chunk = tuple[bytes, bytes]


def png(
    samples: np.ndarray, bits: int = 8, colour_type: int = 0, chunks: Iterable[Chunk] = (), after: Iterable[Chunk] = ()
) -> io.BytesIO:
    """Of samples (H, W) of grey, or (H, W, 3); with chunks before and after the pixels."""
    height, width = samples.shape[:2]
    if bits < 8:
        planes = samples[..., None] >> np.arange(bits - 1, -1, -1) & 1
        rows = np.packbits(planes.reshape(height, -1), axis=1)
    else:
        rows = samples.reshape(height, -1).astype(np.uint8)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), *after, (b"IEND", b"")]
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def gamma(value: float) -> Chunk:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chromaticities(*values: float) -> Chunk:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


def p3_profile() -> bytes:
    """Display P3, as an ICC profile."""
    return open_picture(
        png(np.zeros((1, 1, 3), np.uint8), colour_type=2, chunks=[(b"cICP", bytes([12, 13, 0, 1]))])
    ).metadata[ICC]
