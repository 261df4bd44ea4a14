"""What a coder of pictures is: tiles of RGB to payloads, and back; the room knows its coders by no more than this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.image.box import Box
from isthmus.image.coders.crew import Crew, default_threads
from isthmus.image.grid import Grid
from isthmus.model.engine import Engine, limit_threads
from isthmus.model.model import Model
from isthmus.quality import Quality

UInt8 = npt.NDArray[np.uint8]
Payloads = Callable[[int], bytes]
"""The payload of a tile, by its number."""
Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""

PREVIEW_SCALE = 16
"""Pixels of the picture for one of the preview, along a side."""


@dataclass(frozen=True)
class Setting:
    """What all work on a picture shares; networks and steps are looked up once.

    Attributes:
        model: the weights.
        quality: where the dial stands.
        threads: how many tiles are worked on side by side; None for the number of cores, up to a few. The work on a
            tile takes one thread, so nothing that is computed depends on their number.
    """

    model: Model
    quality: Quality
    threads: int | None = None

    @cached_property
    def steps(self) -> npt.NDArray[np.float32]:
        """(C,) float32: the quantization step of every channel, in grey levels."""
        return self.model.steps(self.quality.hundredths)

    @cached_property
    def nominal_step(self) -> npt.NDArray[np.float32]:
        """(1,) float32: the step that the quality stands for, in grey levels."""
        return self.model.nominal_step(self.quality.hundredths)

    @cached_property
    def quality_weights(self) -> npt.NDArray[np.float32]:
        """(points,) float32: how much each of the model's quality points counts."""
        return self.model.quality_weights(self.quality.hundredths)

    def network(self, name: str) -> Engine:
        """A network of the model, ready to run in one thread; loaded once."""
        with _loading:
            return _network(self.model, name)

    def one_thread(self) -> AbstractContextManager[None]:
        """A context in which NumPy's matrix products keep to the thread that asks for them."""
        return limit_threads(1)

    def crew(self, tiles: int) -> Crew:
        """Threads for the work on so many tiles."""
        return Crew(min(self.threads or default_threads(), tiles))


_loading = Lock()
"""Threads that need a network at the same time load it once."""


@lru_cache(maxsize=8)
def _network(model: Model, name: str) -> Engine:
    return Engine(model.arrays[name], threads=1)


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
        max_effort: efforts of encoding are 1 to this.
        needs: names of the arrays that a model must have to be its model.
    """

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def tile(self) -> int: ...
    @property
    def max_effort(self) -> int: ...
    @property
    def needs(self) -> frozenset[str]: ...

    def encode_tiles(
        self, setting: Setting, source: PixelSource, effort: int = 1, progress: Progress | None = None
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

    def decode_preview(self, setting: Setting, payloads: Payloads, grid: Grid) -> UInt8:
        """The picture at a sixteenth, (ceil(H / 16), ceil(W / 16), 3) uint8, many times quicker than the whole.

        Raises:
            CorruptError, ModelError: as `decode_rows`.
        """
        ...

    def check_tiles(self, setting: Setting, payloads: Payloads, grid: Grid) -> None:
        """Raise CorruptError if a payload is damaged, taking no memory for the picture."""
        ...
