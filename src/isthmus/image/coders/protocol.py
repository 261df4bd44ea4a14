"""What a coder of pictures is: tiles of RGB to payloads, and back; the room knows its coders by no more than this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.effort import Effort
from isthmus.errors import InputError
from isthmus.image.box import Box
from isthmus.image.grid import Grid
from isthmus.medium.protocol import Progress
from isthmus.medium.setting import Setting
from isthmus.model.model import Model
from isthmus.plain import whole

MEDIUM = 1
"""The permanent number of pictures."""

UInt8 = npt.NDArray[np.uint8]
Payloads = Callable[[int], bytes]
"""The payload of a tile, by its number."""

SCALES = (2, 4, 8, 16)
"""Pixels of the picture for one of a smaller picture, along a side."""
PREVIEW_SCALE = SCALES[-1]
"""Of the preview."""


def scale_of(value: object) -> int:
    """A scale that there is.

    Raises:
        InputError: there is no such scale.
    """
    scale = whole(value, "the scale", expected := f"one of {', '.join(map(str, SCALES))}")
    if scale not in SCALES:
        raise InputError("the scale", expected=expected, got=value)
    return scale


def covering_scale(size: tuple[int, int], wanted: tuple[int, int]) -> int:
    """The largest scale at which a picture still has as many pixels as are wanted; 1 where only the whole one has.

    Args:
        size, wanted: (width, height) in pixels.
    """
    covering = [
        scale for scale in SCALES if all(side >= scale * least for side, least in zip(size, wanted, strict=True))
    ]
    return max(covering, default=1)


class PixelSource(Protocol):
    """Where an encoder gets its pixels: any window inside the picture."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    def __call__(self, top: int, left: int, height: int, width: int) -> UInt8:
        """(height, width, 3) uint8."""
        ...


@dataclass(frozen=True)
class ArraySource:
    """Pixels from an array (H, W, 3) uint8."""

    rgb: UInt8

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    def __call__(self, top: int, left: int, height: int, width: int) -> UInt8:
        return self.rgb[top : top + height, left : left + width]


class Coder(Protocol):
    """Tiles of RGB to payloads, and back. A coder holds no state of a picture.

    Attributes:
        id: its permanent number in files, 1 to 255. A change of what it writes is another coder.
        name: for people.
        tile: side of its tiles in pixels.
    """

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def tile(self) -> int: ...

    def check_model(self, model: Model) -> None:
        """Raise ModelError unless a model has the arrays that the coder needs, and no others."""
        ...

    def encode_tiles(
        self, setting: Setting, source: PixelSource, effort: Effort = 1, progress: Progress | None = None
    ) -> Iterator[bytes]:
        """The payloads of all tiles, row by row.

        Raises:
            ModelError: the model's networks do not run.
            SelfCheckError: what was encoded does not decode.
        """
        ...

    def decode_rows(
        self, setting: Setting, payloads: Payloads, grid: Grid, progress: Progress | None = None
    ) -> Iterator[tuple[int, UInt8]]:
        """(top, strip) in order; the strips (h, width, 3) uint8 cover the picture once.

        Raises:
            CorruptError: a payload is damaged.
            ModelError: the model's networks do not run.
        """
        ...

    def decode_window(self, setting: Setting, payloads: Payloads, grid: Grid, box: Box) -> UInt8:
        """The pixels (h, w, 3) uint8 of a box; only the tiles that it needs are decoded.

        Raises:
            CorruptError, ModelError: as `decode_rows`.
        """
        ...

    def decode_scaled(self, setting: Setting, payloads: Payloads, grid: Grid, scale: int) -> UInt8:
        """The picture at 1/2, 1/4, 1/8 or 1/16, (ceil(H / scale), ceil(W / scale), 3) uint8, quicker than the whole.

        Raises:
            CorruptError, ModelError: as `decode_rows`.
        """
        ...

    def least_error(self, setting: Setting, source: PixelSource, box: Box) -> float:
        """The mean squared error of the samples of a box of blocks that no quality takes away."""
        ...

    def bits_map(self, setting: Setting, rgb: UInt8) -> npt.NDArray[np.float32]:
        """Bits that go to each 16x16 block of a picture (H, W, 3) uint8: (ceil(H / 16), ceil(W / 16)) float32.

        Raises:
            ModelError: the model's networks do not run.
        """
        ...

    def check_tiles(self, setting: Setting, payloads: Payloads, grid: Grid) -> None:
        """Raise CorruptError if a payload is damaged, taking no memory for the picture."""
        ...
