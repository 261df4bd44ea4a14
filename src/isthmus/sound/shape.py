"""The shape of a block: splits and angles of its frames, in a few bytes in front of its latents."""

from __future__ import annotations

import numpy as np

from isthmus.bitstream.chunks import deflate, inflate
from isthmus.bitstream.varint import read_varint, write_varint
from isthmus.errors import CorruptError, TruncatedError
from isthmus.sound.mdct import MAX_SPLIT, Splits
from isthmus.sound.stereo import ANGLES, Angles


def write_shape(splits: Splits, angles: Angles) -> bytes:
    """The bytes of a shape: how many follow, then a zlib stream of the splits and of the angles' changes."""
    changes = np.diff(angles, axis=0, prepend=np.zeros_like(angles[:1])) % ANGLES
    block = deflate(splits.tobytes() + np.ascontiguousarray(changes.T, np.uint8).tobytes())
    return write_varint(len(block)) + block


def read_shape(payload: bytes, frames: int, ranges: int) -> tuple[Splits, Angles, bytes]:
    """Splits, angles, and what follows them.

    Args:
        ranges: how many angles a frame has, 0 for a channel alone.

    Raises:
        CorruptError: this is no shape of so many frames.
    """
    view = memoryview(payload)
    try:
        size, start = read_varint(view, 0)
    except TruncatedError as error:
        raise CorruptError("a block ends in its shape", got=f"{len(payload)} bytes") from error
    wanted = frames * (1 + ranges)
    # Whatever it inflates to, no more than what is wanted is looked at.
    block = inflate("shape", view[start : start + size], max(wanted, len(payload)))
    if len(block) != wanted:
        raise CorruptError("a block's shape is of another size", expected=f"{wanted} bytes", got=len(block))
    values = np.frombuffer(block, np.uint8)
    splits, changes = values[:frames].copy(), values[frames:].reshape(ranges, frames).T
    if splits.max(initial=0) > MAX_SPLIT or changes.max(initial=0) >= ANGLES:
        raise CorruptError("a block's shape has splits or angles that there are not")
    angles = (np.cumsum(changes, axis=0, dtype=np.int64) % ANGLES).astype(np.uint8)
    return splits, angles, payload[start + size :]
