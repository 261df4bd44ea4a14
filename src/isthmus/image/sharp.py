"""The sharp layer of a tile: pixels shown instead of the networks' <-> a payload (docs/format.md, "Sharp layer").

Text, line art and screenshots: few colours and hard edges. docs/adr/sharp-layer.md says by what they are coded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.effort import Effort
from isthmus.errors import CorruptError
from isthmus.image.av1 import decode_av1, encode_av1
from isthmus.image.mask import Mask, decode_mask, encode_mask, everywhere, pixels_of
from isthmus.image.samples import decode_samples, encode_samples, quick_size
from isthmus.quality import Quality

NOWHERE, EVERYWHERE, SOMEWHERE = 0, 1, 2
AV1 = 3
"""A kind beside those of :mod:`isthmus.image.samples`."""

# Places of the dial, and the quality of AV1 there: what makes the fewest bytes of pages of both kinds at equal
# SSIMULACRA2. Text then has no less of it than photographs have at the same place.
_DIAL, _AV1 = (0, 15, 30, 50, 65, 80, 90, 100), (4, 18, 37, 52, 63, 78, 88, 96)


@dataclass(frozen=True)
class SharpTile:
    """What a tile has of the sharp layer.

    Attributes:
        mask: where it shows, by blocks.
        pixels: (h, w, 3) uint8; what they are where it does not show says nothing. None if it shows nowhere.
    """

    mask: Mask
    pixels: NDArray[np.uint8] | None

    @property
    def kind(self) -> int:
        """Where it shows: `NOWHERE`, `EVERYWHERE` or `SOMEWHERE`."""
        if self.pixels is None:
            return NOWHERE
        return EVERYWHERE if self.mask.all() else SOMEWHERE

    def shown_over(self, below: NDArray[np.uint8], part: tuple[slice, slice]) -> None:
        """Put what shows of a part of the tile over the pixels (h, w, 3) uint8 of that part."""
        if self.pixels is not None:
            everything = self.kind == EVERYWHERE
            shown = everything or pixels_of(self.mask, *self.pixels.shape[:2])[part][..., None]
            np.copyto(below, self.pixels[part], where=shown)


def encode_sharp(pixels: NDArray[np.uint8], mask: Mask, quality: Quality, effort: Effort = 1) -> bytes:
    """The payload of a tile in which the layer shows somewhere.

    Arguments:
        pixels: (h, w, 3) uint8.
        mask: where they are to show.
        quality: where the dial stands: the same as for photographs.
        effort: how hard the coders try.

    Raises:
        MissingExtraError: Pillow has no AV1.
    """
    front = bytes([EVERYWHERE]) if mask.all() else bytes([SOMEWHERE]) + encode_mask(mask)
    filled = _filled(pixels, mask)
    shown = bytes([AV1]) + encode_av1(filled, round(float(np.interp(quality.percent, _DIAL, _AV1))), effort)
    if quick_size(filled) <= 2 * len(shown):
        shown = min(encode_samples(filled), shown, key=len)
    return front + shown


def decode_sharp(payload: bytes | memoryview, height: int, width: int) -> SharpTile:
    """The layer of a tile of height x width pixels.

    Raises:
        CorruptError: the payload is damaged.
        MissingExtraError: Pillow has no AV1.
    """
    mask, rest = sharp_mask(payload, height, width)
    if payload[0] == NOWHERE:
        return SharpTile(mask, None)
    if rest[:1] == bytes([AV1]):
        return SharpTile(mask, decode_av1(rest[1:], height, width, "a sharp payload"))
    return SharpTile(mask, decode_samples(rest, height, width, 3))


def sharp_mask(payload: bytes | memoryview, height: int, width: int) -> tuple[Mask, bytes]:
    """Where the layer of a tile shows, and the payload's bytes after that.

    Raises:
        CorruptError: the payload does not say it.
    """
    front, rest = bytes(payload[:1]), bytes(payload[1:])
    if front == bytes([SOMEWHERE]):
        mask, used = decode_mask(rest, height, width)
        return mask, rest[used:]
    shown = front == bytes([EVERYWHERE])
    if not shown and (front, rest) != (bytes([NOWHERE]), b""):
        raise CorruptError("a sharp payload is of no known kind", got=bytes(payload[:8]).hex(" "))
    return everywhere(height, width, shown), rest


def _filled(pixels: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """The pixels with their most frequent colour where they do not show: it costs next to nothing."""
    if mask.all():
        return pixels
    shown = pixels_of(mask, *pixels.shape[:2])
    colours = pixels[shown].astype(np.uint32)
    found, counts = np.unique(colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2], return_counts=True)
    common = int(found[counts.argmax()])
    out = pixels.copy()
    out[~shown] = (common >> 16, common >> 8 & 255, common & 255)
    return out
