"""The samples that a Pillow image holds in its own mode, where the RGB that is coded is not all that they say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.image.chunks import PALETTE
from isthmus.image.modes import PALETTE_MODES


@dataclass(frozen=True)
class OwnSamples:
    """A picture as it came in, upright.

    Attributes:
        read: (top, left, height, width) -> (height, width, n) uint8, n samples a pixel, for any window inside.
        metadata: ICC, EXIF, XMP and palette by chunk type; an ICC profile is one for the own mode.
        notes: what was changed, a clause each, for people; less than where the picture is made RGB.
    """

    read: Callable[[int, int, int, int], NDArray[np.uint8]]
    metadata: dict[bytes, bytes]
    notes: tuple[str, ...]

    def stripped(self) -> "OwnSamples":
        """Without ICC, EXIF and XMP."""
        return replace(self, metadata={kind: block for kind, block in self.metadata.items() if kind == PALETTE})


def own_samples(
    image: Image.Image, has_alpha: bool, metadata: dict[bytes, bytes], notes: tuple[str, ...]
) -> OwnSamples:
    """The samples of a loaded image.

    Arguments:
        image: upright, of any mode of 8 bits.
        has_alpha: whether it has transparency.
    """
    if image.mode in PALETTE_MODES:
        metadata = metadata | {PALETTE: _palette(image, has_alpha and image.mode == "P")}

    def read(top: int, left: int, rows: int, columns: int) -> NDArray[np.uint8]:
        samples = np.asarray(image.crop((left, top, left + columns, top + rows)))
        return samples.reshape(rows, columns, -1)

    return OwnSamples(read, metadata, notes)


def _palette(image: Image.Image, with_alpha: bool) -> bytes:
    """Three or four bytes for each colour of an image's palette, the fourth its transparency."""
    # One colour at least: what an index without one shows is black as well.
    entries = np.array(image.getpalette("RGBA") or [0, 0, 0, 255], np.uint8).reshape(-1, 4)
    transparency = image.info.get("transparency")
    if isinstance(transparency, bytes):
        known = np.frombuffer(transparency[: len(entries)], np.uint8)
        entries[: len(known), 3] = known
    elif isinstance(transparency, int) and transparency < len(entries):
        entries[transparency, 3] = 0
    return entries[:, : 4 if with_alpha else 3].tobytes()
